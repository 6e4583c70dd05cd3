"""What every route has in common: what may be asked, and what is said of errors."""

import asyncio
import json
import logging
from typing import Any

import pytest
from kling26.comfy_bridge import clients, pages, routes
from kling26.comfy_bridge.public import bare, public
from kling26.comfy_bridge.routes import Answer, Call
from kling26.core import errors
from kling26.core.plugins import Registry

from .pages import OURS, Body, Page


@pytest.fixture
def page(comfyui: Any) -> Page:
    return Page(comfyui, asyncio.run)


def serve(work: routes.Work, method: str = "POST") -> None:
    routes.add(method, "/kling26/test", work)


async def echo(call: Call) -> Answer:
    return Answer(200, dict(call.body))


@pytest.mark.parametrize("part", [1, 3, 5000])
def test_a_body_may_come_in_any_number_of_parts(page: Page, part: int) -> None:
    serve(echo)

    assert page.post("/kling26/test", Body(b'{"key": "\xc3\xa4"}', part)) == (200, {"key": "ä"})
    assert page.post("/kling26/test", Body(b"  ", part)) == (200, {})


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 4000, b'{"a":' * 800, b"{", b"[]", b"null", b'"x"', b"1", b"NaN", b'{"a": NaN}',
        b'{"a": -Infinity}', b"\xff\xfe{\0}\0", b'{"a": "\xe4"}', b"\xef\xbb\xbf{}", b"{}{}",
        b"\0",
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(page: Page, body: bytes) -> None:
    serve(echo)
    status, content = page.post("/kling26/test", Body(body))

    assert status == 400
    assert content["error"].startswith("The body must be a JSON object in UTF-8")
    assert content["remedy"] is None


def test_a_body_is_bounded_however_it_arrives(page: Page) -> None:
    serve(echo)
    long = Body(b" " * 10_000_000, 100)

    assert page.post("/kling26/test", long)[0] == 413
    assert len(long.data) > 9_000_000
    whole = b'{"a": "' + b"x" * (4096 - 9) + b'"}'
    assert page.post("/kling26/test", Body(whole))[0] == 200
    assert page.post("/kling26/test", Body(whole + b" "))[0] == 413


def test_a_body_that_breaks_off_or_never_ends_is_refused(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless(Body):
        async def read(self, most: int) -> bytes:
            await asyncio.sleep(60)
            return b""

    serve(echo)
    monkeypatch.setattr(routes, "_SLOWEST_BODY", 0.01)

    assert page.post("/kling26/test", Body(b"{", error=ValueError("no gzip")))[0] == 400
    assert page.post("/kling26/test", Endless(b""))[0] == 408


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UnknownTask("There is none."), 404),
        (errors.UnknownProvider("There is none."), 404),
        (errors.NotApplicable("It is over."), 409),
        (errors.SettingsError("A setting is wrong."), 400),
        (errors.KeyRejected("No.", provider="kie"), 424),
        (errors.JournalBusy("The journal is locked."), 424),
        (errors.OutcomeUnknown("The answer was lost."), 424),
    ],
)
def test_an_error_is_a_sentence_and_what_helps(
    page: Page, error: errors.Kling26Error, status: int
) -> None:
    async def fail(_: Call) -> Answer:
        raise error

    serve(fail)
    answered, content = page.post("/kling26/test")

    assert (answered, content["error"]) == (status, str(error))
    if isinstance(error, errors.KeyRejected):
        assert content["remedy"] == {"do": "set_key", "command": "kling26 keys set kie"}
    if error.remedy is None:
        assert content["remedy"] is None


def test_a_budget_that_is_used_up_names_the_limit(page: Page) -> None:
    async def fail(_: Call) -> Answer:
        raise errors.BudgetExceeded("Used up.", setting="max_tasks_per_hour")

    serve(fail)

    assert page.post("/kling26/test")[1]["remedy"] == {
        "do": "change", "command": None, "option": "max_tasks_per_hour",
    }  # fmt: skip


def test_a_bug_is_logged_and_not_shown(page: Page, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_: Call) -> Answer:
        raise LookupError("/home/me/secret")

    serve(fail)
    with caplog.at_level(logging.ERROR, "kling26"):
        status, content = page.post("/kling26/test")

    assert status == 500
    assert "secret" not in json.dumps(content)
    assert "LookupError" in caplog.text


def test_an_error_is_said_in_the_language_of_the_page(page: Page) -> None:
    serve(echo)
    foreign = [("Host", "evil.example"), ("Accept-Language", "en")]

    status, content = page.post("/kling26/test", headers=foreign)

    assert (status, content["remedy"]) == (403, None)
    assert "KLING26_HOSTS" in content["error"]


