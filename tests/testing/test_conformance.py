"""The conformance suite finds each of these faults, and says what it is."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import attrs
import httpx
import pytest
from kling26.cli.new_provider import words, write
from kling26.core import Flow, ImageFile, Provider, Status, Ticket
from kling26.core.plugins import load_sandboxes
from kling26.providers.kie import Kie
from kling26.providers.runcomfy import RunComfy
from kling26.sandbox.runcomfy import RunComfySandbox
from kling26.testing import ProviderTests
from kling26.testing.conformance import standard_tests

NAMES = standard_tests()
FAULT_TABLE = "test_whatever_goes_wrong_is_paid_once"
OTHERS = [name for name in NAMES if name not in (FAULT_TABLE, "test_a_failed_task_is_told")]

Edits = tuple[tuple[str, str], ...]


@attrs.frozen
class Broken:
    """One fault: what is edited in a good provider, which test finds it, and in which words."""

    test: str
    says: str
    edits: Edits


def broken(test: str, says: str, *edits: tuple[str, str]) -> Broken:
    return Broken(f"test_{test}", says, edits)


SUBMIT = 'reply = yield httpx.Request("POST", f"{self.base_url}/v1/videos", json=body)'
PAY_TWICE = SUBMIT + "\n        " + SUBMIT
ASK_AFTER = SUBMIT + '\n        yield httpx.Request("GET", f"{self.base_url}/v1/videos/1")'
KEY = 'headers={"X-Key": __import__("os").environ["ACME_API_KEY"]}'
POLL = 'reply = yield httpx.Request("GET", url)'
NO_ID = 'raise self.unexpected(reply, "reply.id is missing")'
REFUSE = """    def check(self, request, options):
        if options.negative_prompt:
            from kling26.core import OptionRefused
            raise OptionRefused("No.", option="negative_prompt")

    def _answer"""
SIGN = """    def sign(self, request, key):
        request.url = request.url.copy_add_param("key", key)

    def _answer"""
POLL_AND_PAY = f"""body = {{"prompt": "x", "seconds": 5, "sound": False}}
        yield httpx.Request("POST", f"{{self.base_url}}/v1/videos", json=body)
        {POLL}"""
BELIEVE = """    def verify_callback(self, body, headers, secret):
        return headers["signature"] == secret

    def _answer"""
END_ON_TROUBLE = f"""try:
            {POLL}
        except Exception:
            return Status("failed", reason="trouble")"""
END_ON_ERROR = """answer = read(reply, Reply, self)
        if answer.error is not None:
            return Status("failed", reason="error")"""
STATE = "state = refusals.state(self, said, STATES)"
RUNNING = "return Status(state)"

BROKEN = {
    "a variable that cannot be set": broken(
        "names_and_limits_are_well_formed",
        'key_variable "acme key" is no name of a variable',
        ('"ACME_API_KEY"', '"acme key"'),
    ),
    "limits that are nonsense": broken(
        "names_and_limits_are_well_formed",
        "its limits allow no prompt",
        ("text_prompt=2000", "text_prompt=0"),
    ),
    "an option that cannot be seen": broken(
        "options_can_be_shown",
        "Options.style is no option",
        ("class AcmeOptions:", "class AcmeOptions:\n    style: str = 'film'\n"),
    ),
    "an option without help": broken(
        "options_can_be_shown",
        "Options.negative_prompt has no label, or a help that is no sentence",
        ('help="What the video must not show."', 'help=""'),
    ),
    "a price in words": broken(
        "the_price_is_a_number_or_unknown",
        "price gave 'cheap' for 5 s",
        (
            "    def _answer",
            "    def price(self, request, options):\n        return 'cheap'\n\n    def _answer",
        ),
    ),
    "a prompt that is cut": broken(
        "the_prompt_is_sent_as_it_is",
        "does not send a prompt of 2000 characters as it is",
        ("prompt=request.prompt,", "prompt=request.prompt[:1999],"),
    ),
    "sound that is ignored": broken(
        "every_shared_option_counts",
        "the same request whether sound is False or True",
        ("sound=request.sound", "sound=False"),
    ),
    "a webhook that is dropped": broken(
        "every_shared_option_counts",
        "whether callback_url is None or 'https://me.example/hook",
        ("webhook_url=request.callback_url", "webhook_url=None"),
    ),
    "an address that is cut": broken(
        "addresses_are_sent_as_they_are",
        "does not send callback_url as it is",
        ("webhook_url=request.callback_url", "webhook_url=(request.callback_url or '')[:20]"),
    ),
    "an option that is ignored": broken(
        "every_option_of_its_own_counts",
        "when the option negative_prompt is",
        ("negative_prompt=options.negative_prompt or None", "negative_prompt=None"),
    ),
    "an option that is always refused": broken(
        "every_option_of_its_own_counts",
        "Options.negative_prompt is refused whatever its value",
        (
            "    def _answer",
            REFUSE,
        ),
    ),
    "sound that is only sent when it is on": broken(
        "sound_duration_and_shape_are_always_sent",
        "leaves sound out when it is False",
        ("sound=request.sound", "sound=request.sound or None"),
    ),
    "a number that becomes a text": broken(
        "numbers_and_switches_keep_their_json_type",
        'sends duration as "5" in seconds, no int in JSON',
        ("seconds=request.duration", "seconds=str(request.duration)"),
    ),
    "a whole number that becomes another one": broken(
        "numbers_and_switches_keep_their_json_type",
        "sends duration as 5.0 in seconds",
        ("seconds=request.duration", "seconds=float(request.duration)"),
    ),
    "a shape beside a picture": broken(
        "a_picture_sets_the_shape",
        "sends the aspect ratio with an image, in body.aspect_ratio",
        ("request.aspect_ratio if request.image is None else None", "request.aspect_ratio"),
    ),
    "an id by chance": broken(
        "equal_requests_are_sent_alike",
        "sends an equal request in another way, in header.x-id",
        (SUBMIT, SUBMIT[:-1] + ', headers={"X-Id": __import__("uuid").uuid4().hex})'),
    ),
    "a seed that is sent": broken(
        "equal_requests_are_sent_alike",
        "sends the seed, in header.x-seed",
        (SUBMIT, SUBMIT[:-1] + ', headers={"X-Seed": str(request.seed)})'),
    ),
    "a key in a flow": broken(
        "no_key_but_where_the_runner_puts_it",
        "submit puts the key on the request itself",
        (SUBMIT, SUBMIT[:-1] + f", {KEY})"),
    ),
    "a key in an address": broken(
        "no_key_but_where_the_runner_puts_it",
        "sign puts the key into the address",
        (
            "    def _answer",
            SIGN,
        ),
    ),
    "an address that cannot be moved": broken(
        "the_address_can_be_moved",
        "goes to https://api.acme.example/v1/videos though base_url is https://moved",
        ('f"{self.base_url}/v1/videos", json', '"https://api.acme.example/v1/videos", json'),
    ),
    "a request that is paid twice": broken(
        "one_request_pays_and_it_is_the_last",
        "sends 2 requests that may pay (POST, POST), not one",
        (SUBMIT, PAY_TWICE),
    ),
    "a question after the paid request": broken(
        "one_request_pays_and_it_is_the_last",
        "goes on after the paid request (POST, GET)",
        (SUBMIT, ASK_AFTER),
    ),
    "a question that pays": broken(
        "one_request_pays_and_it_is_the_last",
        "The emulator took 1 tasks during poll",
        (
            POLL,
            POLL_AND_PAY,
        ),
    ),
    "a ticket that JSON changes": broken(
        "tickets_survive_json",
        "a ticket whose data holds more than texts",
        ("return Ticket(answer.id)", 'return Ticket(answer.id, {"tries": 1})'),
    ),
    "a memory in the provider": broken(
        "flows_keep_nothing_in_the_provider",
        "submit keeps last on the provider",
        ("return Ticket(answer.id)", "self.last = answer.id\n        return Ticket(answer.id)"),
    ),
    "a lost id that is called refused": broken(
        "an_accepted_task_without_an_id_counts_as_perhaps_paid",
        "the user would be told that nothing was paid",
        (NO_ID, 'raise refusals.refused(self, reply, "there is no id")'),
    ),
    "a name of the id that is not its name": broken(
        "the_id_is_found_in_an_answer_that_broke_off",
        'task_id_name is "task_id"',
        ('task_id_name = "id"', 'task_id_name = "task_id"'),
    ),
    "a state that is not known": broken(
        "every_state_is_told",
        "poll tells that a task is running when it is queued",
        (RUNNING, 'return Status("running")'),
    ),
    "a state of its own": broken(
        "every_state_is_told",
        "a status whose state is 'waiting' for a task that is queued",
        (RUNNING, 'return Status("waiting" if state == "queued" else state)'),
    ),
    "a failure without its reason": broken(
        "every_state_is_told",
        "a failure without the service's reason",
        (", reason=words(problem.message))", ")"),
    ),
    "a field that is not there": broken(
        "every_flow_gets_its_answer",
        "submit does not get on with its answers (submit)",
        ("answer.id", "answer.video_id"),
    ),
    "an empty account as any refusal": broken(
        "refusals_become_their_errors",
        "of the refusal for credit (HTTP 402), not OutOfCredit",
        ("    402: refusals.out_of_credit,", ""),
    ),
    "words that are kept back": broken(
        "refusals_become_their_errors",
        "keeps the service's words to itself in the refusal for key",
        ("(self, reply, said, code)", '(self, reply, "No.", code)'),
    ),
    "a web page that is not expected": broken(
        "odd_answers_become_errors",
        "poll raises JSONDecodeError",
        (POLL, f"{POLL}\n        reply.json()"),
    ),
    "a value that is not expected": broken(
        "missing_and_wrong_values_become_errors",
        "poll raises KeyError: 'video_url' on an answer where video_url is missing",
        (
            "url=answer.video_url or None",
            'url=__import__("json").loads(self.text)["video_url"]',
        ),
        (POLL, f"{POLL}\n        object.__setattr__(self, 'text', reply.text)"),
    ),
    "a value of any type": broken(
        "missing_and_wrong_values_become_errors",
        "a status whose url is True, no text on an answer where video_url is true",
        ("    video_url: str | None = None", "    video_url: Any = None"),
    ),
    "an unknown state that ends it all": broken(
        "an_unknown_state_ends_nothing",
        "poll takes an unknown state for failed",
        (STATE, 'state = STATES.get(said, "failed")'),
    ),
    "a hiccup that ends it all": broken(
        "whatever_goes_wrong_is_paid_once[poll_error_in_200]",
        "With the fault poll_error_in_200 the video was not delivered: TaskFailed",
        (
            "answer = self._answer(reply, asking=True)",
            END_ON_ERROR,
        ),
    ),
    "a call without its task": broken(
        "callbacks_are_read",
        "read_callback makes Status(state='succeeded'",
        ("task_id=answer.id)", "task_id=None)"),
    ),
    "trouble that ends it all": broken(
        "trouble_ends_nothing",
        "poll returned Status(state='failed'",
        (POLL, END_ON_TROUBLE),
    ),
    "a call that is expected to be signed": broken(
        "an_unsigned_callback_is_not_believed",
        "verify_callback raises KeyError: 'signature' on a call without a signature",
        ("    def _answer", BELIEVE),
    ),
    "any call believed": broken(
        "an_unsigned_callback_is_not_believed",
        "verify_callback returned True on a call without a signature",
        ("    def _answer", BELIEVE.replace('headers["signature"] == secret', "True")),
    ),
    "a rate limit that is a refusal": broken(
        "whatever_goes_wrong_is_paid_once[rate_limit]",
        "With the fault rate_limit the video was not delivered: Refused",
        ("    429: refusals.try_later,", ""),
    ),
}


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The suite of a new provider, after some edits in it."""
    folder = tmp_path / "kling26-acme"
    write(folder, words("acme"))
    monkeypatch.syspath_prepend(str(folder))

    def build(*edits: tuple[str, str]) -> Any:
        file = folder / "kling26_acme.py"
        source = file.read_text("utf-8")
        for old, new in edits:
            assert old in source, old
            source = source.replace(old, new)
        file.write_text(source, "utf-8")
        plugin, emulator = load("kling26_acme"), load("kling26_acme_sandbox")

        class Suite(ProviderTests):
            provider = plugin.AcmeProvider()
            sandbox = emulator.AcmeSandbox

        return Suite()

    yield build
    for name in ("kling26_acme", "kling26_acme_sandbox"):
        sys.modules.pop(name, None)


