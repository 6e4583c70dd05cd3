"""ComfyUI ends, by signals and restarts, while a paid request of a node is in flight."""

import signal
import sys
from pathlib import Path

import pytest

from ..held import Provider
from ..held import provider as provider

pytestmark = [
    pytest.mark.no_cover,
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there"),
]

#: As ComfyUI does it: its server in the main thread, prompts in a daemon thread.
HOST = f"""
from importlib.util import module_from_spec, spec_from_file_location

path = {str(Path(__file__).with_name("stand_in.py"))!r}
spec = spec_from_file_location("stand_in", path)
stand_in = module_from_spec(spec)
spec.loader.exec_module(stand_in)
sys.modules |= stand_in.modules(stand_in.Told())
VALUES = dict(
    prompt="A fox", image_url="", sound=False, duration=5, aspect_ratio="16:9", seed=0,
    sandbox=False, provider=dict(provider="kie"),
)

async def serve():
    from kling26.comfy_bridge import comfy_entrypoint
    (node,) = await (await comfy_entrypoint()).get_node_list()
    threading.Thread(target=lambda: asyncio.run(node.execute(**VALUES)), daemon=True).start()
    MEANWHILE

try:
    asyncio.run(serve())
except KeyboardInterrupt:
    print("Stopped server")
"""
SERVE = "await asyncio.Event().wait()"
RESTART = """
    await asyncio.to_thread(until_paying)
    os.execv(sys.executable, [sys.executable, "-c", "print('restarted')"])
"""


@pytest.mark.parametrize(
    ("number", "end"),
    [(signal.SIGTERM, (-signal.SIGTERM, "")), (signal.SIGINT, (0, "Stopped server\n"))],
    ids=["SIGTERM", "Ctrl-C"],
)
def test_comfyui_waits_for_the_answer(
    provider: Provider, number: int, end: tuple[int, str]
) -> None:
    host = provider.start(HOST.replace("MEANWHILE", SERVE)).until_paying().signal(number)

    assert host.answered_while_it_waits().ended() == end
    assert (provider.paid, provider.states) == (1, ["submitted"])


def test_a_restart_of_comfyui_waits_for_the_answer(provider: Provider) -> None:
    host = provider.start(HOST.replace("MEANWHILE", RESTART.strip()))

    assert host.answered_while_it_waits().ended() == (0, "restarted\n")
    assert (provider.paid, provider.states) == (1, ["submitted"])
