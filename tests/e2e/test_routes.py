"""The routes of a real ComfyUI: over raw sockets, as the panel uses them, and as nobody should."""

import gzip
import json
import re
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

REPOSITORY = Path(__file__).parents[2]
GOOD, WRONG = "sk-e2e-good-4711", "sk-e2e-wrong-4711"


@pytest.fixture(scope="module")
def server(
    start_for_all: Callable[..., Any], providers: Any, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A ComfyUI with keys for kie.ai and RunComfy, in a home with a blank in its name."""
    folder = tmp_path_factory.mktemp("routes of mine")
    keys = {"KIE_API_KEY": GOOD, "RUNCOMFY_TOKEN": GOOD}
    return start_for_all(folder, {**providers.environment, **keys})


def raw(
    url: str, method: str, path: str, headers: dict[str, str], body: bytes = b"", wait: float = 20
) -> tuple[int, dict[str, str], bytes]:
    """A request as it is written here; the status, headers and body of the answer."""
    at = urlsplit(url)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {each}" for name, each in headers.items())]
    lines.append("Connection: close")
    with socket.create_connection((at.hostname, at.port), timeout=wait) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, content = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in rest), content


def own(comfy: Any, **more: str) -> dict[str, str]:
    """The headers of ComfyUI's own page."""
    return {"Host": urlsplit(comfy.url).netloc, "Origin": comfy.url, **more}


def post(comfy: Any, path: str, body: object = None) -> tuple[int, Any]:
    status, content = comfy.request("POST", f"/kling26{path}", body or {}, Origin=comfy.url)
    return int(status), content


def tasks(comfy: Any) -> list[Any]:
    return list(comfy.get("/kling26/tasks")["tasks"])


def wait_for(comfy: Any, task: str, *standings: str, seconds: float = 30) -> Any:
    """The object of a task once it stands so."""
    end = time.monotonic() + seconds
    while (found := comfy.get(f"/kling26/tasks/{task}"))["standing"] not in standings:
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return found


# -- the guard ---------------------------------------------------------------------------------

HEADERS = [
    ({}, 200, 403),
    ({"Origin": "{url}"}, 200, 200),
    ({"Sec-Fetch-Site": "same-origin"}, 200, 200),
    ({"Sec-Fetch-Site": "none"}, 200, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403, 403),
    ({"Origin": "null"}, 403, 403),
    ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 403, 403),
    ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403, 403),
    ({"Origin": "http://127.0.0.1:1"}, 403, 403),
    ({"Host": "evil.example", "Origin": "http://evil.example"}, 403, 403),
    ({"Host": "evil.example", "Sec-Fetch-Site": "same-origin"}, 403, 403),
    ({"Host": "127.0.0.1.evil.example"}, 403, 403),
    ({"Host": "0.0.0.0"}, 403, 403),  # noqa: S104 - to ask for.
    ({"Host": "", "Sec-Fetch-Site": "same-origin"}, 403, 403),
    ({"Host": "localhost:{port}", "Sec-Fetch-Site": "same-origin"}, 200, 200),
    ({"Host": "[::1]:{port}", "Origin": "http://[::1]:{port}"}, 200, 200),
]


def answers(url: str, headers: dict[str, str]) -> tuple[int, int]:
    """How a GET and a POST with such headers are answered."""
    at = urlsplit(url)
    filled = {"Host": at.netloc} | {
        name: each.format(url=url, port=at.port) for name, each in headers.items()
    }
    read = raw(url, "GET", "/kling26/budget", filled)[0]
    written = raw(url, "POST", "/kling26/budget", {**filled, "Content-Length": "2"}, b"{}")[0]
    return read, written


@pytest.mark.parametrize(("headers", "of_get", "of_post"), HEADERS)
def test_only_comfyuis_own_page_is_answered(
    server: Any, headers: dict[str, str], of_get: int, of_post: int
) -> None:
    assert answers(server.url, headers) == (of_get, of_post)


def test_an_opened_server_answers_to_its_users_names_and_to_no_other_page(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    opened = start(tmp_path, {}, arguments=["--listen", "0.0.0.0", "--multi-user"])  # noqa: S104
    cases = [
        ({"Host": "studio.lan", "Origin": "http://studio.lan"}, 200, 200),
        ({"Host": "studio.lan", "Origin": "https://studio.lan"}, 200, 200),
        ({"Host": "studio.lan", "Origin": "http://evil.example"}, 403, 403),
        ({"Host": "studio.lan", "Origin": "null"}, 403, 403),
        ({"Host": "studio.lan", "Sec-Fetch-Site": "cross-site"}, 403, 403),
        ({"Host": "studio.lan"}, 200, 403),
    ]

    for headers, *expected in cases:
        assert list(answers(opened.url, headers)) == expected, headers
    assert opened.get("/kling26/providers")["shared"] is True


def test_a_proxy_is_named_in_the_settings(start: Callable[..., Any], tmp_path: Path) -> None:
    proxied = start(tmp_path, {"KLING26_HOSTS": "kling.example"})

    named, other = (
        answers(proxied.url, {"Host": name, "Origin": f"https://{name}"})
        for name in ("kling.example", "evil.example")
    )

    assert (named, other) == ((200, 200), (403, 403))


# -- what nobody should send -------------------------------------------------------------------

BODIES = [
    (b"[" * 4000, 400), (b'{"a":' * 800, 400), (b"\xff\xfe{\0}\0", 400), (b"null", 400),
    (b'{"max_cost_per_day": NaN}', 400), (b'{"max_cost_per_day": 1e999}', 400),
    (b'{"max_cost_per_day": "\\ud800"}', 400), (b"x" * 100_000, 413), (b" " * 4097, 413),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), BODIES)
