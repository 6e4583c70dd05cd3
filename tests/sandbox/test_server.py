"""The emulators over real HTTP, on a loopback port."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from kling26.core.errors import SettingsError
from kling26.core.hookspecs import Sandbox
from kling26.core.plugins import load_sandboxes
from kling26.sandbox import (
    Conditions,
    Fault,
    FaultName,
    Server,
    Site,
    build_site,
    environment,
    serve,
)
from kling26.sandbox.apikley import kling26_sandboxes as apikley
from kling26.sandbox.kie import KieSandbox
from kling26.sandbox.kie import kling26_sandboxes as kie

INPUT = {"prompt": "A heron", "sound": True, "aspect_ratio": "1:1", "duration": "5"}
TASK = {"model": "kling-2.6/text-to-video", "input": INPUT}


@pytest.fixture
def site() -> Site:
    return build_site([*kie(), *apikley()], Conditions(queued=0, running=0))


@pytest.fixture
def http(site: Site) -> Iterator[httpx.Client]:
    headers = {"Authorization": "Bearer key-1"}
    with Server(site) as server, httpx.Client(base_url=server.url, headers=headers) as http:
        yield http


def create(http: httpx.Client) -> httpx.Response:
    return http.post("/kie/api/v1/jobs/createTask", json=TASK)


def link(http: httpx.Client) -> str:
    task_id = create(http).json()["data"]["taskId"]
    data = http.get("/kie/api/v1/jobs/recordInfo", params={"taskId": task_id}).json()["data"]
    return str(data["resultJson"]).split('"')[3]


def emulator(site: Site) -> KieSandbox:
    app = site.apps["kie"]
    assert isinstance(app, KieSandbox)
    return app


def test_a_link_leads_to_the_emulator_where_it_is_served(http: httpx.Client) -> None:
    url = link(http)

    assert url.startswith(f"{str(http.base_url).rstrip('/')}/kie/results/")
    assert httpx.get(url).content[4:8] == b"ftyp"
    assert httpx.get(url, headers={"Range": "bytes=4-7"}).content == b"ftyp"


def test_an_uploaded_file_is_served_where_it_was_uploaded(http: httpx.Client) -> None:
    body = {"base64Data": "aGVyb24=", "uploadPath": "images"}
    answer = http.post("/apikley/file-upload/api/file-base64-upload", json=body)

    url = answer.json()["data"]["downloadUrl"]
    assert "/apikley/uploads/" in url
    assert httpx.get(url).content == b"heron"


def test_what_arrives_is_seen_without_the_place_where_it_is_served(
    http: httpx.Client, site: Site
) -> None:
    create(http)

    assert [request.path for request in emulator(site).requests] == ["/api/v1/jobs/createTask"]


def test_a_page_lists_what_is_served_and_how_to_reach_it(http: httpx.Client) -> None:
    listed = http.get("/").json()
    url = str(http.base_url).rstrip("/")

    assert list(listed["providers"]) == ["kie", "apikley"]
    assert listed["providers"]["kie"] == {
        "url": f"{url}/kie",
        "environment": {"KIE_BASE_URL": f"{url}/kie", "KIE_UPLOAD_URL": f"{url}/kie"},
    }
    assert "rate_limit" in listed["faults"]


def test_a_fault_is_requested_of_one_provider(http: httpx.Client, site: Site) -> None:
    order = {"provider": "kie", "fault": "rate_limit", "times": 2, "retry_after": 3}
    answer = http.post("/faults", json=order)

    assert answer.status_code == 201
    assert answer.json() == {"waiting": {"kie": ["rate_limit"], "apikley": []}}
    assert [create(http).status_code for _ in range(3)] == [429, 429, 200]


def test_faults_can_be_called_off(http: httpx.Client) -> None:
    http.post("/faults", json={"provider": "kie", "fault": "rate_limit"})

    assert http.delete("/faults").json() == {"waiting": {"kie": [], "apikley": []}}
    assert create(http).status_code == 200


@pytest.mark.parametrize(
    "order",
    [
        {},
        [],
        {"provider": "acme", "fault": "slow"},
        {"provider": ["kie"], "fault": "slow"},
        {"provider": "kie"},
        {"provider": "kie", "fault": "gremlin"},
        {"provider": "kie", "fault": {}},
        {"provider": "kie", "fault": "slow", "times": 0},
        {"provider": "kie", "fault": "slow", "colour": "red"},
    ],
)
def test_a_request_for_a_fault_that_makes_no_sense_says_why(
    http: httpx.Client, site: Site, order: object
) -> None:
    answer = http.post("/faults", json=order)

    assert answer.status_code == 400
    assert answer.json()["error"]
    assert emulator(site).conditions.faults == []


def test_a_reset_drops_the_connection(http: httpx.Client, site: Site) -> None:
    emulator(site).conditions.faults.append(Fault("reset_after_accept"))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        create(http)

    assert len(emulator(site).accepted) == 1
    assert create(http).status_code == 200


def test_a_cut_answer_is_a_broken_connection_after_its_beginning(
    http: httpx.Client, site: Site
) -> None:
    emulator(site).conditions.faults.append(Fault("cut_body_with_id"))
    arrived = bytearray()
    with (
        suppress(httpx.ReadError, httpx.RemoteProtocolError),
        http.stream("POST", "/kie/api/v1/jobs/createTask", json=TASK) as answer,
    ):
        for piece in answer.iter_raw():
            arrived += piece

    assert emulator(site).accepted[0].id.encode() in arrived
    assert len(arrived) < int(answer.headers["content-length"])


@pytest.mark.parametrize("name", ["cut_download", "wrong_length"])
def test_a_cut_download_is_a_broken_connection(
    http: httpx.Client, site: Site, name: FaultName
) -> None:
    url = link(http)
    emulator(site).conditions.faults.append(Fault(name))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        httpx.get(url)

    assert httpx.get(url).status_code == 200


def test_a_server_does_not_wait_for_a_slow_answer(site: Site) -> None:
    emulator(site).conditions.faults.append(Fault("slow"))
    impatient = httpx.Timeout(60, read=0.1)
    with Server(site) as server:
        url = f"{server.url}/kie/api/v1/jobs/createTask"
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json=TASK, headers={"Authorization": "Bearer 1"}, timeout=impatient)
        began = time.monotonic()

    assert time.monotonic() - began < 30  # It would take minutes.


def test_a_port_that_is_taken_is_an_error_at_once(site: Site) -> None:
    with Server(site) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), Server(site, port):
            pass  # pragma: no cover


def test_without_uvicorn_it_is_said_where_that_comes_from(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    with pytest.raises(SettingsError, match=r'uvicorn.*pip install "\.\[serve\]" in your clone'):
        serve(site)


def test_serving_reports_its_url_and_lasts_until_it_is_interrupted(site: Site) -> None:
    pages: list[str] = []

    def interrupt(url: str) -> None:
        pages.append(httpx.get(url).text)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(site, ready=interrupt)
    assert "kie" in pages[0]


def test_serving_waits_for_the_server(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr(Server, "wait", lambda server: waited.append(server.url))
    serve(site)

    assert waited[0].startswith("http://127.0.0.1:")


def test_waiting_ends_with_the_server(site: Site) -> None:
    with Server(site) as server:
        waiting = threading.Thread(target=server.wait)
        waiting.start()
    waiting.join(60)

    assert not waiting.is_alive()


def test_an_emulator_lets_a_lifespan_pass(site: Site) -> None:
    async def silent(*_: object) -> dict[str, object]:
        raise AssertionError  # pragma: no cover

    asyncio.run(emulator(site)({"type": "lifespan"}, silent, silent))  # type: ignore[arg-type]

    assert emulator(site).requests == []


@pytest.mark.parametrize(
    ("provider", "variables"),
    [
        ("kie", {"KIE_BASE_URL": "/kie", "KIE_UPLOAD_URL": "/kie"}),
        (
            "apikley",
            {"APIKLEY_BASE_URL": "/apikley", "APIKLEY_UPLOAD_URL": "/apikley/file-upload"},
        ),
        (
            "cometapi",
            {"COMETAPI_BASE_URL": "/cometapi", "COMETAPI_BALANCE_URL": "/cometapi"},
        ),
        (
            "runcomfy",
            {"RUNCOMFY_BASE_URL": "/runcomfy", "RUNCOMFY_BALANCE_URL": "/runcomfy/prod/v2"},
        ),
        ("acme", {"ACME_BASE_URL": "/acme"}),
    ],
)
def test_the_environment_leads_a_client_to_the_server(
    provider: str, variables: dict[str, str]
) -> None:
    url = "http://127.0.0.1:8026"

    sandbox = load_sandboxes().get(provider, Sandbox(provider, build=KieSandbox))

    assert environment(sandbox, f"{url}/") == {name: url + path for name, path in variables.items()}