def load(name: str) -> ModuleType:
    import importlib

    sys.modules.pop(name, None)
    importlib.invalidate_caches()
    return importlib.import_module(name)


def run(suite: Any, test: str, folder: Path) -> str | None:
    """What a test says when it fails; None if it passes."""
    name, _, fault = test.rstrip("]").partition("[")
    arguments: dict[str, Any] = {"fault": fault, "tmp_path": folder} if fault else {}
    try:
        getattr(suite, name)(**arguments)
    except pytest.fail.Exception as failure:
        return str(failure)
    return None


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_provider_is_found_and_its_fault_is_named(
    suite: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    fault = BROKEN[name]

    said = run(suite(*fault.edits), fault.test, tmp_path / "stage")

    assert said is not None
    assert fault.says in said
    assert "\n" not in said


def test_a_new_provider_has_none_of_these_faults(suite: Callable[..., Any], tmp_path: Path) -> None:
    new = suite()

    assert [said for name in OTHERS if (said := run(new, name, tmp_path))] == []


def test_every_standard_test_says_what_to_do() -> None:
    for name in NAMES:
        advice = (getattr(ProviderTests, name).__doc__ or "").partition("What to do: ")[2].strip()
        assert advice.endswith("."), name


def test_every_standard_test_finds_a_fault() -> None:
    """But those that a fault is found for below, or that are held elsewhere."""
    found = {fault.test.partition("[")[0] for fault in BROKEN.values()}

    assert set(NAMES) - found == {
        "test_a_cancelled_task_is_told_from_others",
        "test_a_failed_task_is_told",
        "test_a_signed_callback_is_told_from_others",
        "test_no_standard_test_is_overridden",
        "test_the_emulator_works_where_it_is_served",
    }


# -- by hand, without an emulator ---------------------------------------------------------------

SUCCEEDED = {"id": "v1", "state": "done", "video_url": "https://results.example/v1.mp4"}
REPLIES: dict[str, list[object]] = {
    "submit": [{"id": "v1", "state": "queued"}],
    "queued": [{"id": "v1", "state": "queued"}],
    "running": [{"id": "v1", "state": "working"}],
    "succeeded": [SUCCEEDED],
    "failed": [{"id": "v1", "state": "failed", "error": {"code": "x", "message": "No."}}],
}
REFUSALS = {
    "key": (401, {"error": {"code": "invalid_key", "message": "The key is not known."}}),
    "no_such_task": (404, {"error": {"code": "gone", "message": "There is no such video."}}),
}


def test_sample_answers_do_instead_of_an_emulator(
    suite: Callable[..., Any], tmp_path: Path
) -> None:
    class ByHand(type(suite())):  # type: ignore[misc]
        sandbox = None
        replies = REPLIES
        refusals = REFUSALS

    assert [said for name in OTHERS if (said := run(ByHand(), name, tmp_path))] == []
    with pytest.raises(pytest.skip.Exception, match="set `sandbox`"):
        run(ByHand(), f"{FAULT_TABLE}[slow]", tmp_path)


def test_sample_answers_find_faults_too(suite: Callable[..., Any], tmp_path: Path) -> None:
    class ByHand(type(suite(("    video_url: str | None", "    video_url: Any")))):  # type: ignore[misc]
        sandbox = None
        replies = REPLIES

    said = run(ByHand(), "test_missing_and_wrong_values_become_errors", tmp_path)
    assert said is not None
    assert "a status whose url is True, no text" in said


def test_a_suite_without_samples_says_what_it_needs(
    suite: Callable[..., Any], tmp_path: Path
) -> None:
    class Empty(type(suite())):  # type: ignore[misc]
        sandbox = None

    assert run(Empty(), "test_every_flow_gets_its_answer", tmp_path) == (
        "There is nothing to test with: give `sandbox`, or `replies` with submit and succeeded."
    )


# -- with another emulator -----------------------------------------------------------------------


def held(test: str, folder: Path, to: Any, by: Any) -> str | None:
    """What a standard test says of a provider and an emulator."""

    class Suite(ProviderTests):
        provider = to
        sandbox = by

    return run(Suite(), f"test_{test}", folder)


class Stubborn(RunComfy):
    def cancel(self, ticket: Ticket) -> Flow[bool]:
        yield from super().cancel(ticket)
        return False


class Hasty(RunComfy):
    def cancel(self, ticket: Ticket) -> Flow[bool]:
        yield from super().cancel(ticket)
        return True


class Sullen(RunComfy):
    def poll(self, ticket: Ticket) -> Flow[Status]:
        status = yield from super().poll(ticket)
        return attrs.evolve(status, state="failed") if status.state == "cancelled" else status


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (
            Stubborn(),
            "cancel returned False for a task that was queued, and the emulator cancelled it.",
        ),
        (
            Hasty(),
            "cancel returned True for a task that was running, and the emulator goes on with it.",
        ),
        (Sullen(), "poll makes Status(state='failed'"),
        (RunComfy(), None),
    ],
)
def test_what_became_of_a_cancel_is_held(
    tmp_path: Path, provider: Provider, said: str | None
) -> None:
    found = held("a_cancelled_task_is_told_from_others", tmp_path, provider, RunComfySandbox)

    assert found == said if said is None else str(found).startswith(said)