@pytest.mark.parametrize("path", ["budget", "keys/kie", "providers/kie/check", "client"])
def test_a_body_that_makes_no_sense_is_refused_in_a_sentence(
    server: Any, path: str, body: bytes, expected: int
) -> None:
    headers = own(server, **{"Content-Length": str(len(body))})
    status, _, content = raw(server.url, "POST", f"/kling26/{path}", headers, body)

    assert status == expected
    assert json.loads(content)["error"].endswith(".")


def test_a_body_in_parts_or_compressed_is_bounded_too(server: Any) -> None:
    def sent(body: bytes, **headers: str) -> int:
        named = {name.replace("_", "-"): each for name, each in headers.items()}
        return raw(server.url, "POST", "/kling26/budget", own(server, **named), body)[0]

    parts = b"".join(b"%x\r\n%s\r\n" % (1000, b" " * 1000) for _ in range(50)) + b"0\r\n\r\n"
    bomb = gzip.compress(b" " * 20_000_000)

    assert sent(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", Transfer_Encoding="chunked") == 200
    assert sent(parts, Transfer_Encoding="chunked") == 413
    assert sent(bomb, Content_Encoding="gzip", Content_Length=str(len(bomb))) == 413
    assert sent(b"no gzip", Content_Encoding="gzip", Content_Length="7") == 400


@pytest.mark.parametrize(
    "path",
    [
        "tasks/%00", "tasks/%ff%fe", "tasks/..%2f..%2fkeys.toml", "tasks/..%5ckeys.toml/video",
        "tasks/k26-0123456789abcdef/video", "tasks/k26-0123456789abcdef/thumbnail",
        "tasks/" + "a" * 6000, "tasks/k26-%F0%9F%98%80", "tasks?limit=x", "tasks?limit=%D9%A3",
        "tasks?limit=" + "9" * 5000, "tasks?open=maybe", "providers/%00/balance",
        "providers/auto/balance", "providers/..%2f/balance",
    ],
)  # fmt: skip
def test_an_address_that_makes_no_sense_is_refused_in_a_sentence(server: Any, path: str) -> None:
    status, _, content = raw(server.url, "GET", f"/kling26/{path}", own(server))

    assert 400 <= status < 500
    assert json.loads(content)["error"].endswith(".")


def test_no_answer_has_a_key_or_a_path_of_the_machine(server: Any, node: Any, save: Any) -> None:
    server.run({"1": node("A path", seed=70), "2": save("1")})
    (server.home / "keys.toml").write_text("kie = [")
    said = [raw(server.url, "GET", f"/kling26/{path}", own(server))[2].decode() for path in (
        "tasks", "providers", "words", "budget", "providers/kie/balance", "tasks/x",
    )]  # fmt: skip
    said += [json.dumps(post(server, "/keys/kie", {"key": key})) for key in (GOOD, WRONG)]
    (server.home / "keys.toml").unlink()

    for text in said:
        assert str(server.folder) not in text
        assert GOOD not in text
        assert WRONG not in text
    assert WRONG not in server.log
    assert GOOD not in server.log


# -- keys --------------------------------------------------------------------------------------


def test_a_key_is_judged_before_it_is_kept(server: Any) -> None:
    status, refused = post(server, "/keys/cometapi", {"key": WRONG})
    assert (400 <= status < 500, refused["remedy"]["do"]) == (True, "set_key")

    status, kept = post(server, "/keys/cometapi", {"key": GOOD})
    assert (status, kept["accepted"], kept["key"]["source"]) == (200, True, "keys.toml")
    assert kept["balance"]["unit"] == "USD"

    assert post(server, "/keys/cometapi", {"key": WRONG})[0] != 200
    assert GOOD in (server.home / "keys.toml").read_text()
    assert post(server, "/providers/cometapi/check", {"key": WRONG})[1]["accepted"] is False
    assert post(server, "/providers/cometapi/check")[1]["accepted"] is True
    server.request("DELETE", "/kling26/keys/cometapi", Origin=server.url)
    assert post(server, "/providers/cometapi/check")[1]["remedy"]["do"] == "set_key"


# -- tasks -------------------------------------------------------------------------------------


def test_a_video_is_sent_in_parts_and_has_a_picture(server: Any, node: Any, save: Any) -> None:
    server.run({"1": node("In parts", seed=71), "2": save("1")})
    task = next(each for each in tasks(server) if each["prompt"] == "In parts")
    path = f"/kling26/tasks/{task['task']}/video"
    whole = (server.home / "videos" / task["file"]).read_bytes()

    def part(wanted: str, **more: str) -> tuple[int, str | None, bytes]:
        headers = own(server, Range=wanted) | {
            name.replace("_", "-"): each for name, each in more.items()
        }
        status, told, content = raw(server.url, "GET", path, headers)
        return status, told.get("content-range"), content

    status, told, content = raw(server.url, "GET", path, own(server))
    assert (status, told["content-type"], content) == (200, "video/mp4", whole)
    assert (told["accept-ranges"], told["x-content-type-options"]) == ("bytes", "nosniff")
    assert part("bytes=4-9") == (206, f"bytes 4-9/{len(whole)}", whole[4:10])
    assert part("bytes=-7") == (206, f"bytes {len(whole) - 7}-{len(whole) - 1}/{len(whole)}",
                                whole[-7:])  # fmt: skip
    assert part("bytes=4-9", If_Range="Thu, 01 Jan 2026 00:00:00 GMT")[0] == 200
    assert part(f"bytes={len(whole)}-")[:2] == (416, f"bytes */{len(whole)}")
    status, told, content = raw(server.url, "HEAD", path, own(server))
    assert (status, told["content-length"], content) == (200, str(len(whole)), b"")

    picture = raw(server.url, "GET", path.replace("video", "thumbnail"), own(server))
    assert (picture[0], picture[1]["content-type"]) == (200, "image/jpeg")
    assert picture[2].startswith(b"\xff\xd8\xff")


def test_a_lost_task_is_adopted_by_its_id(
    server: Any, providers: Any, node: Any, save: Any
) -> None:
    from kling26.sandbox import Fault

    providers.site.conditions["kie"].faults.append(Fault("reset_after_accept"))
    run = server.run({"1": node("Lost", seed=72), "2": save("1")})
    assert run.end == "execution_error"
    lost = next(each for each in tasks(server) if each["prompt"] == "Lost")
    assert (lost["state"], lost["standing"], lost["remedy"]["do"]) == (
        "unknown", "unclear", "adopt",
    )  # fmt: skip
    assert "kling26 " not in lost["error"]
    path = f"/tasks/{lost['task']}"

    began = time.monotonic()
    status, content = post(server, f"{path}/adopt", {"task_id": "task_of_nobody"})
    assert 400 <= status < 500
    assert content["error"].endswith(".")
    assert time.monotonic() - began < 20

    remote = providers.tasks("kie")[-1].id
    status, content = post(server, f"{path}/adopt", {"task_id": f"  {remote} "})
    assert (status, content["task_id"]) == (200, remote)
    assert wait_for(server, lost["task"], "stored")["file"]
    assert post(server, f"{path}/adopt", {"task_id": remote})[0] == 409
    assert post(server, f"{path}/forget")[0] == 200
    assert server.request("GET", f"/kling26{path}")[0] == 404


def test_a_cancel_from_the_panel_ends_the_nodes_wait(
    server: Any, providers: Any, node: Any, save: Any
) -> None:
    providers.pace("runcomfy", queued=120, running=1)
    told: list[tuple[float, Any]] = []

    def cancel(_: Any) -> None:
        found = [each for each in tasks(server) if each["prompt"] == "Given up"]
        if not told and found and found[0]["standing"] == "at_provider":
            time.sleep(4)  # The next question to the provider is some seconds away.
            answer = post(server, f"/tasks/{found[0]['task']}/cancel")
            told.append((time.monotonic(), answer))

    run = server.run({"1": node("Given up", "runcomfy"), "2": save("1")}, meanwhile=cancel)

    assert run.end != "execution_success"
    ((at, (status, content)),) = told
    assert (status, content["state"]) == (200, "cancelled")
    assert time.monotonic() - at < 10


# -- two copies --------------------------------------------------------------------------------


def test_of_two_copies_one_runs_and_a_line_says_which(
    start: Callable[..., Any], tmp_path: Path
) -> None:
    other = tmp_path / "base" / "custom_nodes" / "kling26-copy"
    other.parent.mkdir(parents=True)
    ignored = shutil.ignore_patterns(".*", "tests", "cassettes", "__pycache__", "node_modules")
    shutil.copytree(REPOSITORY, other, ignore=ignored)
    comfy = start(tmp_path, {}, name="AAA-Kling26")

    lines = [line for line in comfy.log.splitlines() if "installed more than once" in line]
    scripts = [each for each in comfy.get("/extensions") if each.endswith("/kling26.js")]

    assert len(lines) == 1
    assert re.search(r"copy in .*(AAA-Kling26|kling26-copy) runs", lines[0])
    assert len(scripts) == 1
    assert "IMPORT FAILED" not in comfy.log
    assert comfy.get("/kling26/budget")["max_tasks_per_hour"] == 30
    assert list(comfy.get("/object_info/Kling26Video")) == ["Kling26Video"]
