"""
A reverse proxy with a path prefix: proxy.py PORT UPSTREAM, in the Python of ComfyUI.

It serves ComfyUI under /studio/, as some hosts do, and passes on the name that was asked for.
"""

import asyncio
import sys
from typing import Any

from aiohttp import ClientSession, WSMsgType, web

PREFIX = "/studio"
_PER_HOP = ("connection", "transfer-encoding", "content-encoding", "content-length")


async def main(port: int, upstream: str) -> None:
    session = ClientSession(auto_decompress=True)

    async def passed_on(request: web.Request) -> Any:
        url = upstream + request.path_qs.removeprefix(PREFIX)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await _socket(session, request, url)
        headers = {name: text for name, text in request.headers.items() if name != "Connection"}
        body = await request.read()
        async with session.request(request.method, url, headers=headers, data=body) as answer:
            kept = {n: t for n, t in answer.headers.items() if n.lower() not in _PER_HOP}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", f"{PREFIX}/{{rest:.*}}", passed_on)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def _socket(session: ClientSession, request: web.Request, url: str) -> web.WebSocketResponse:
    here = web.WebSocketResponse(max_msg_size=0)
    await here.prepare(request)
    async with session.ws_connect(url, max_msg_size=0) as there:
        await asyncio.wait(
            [asyncio.create_task(_copy(here, there)), asyncio.create_task(_copy(there, here))],
            return_when=asyncio.FIRST_COMPLETED,
        )
    return here


async def _copy(source: Any, target: Any) -> None:
    async for message in source:
        if message.type == WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await target.send_bytes(message.data)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
