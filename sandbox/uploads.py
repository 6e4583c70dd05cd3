"""
The file uploads of kie.ai and Apikley.

https://docs.kie.ai/file-upload-api/quickstart and
https://docs.apikley.ru/file-upload-api/file-upload-api_upload-file-stream
"""

import mimetypes
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from .conditions import Conditions
from .faults import Reset
from .files import FileResponse
from .images import decode, placeholder
from .multipart import parts
from .requests import base_of, json_of, key_of
from .responses import AsciiJSONResponse, retry_after
from .schema import fields_of

FOLDER = "/uploads/"


class Uploads:
    """Files by path, in memory; a second file of the same name replaces the first."""

    def __init__(self, conditions: Conditions, prefix: str) -> None:
        self._conditions, self._prefix = conditions, prefix
        self._files: dict[str, bytes] = {}

    def routes(self) -> Sequence[BaseRoute]:
        """The routes that take files, and the one that serves them."""
        api = f"{self._prefix}/api"
        return [
            Route(f"{api}/file-base64-upload", self._base64, methods=["POST"]),
            Route(f"{api}/file-stream-upload", self._stream, methods=["POST"]),
            Route(f"{api}/file-url-upload", self._url, methods=["POST"]),
            Route(FOLDER + "{path:path}", self._serve),
        ]

    def find(self, url: str) -> bytes | None:
        """The file at a URL, if it was uploaded here."""
        _, folder, path = unquote(urlsplit(url).path).partition(FOLDER)
        return self._files.get(path) if folder else None

    async def _base64(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        fields = fields_of(await json_of(request))
        text = fields.get("base64Data")
        if not isinstance(text, str):
            return _error(400, "base64Data is missing")
        content = decode(text)
        if content is None:
            return _error(400, "base64Data is not base64")
        return self._keep(request, fields, content, "file")

    async def _stream(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        form = parts(request.headers.get("content-type", ""), await request.body())
        file = form.pop("file", None)
        if file is None:
            return _error(400, "file is missing")
        fields = {name: part.content.decode(errors="replace") for name, part in form.items()}
        return self._keep(request, fields, file.content, file.filename or "file")

    async def _url(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        fields = fields_of(await json_of(request))
        url = fields.get("fileUrl")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            return _error(400, "fileUrl is missing or not a URL")
        name = PurePosixPath(urlsplit(url).path).name or "file.png"
        # An emulator fetches nothing from the network; a placeholder stands in for the file.
        return self._keep(request, fields, self.find(url) or placeholder(), name)

    async def _serve(self, request: Request) -> Response:
        content = self._files.get(request.path_params["path"])
        if content is None:
            return PlainTextResponse("Not found", 404)
        kind = _media_type(request.path_params["path"])
        return FileResponse(content, request, self._conditions, media_type=kind)

    def _refused(self, request: Request) -> Response | None:
        if not self._conditions.knows(key_of(request)):
            return _error(401, "The key is not valid")
        fault = self._conditions.take_fault("upload")
        if fault is None:
            return None
        if fault.name == "upload_reset":
            raise Reset
        return _error(500, "Server error", wait=fault.retry_after)

    def _keep(
        self, request: Request, fields: Mapping[str, object], content: bytes, name: str
    ) -> Response:
        folder = fields.get("uploadPath")
        if not isinstance(folder, str) or not folder:
            return _error(400, "uploadPath is missing")
        if folder != folder.strip("/"):
            return _error(400, "uploadPath must neither begin nor end with a slash")
        name = str(fields.get("fileName") or name)
        path = f"{folder}/{name}"
        self._files[path] = content
        data = {
            "fileName": name,
            "filePath": path,
            "downloadUrl": f"{base_of(request)}{FOLDER}{quote(path)}",
            "fileSize": len(content),
            "mimeType": _media_type(name),
            "uploadedAt": datetime.fromtimestamp(self._conditions.clock(), UTC).isoformat(),
        }
        return AsciiJSONResponse({"success": True, "code": 200, "msg": "uploaded", "data": data})


def _error(status: int, text: str, wait: float | None = None) -> Response:
    body = {"success": False, "code": status, "msg": text}
    return AsciiJSONResponse(body, status, retry_after(wait))


def _media_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
