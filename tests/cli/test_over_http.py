"""Each provider over real HTTP, against `kling26 sandbox serve`; and no key anywhere after."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

pytestmark = pytest.mark.no_cover

PROVIDERS = ("kie", "apikley", "cometapi", "runcomfy")
KEY = "sk-recognisable-0123456789"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any, server: Any) -> Any:
    folder = tmp_path_factory.mktemp("user")
    Image.new("RGB", (400, 400), "teal").save(folder / "picture.png")
    return user_of(folder, **server)


@pytest.fixture(scope="module")
def made(user: Any) -> Mapping[str, Any]:
    """A video of each provider, in as many processes at the same time, and one of a picture."""
    began = {
        name: user.start(
            "generate", f"By {name}", "--provider", name, "--output", f"{name}.mp4", "--verbose"
        )
        for name in PROVIDERS
    }
    began["picture"] = user.start("generate", "A walk", "--image", "picture.png", "--json")
    began["rejected"] = user.start("generate", "A theft", KIE_API_KEY="a-wrong-key")
    return {name: running.ended() for name, running in began.items()}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_delivers(made: Any, user: Any, provider: str) -> None:
    ran = made[provider]

    assert (ran.status, ran.file) == (0, user.folder / f"{provider}.mp4")
    assert ran.file.read_bytes()[4:8] == b"ftyp"


def test_a_picture_is_uploaded_and_becomes_a_video(made: Any) -> None:
    ran = made["picture"]

    assert (ran.status, ran.object["state"]) == (0, "stored")
    assert ": uploading the image\n" in ran.err


def test_a_wrong_key_is_one_sentence_and_exit_3(made: Any) -> None:
    ran = made["rejected"]

    assert (ran.status, ran.out) == (3, "")
    assert ran.err.splitlines()[-1].startswith("kie.ai does not accept the key")
    assert "a-wrong-key" not in ran.err


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_tells_the_balance(user: Any, provider: str) -> None:
    ran = user.call("balance", provider, "--verbose")

    assert ran.status == 0
    assert float(ran.out.split()[0]) > 0
    assert "HTTP Request: GET http://127.0.0.1" in ran.err
    assert KEY not in ran.err


def test_verbose_shows_the_requests(made: Any) -> None:
    assert "HTTP Request: POST http://127.0.0.1" in made["kie"].err


def test_verbose_shows_the_traceback_of_an_error_too(user: Any) -> None:
    ran = user.call("generate", "x", "--duration", "7", "--verbose")

    assert ran.status == 2
    assert ran.err.startswith("kie.ai: duration must be 5 or 10;")
    assert "Traceback (most recent call last):" in ran.err


def test_no_key_is_written_anywhere(made: Any, user: Any) -> None:
    assert made
    files = [path for path in Path(user.folder).rglob("*") if path.is_file()]
    seen = [path for path in files if KEY.encode() in path.read_bytes()]

    assert any(path.name == "journal.sqlite3" for path in files)
    assert seen == []


def test_a_stored_key_is_written_to_its_own_file_alone(user: Any) -> None:
    user.call("keys", "set", "kie", stdin=f"{KEY}\n")
    ran = user.call("generate", "By kie", "--json", "--verbose", KIE_API_KEY=None)
    seen = [path.name for path in user.home.rglob("*") if path.is_file()
            and KEY.encode() in path.read_bytes()]  # fmt: skip

    assert ran.status == 0
    assert seen == ["keys.toml"]


def test_the_server_prints_what_to_export_and_takes_orders_for_faults(
    user: Any, server: Mapping[str, str]
) -> None:
    assert sorted(server) == [
        "APIKLEY_BASE_URL", "APIKLEY_UPLOAD_URL", "COMETAPI_BALANCE_URL", "COMETAPI_BASE_URL",
        "KIE_BASE_URL", "KIE_UPLOAD_URL", "RUNCOMFY_BALANCE_URL", "RUNCOMFY_BASE_URL",
    ]  # fmt: skip
    url = server["KIE_BASE_URL"].removesuffix("/kie")
    httpx.post(f"{url}/faults", json={"provider": "kie", "fault": "no_credit"}).raise_for_status()

    assert user.call("generate", "A bill").status == 3


def test_a_server_with_a_fault_misbehaves_once(user_of: Any, tmp_path: Path) -> None:
    serving = user_of(tmp_path).start("sandbox", "serve", "--port", "0", "--fault", "no-credit")
    address = serving.process.stdout.readline().removeprefix("export KIE_BASE_URL=").strip()
    ran = user_of(tmp_path, KIE_BASE_URL=address).call("generate", "A bill")
    ended = serving.interrupt().ended()

    assert ran.status == 3
    assert (ended.status, ended.err) == (0, "")


def test_a_port_that_is_taken_and_a_fault_that_is_none_are_reported(user: Any, server: Any) -> None:
    port = server["KIE_BASE_URL"].split(":")[2].split("/")[0]
    taken = user.call("sandbox", "serve", "--port", port)
    unknown = user.call("sandbox", "serve", "--fault", "gremlin")

    assert taken.said == (
        f"Port {port} is already in use; choose another with --port, or 0 for a free one."
    )
    assert unknown.said.startswith('There is no fault "gremlin". The faults are upload_500, ')
    assert (taken.status, unknown.status) == (2, 2)