class Distrustful(Kie):
    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        return False


class Credulous(Kie):
    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        return "X-Webhook-Signature".lower() in {name.lower() for name in headers}


class Exact(Kie):
    def verify_callback(self, body: bytes, headers: Mapping[str, str], secret: str) -> bool:
        known = {name: headers[name] for name in headers if name.startswith("X-")}
        return super().verify_callback(body, known, secret)


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        (Distrustful(), "verify_callback returned False for a signed call."),
        (Exact(), "verify_callback returned False for a signed call."),
        (Credulous(), "verify_callback returned True for a call with another X-Webhook-Timestamp."),
        (Kie(), None),
    ],
)
def test_signatures_are_held(tmp_path: Path, provider: Provider, said: str | None) -> None:
    test = "a_signed_callback_is_told_from_others"

    assert held(test, tmp_path, provider, load_sandboxes()["kie"]) == said


def test_a_signature_without_an_end_is_found(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("kling26.providers.kie._MAX_AGE", float("inf"))
    test = "a_signed_callback_is_told_from_others"

    assert held(test, tmp_path, Kie(), load_sandboxes()["kie"]) == (
        "verify_callback returned True for a call of an hour ago."
    )


def test_an_emulator_that_calls_nobody_is_found(suite: Callable[..., Any], tmp_path: Path) -> None:
    acme = suite()

    class Silent(acme.sandbox):  # type: ignore[misc]
        def calls(self, task: object) -> list[object]:
            return []

    assert held("callbacks_are_read", tmp_path, acme.provider, Silent) == (
        "The emulator calls no webhook: return the bodies of its calls from `calls`."
    )


def test_an_emulator_that_does_not_know_where_it_is_served_is_found(
    suite: Callable[..., Any], tmp_path: Path
) -> None:
    acme = suite()

    class Lost(acme.sandbox):  # type: ignore[misc]
        def receipt(self, task: Any) -> dict[str, object]:
            site = task.base.removesuffix("/acme")
            return {**super().receipt(task), "url": f"{site}/v1/videos/{task.id}"}

    said = held("the_emulator_works_where_it_is_served", tmp_path, acme.provider, Lost)

    assert said is not None
    assert said.startswith("The emulator tells submit https://sandbox.example/v1/videos/")
    assert said.endswith(", but is served at https://sandbox.example/acme.")


def test_uploads_that_would_go_to_the_live_service_are_found(tmp_path: Path) -> None:
    class Elsewhere(Kie):
        name = "elsewhere"

    test = "the_emulator_works_where_it_is_served"
    said = held(test, tmp_path, Elsewhere(), load_sandboxes()["kie"].build)

    assert said is not None
    assert said.startswith("upload does not get on with the emulator on a server: kie.ai cannot be")


def test_a_form_that_differs_by_chance_is_found(suite: Callable[..., Any], tmp_path: Path) -> None:
    acme = suite()

    class Chance(type(acme.provider)):  # type: ignore[misc]
        def upload(self, image: ImageFile) -> Flow[str]:
            files = {"file": (image.name, image.data)}
            reply = yield httpx.Request("POST", f"{self.base_url}/files", files=files)
            return str(reply.json()["url"])

    class ByHand(ProviderTests):
        provider = Chance()
        replies: ClassVar[dict[str, list[object]]] = {
            **REPLIES, "upload": [{"url": "https://files.example/a.png"}]
        }  # fmt: skip

    assert run(ByHand(), "test_equal_requests_are_sent_alike", tmp_path) == (
        "upload sends an equal body in other bytes; has its form a boundary by chance?"
    )


# -- the guard -----------------------------------------------------------------------------------


def overridden() -> Callable[[object], None]:
    def test(self: object) -> None:
        """A test in the place of another one."""

    return test


@pytest.mark.parametrize(
    ("override", "passes"),
    [
        (overridden(), False),
        (None, False),
        (pytest.mark.skip(overridden()), False),
        (pytest.mark.skip(reason=" ")(overridden()), False),
        (pytest.mark.skip(reason="Acme has no states")(overridden()), True),
        (pytest.mark.xfail(reason="Acme has no states")(overridden()), True),
    ],
)
def test_a_standard_test_is_only_overridden_with_a_reason(
    suite: Callable[..., Any], tmp_path: Path, override: object, passes: bool
) -> None:
    class Own(type(suite())):  # type: ignore[misc]
        test_every_state_is_told = override

    said = run(Own(), "test_no_standard_test_is_overridden", tmp_path)
    assert said == (
        None
        if passes
        else "Own.test_every_state_is_told takes the place of a standard test without a reason."
    )


# -- as a plug-in of pytest ----------------------------------------------------------------------


def pytest_runs(pytester: pytest.Pytester, *arguments: str) -> Any:
    return pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-p", "no:xdist", "-q", "kling26-acme", *arguments
    )


