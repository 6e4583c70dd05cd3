"""The projects of authors who have cassettes: of kie.ai, and of a provider of their own."""

import base64
from pathlib import Path

import pytest
from kling26.core import Provider
from kling26.testing import ProviderTests

HERON = "A heron lands on a frozen pond, ice cracks"
TESTS = f'''
import pytest
from kling26.core import VideoRequest

@pytest.mark.cassette("kie/heron")
def test_heron(replay):
    video = replay.generate(VideoRequest("{HERON}", sound=True), "kie")

    assert video.file.stat().st_size > 0
    assert "key" not in repr(video)

@pytest.mark.cassette("kie/sea")
def test_sea(replay, picture):
    video = replay.generate(VideoRequest("Fog rolls over the sea", image=picture), "kie")

    assert video.file.stat().st_size > 0

@pytest.mark.cassette("kie/empty", written="it needs an empty account")
def test_empty(replay):
    raise AssertionError("never recorded")

@pytest.mark.cassette("kie/wrong", key="wrong-key")
def test_wrong(replay):
    with pytest.raises(Exception, match="does not accept the key"):
        replay.generate(VideoRequest("{HERON}"), "kie")
'''


#: A plug-in whose pictures go to a store elsewhere, and whose service echoes our own ids.
ACME = """
import httpx
from kling26.core import Provider, Status, Ticket, hookimpl

class Acme(Provider):
    name, title, key_variable = "acme", "Acme", "ACME_API_KEY"
    base_url = "https://api.acme.example/v1"

    def upload(self, image):
        place = (yield httpx.Request("POST", f"{self.base_url}/uploads")).json()
        kind = {"content-type": "image/png"}
        reply = yield httpx.Request("PUT", place["put"], content=image.data, headers=kind)
        assert reply.status_code == 200
        return place["url"]

    def submit(self, request, options):
        body = {"prompt": request.prompt, "picture": request.image, "own": request.task}
        reply = yield httpx.Request("POST", f"{self.base_url}/videos", json=body)
        answer = reply.json()
        if answer["own"] != request.task:
            raise self.unexpected(reply, "it is another task")
        return Ticket(answer["own"])

    def poll(self, ticket):
        url = f"{self.base_url}/videos?own={ticket.task_id}"
        return Status("succeeded", url=(yield httpx.Request("GET", url)).json()["url"])

@hookimpl
def kling26_providers():
    return [Acme()]
"""
PICTURE = (Path(__file__).parents[1] / "grey.png").read_bytes()
ACME_TESTS = f'''
import asyncio
import base64
import pytest
from kling26.core import ImageFile, VideoRequest

PICTURE = ImageFile(base64.b64decode("{base64.b64encode(PICTURE).decode()}"))

@pytest.mark.cassette("acme/two")
def test_two(replay):
    async def work(runner):
        return [
            await runner.generate(VideoRequest("One", image=PICTURE), "acme"),
            await runner.generate(VideoRequest("Two"), "acme"),
        ]

    one, two = replay.run(work)
    assert one.task_id == one.task != two.task == two.task_id
    assert replay.recording or one.task == "k26-0000000000000000"
'''


def project_of(pytester: pytest.Pytester) -> pytest.Pytester:
    """It, in the folder of pytester."""
    pytester.makeini("[pytest]\ncassettes = tapes")
    pytester.makeconftest(
        f"""
        import pytest

        pytest_plugins = ["kling26.testing.plugin"]

        @pytest.fixture
        def picture():
            return {(Path(__file__).parents[1] / "grey.png").read_bytes()!r}
        """
    )
    return pytester


def tape(project: pytest.Pytester, name: str) -> Path:
    path = project.path / "tapes" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def copy_of(case: str) -> str:
    return (Path(__file__).parents[2] / "cassettes" / f"{case}.yaml").read_text("utf-8")


def suite_of(provider_of_it: Provider, emulator: object) -> type[ProviderTests]:
    """The suite that an author writes for a provider."""

    class Suite(ProviderTests):
        provider = provider_of_it
        sandbox = emulator

    return Suite