def test_a_host_that_the_settings_name_is_answered(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(echo)
    proxied = [("Host", "kling.example"), ("Origin", "https://kling.example")]
    assert page.post("/kling26/test", headers=proxied)[0] == 403

    monkeypatch.setenv("KLING26_HOSTS", "other.example, kling.example")

    assert page.post("/kling26/test", headers=proxied)[0] == 200


def test_a_server_that_was_opened_answers_to_the_names_that_its_user_has_for_it(
    page: Page, comfyui: Any
) -> None:
    serve(echo)
    named = [("Host", "studio.lan:8188"), ("Origin", "http://studio.lan:8188")]

    answered = []
    for listen in (
        "127.0.0.1",
        "127.0.0.1,::1",
        "localhost",
        "0.0.0.0,::",
        "",
        "127.0.0.1,10.0.0.7",
    ):
        comfyui.arguments.listen = listen
        answered.append(page.post("/kling26/test", headers=named)[0])

    assert answered == [403, 403, 403, 200, 200, 200]


def test_every_route_has_the_guard(page: Page, comfyui: Any, registry: Registry) -> None:
    pages.add_routes(registry)
    rebound = [("Host", "evil.example"), ("Origin", "http://evil.example"),
               ("Sec-Fetch-Site", "same-origin")]  # fmt: skip

    assert len(comfyui.routes) == 18
    for method, path in comfyui.routes:
        asked = path.replace("{provider}", "kie").replace("{task}", "k26-0123456789abcdef")
        assert asyncio.run(page.ask(method, asked, headers=rebound))[0] == 403
        if method != "GET":
            unsaid = [("Host", "127.0.0.1:8188")]
            assert asyncio.run(page.ask(method, asked, headers=unsaid))[0] == 403


def test_the_page_gets_its_words(page: Page, registry: Registry) -> None:
    pages.add_routes(registry)

    status, content = page.get("/kling26/words")

    assert status == 200
    assert content["keys.save"] == "Save"
    other = page.get("/kling26/words", headers=[*OURS[:2], ("Accept-Language", "zh-CN,en;q=0.5")])
    assert other[1].keys() == content.keys()


# -- languages ---------------------------------------------------------------------------------


def test_a_page_says_what_its_user_reads(page: Page) -> None:
    clients.add_routes()

    assert page.post("/kling26/client", {"client": "one", "language": "zh-CN"})[0] == 200
    assert page.post("/kling26/client", {"client": "one", "language": "ru"})[0] == 200

    assert clients.language_of("one") == "ru"
    assert clients.language_of("another") is None
    assert clients.language_of(None) is None


@pytest.mark.parametrize(
    "body",
    [
        {}, {"client": "one"}, {"client": "", "language": "en"}, {"client": 5, "language": "en"},
        {"client": "x" * 101, "language": "en"}, {"client": "one", "language": "../../x"},
        {"client": "one", "language": None}, {"client": "\ud800", "language": "en"},
        {"client": "one", "language": "e" * 99},
    ],
)  # fmt: skip
def test_what_is_no_client_and_no_language_is_refused(page: Page, body: object) -> None:
    clients.add_routes()

    assert page.post("/kling26/client", body)[0] == 400


def test_only_so_many_pages_are_remembered(page: Page) -> None:
    clients.add_routes()
    for number in range(1100):
        page.post("/kling26/client", {"client": f"c{number}", "language": "en"})

    assert len(clients._languages) == 1000
    assert clients.language_of("c1099") == "en"


# -- texts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("In /home/me/x/keys.toml, it is empty.", "In keys.toml, it is empty."),
        ("C:\\Users\\me\\k.toml cannot be read.", "k.toml cannot be read."),
        ("\\\\nas\\share\\k.toml: no.", "k.toml: no."),
        ("(~/x/y) and sqlite:////srv/x/j.db", "(y) and j.db"),
        ("See https://kie.ai/logs/a?b=/c, or 1/2 of and/or.",
         "See https://kie.ai/logs/a?b=/c, or 1/2 of and/or."),
        ("postgresql://me@db/kling26 is locked", "postgresql://me@db/kling26 is locked"),
        ("A / alone", "A / alone"),
    ],
)  # fmt: skip
def test_paths_of_the_machine_stay_on_it(said: str, shown: str) -> None:
    assert public(said) == shown


def test_a_home_may_have_blanks_in_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("KLING26_HOME", str(tmp_path / "my own home"))

    assert public(f"{tmp_path}/my own home/config.toml is bad.") == "config.toml is bad."
    assert bare("C:\\x\\y.mp4") == bare("/x/y.mp4") == "y.mp4"