@pytest.fixture
def new(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new provider in the folder of pytester, as if it were installed."""
    folder = pytester.path / "kling26-acme"
    write(folder, words("acme"))
    inherited = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), inherited])))
    return folder


def test_a_new_provider_passes_as_it_stands(pytester: pytest.Pytester, new: Path) -> None:
    result = pytest_runs(pytester)

    assert list(result.parseoutcomes()) == ["passed"]
    assert result.parseoutcomes()["passed"] > len(NAMES)


def test_a_failure_says_what_is_wrong_and_what_to_do(pytester: pytest.Pytester, new: Path) -> None:
    file = new / "kling26_acme.py"
    file.write_text(file.read_text("utf-8").replace("sound=request.sound", "sound=False"), "utf-8")

    result = pytest_runs(pytester, "-k", "every_shared_option")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "submit sends the same request whether sound is False or True; send it, or refuse it.",
            "*What to do*",
            "send the option, or refuse it: by `limits`, `takes_callback_url`, or in `check`.",
        ]
    )


def test_the_stage_shows_the_values_of_a_failed_assertion(
    pytester: pytest.Pytester, new: Path
) -> None:
    (new / "tests" / "test_own.py").write_text(
        "from kling26_acme import AcmeProvider\n"
        "from kling26_acme_sandbox import AcmeSandbox\n"
        "def test_paid(stage):\n"
        "    on_stage = stage(AcmeProvider(), AcmeSandbox)\n"
        "    on_stage.generate()\n"
        "    assert on_stage.paid == 2\n"
    )

    result = pytest_runs(pytester, "-k", "test_paid")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2*"])


def test_the_stage_is_set_for_an_installed_provider_by_its_name(
    pytester: pytest.Pytester, new: Path
) -> None:
    info = new / "kling26_acme-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kling26-acme\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[kling26]\nacme = kling26_acme\n")
    (new / "tests" / "test_own.py").write_text(
        "def test_named(stage):\n"
        '    on_stage = stage("acme")\n'
        "    assert on_stage.generate().file.exists()\n"
        "    assert [progress.phase for progress in on_stage.heard][-1] == 'stored'\n"
        "    assert on_stage.task().state == 'stored'\n"
    )

    pytest_runs(pytester, "-k", "test_named").assert_outcomes(passed=1)
