"""Suites without an emulator, with a faulty one, and with standard tests overridden."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import attrs
import httpx
import pytest
from kling26.core import Flow, ImageFile, Provider, Sandbox, Status, Ticket, VideoRequest
from kling26.core.plugins import load_sandboxes
from kling26.providers import kie
from kling26.providers.kie import Kie
from kling26.providers.runcomfy import RunComfy, RunComfyOptions
from kling26.sandbox import Conditions
from kling26.sandbox.kie import KieSandbox
from kling26.sandbox.runcomfy import RunComfySandbox
from kling26.testing import PICTURE, ProviderTests
from kling26.testing.conformance import standard_tests
from kling26.testing.emulation import serve


def suite_of(provider_of_it: Provider, emulator: object) -> type[ProviderTests]:
    class Suite(ProviderTests):
        provider = provider_of_it
        sandbox = emulator

    return Suite


# -- sample replies instead of an emulator -------------------------------------------------------

REPLIES: dict[str, list[object]] = {
    "submit": [{"id": "v1", "state": "queued"}],
    "queued": [{"id": "v1", "state": "queued"}],
    "running": [{"id": "v1", "state": "working"}],
    "succeeded": [{"id": "v1", "state": "done", "video_url": "https://results.example/v1.mp4"}],
    "failed": [{"id": "v1", "state": "failed", "error": {"code": "x", "message": "No."}}],
}
REFUSALS = {
    "key": (401, {"error": {"code": "invalid_key", "message": "The key is not known."}}),
    "no_such_task": (404, {"error": {"code": "gone", "message": "There is no such video."}}),
}


def test_sample_replies_do_for_all_but_the_fault_table(acme, verdict) -> None:
    class ByHand(acme()):
        sandbox = None
        replies = REPLIES
        refusals = REFUSALS

    said = {name: said_without(verdict, ByHand, name.removeprefix("test_")) for name in NAMES}

    assert {name: words for name, words in said.items() if words not in (None, SKIPPED)} == {}
    needy = {name for name, words in said.items() if words == SKIPPED}
    assert "test_whatever_goes_wrong_is_paid_once" in needy
    assert len(needy) < len(said) / 3


SKIPPED = "This test needs an emulator: set `sandbox`."
NAMES = standard_tests()


def said_without(verdict, suite: type[ProviderTests], name: str) -> str | None:
    """What a test says, or `SKIPPED`, of a suite without an emulator."""
    try:
        return verdict(suite, name)
    except pytest.skip.Exception as skipped:
        return str(skipped)


def test_sample_replies_find_mistakes_too(acme, verdict) -> None:
    class ByHand(acme(("url = find_video(answer.video_url)", "url = answer.video_url"))):
        sandbox = None
        replies = REPLIES

    assert "a status whose url is True instead of a string" in verdict(
        ByHand, "missing_and_wrong_values_become_errors"
    )


def test_a_suite_without_samples_says_what_it_needs(acme, verdict) -> None:
    class Empty(acme()):
        sandbox = None

    assert verdict(Empty, "every_flow_understands_its_replies") == (
        "There is nothing to test with: set `sandbox`, or `replies` with submit and succeeded."
    )


def test_a_random_boundary_is_found(acme, verdict) -> None:
    class Random(type(acme().provider)):
        def upload(self, image: ImageFile) -> Flow[str]:
            files = {"file": (image.name, image.data)}
            reply = yield httpx.Request("POST", f"{self.base_url}/files", files=files)
            return str(reply.json()["url"])

    class ByHand(ProviderTests):
        provider = Random()
        replies: ClassVar = {**REPLIES, "upload": [{"url": "https://files.example/a.png"}]}

    assert verdict(ByHand, "equal_requests_are_sent_identically") == (
        "upload sends equal bodies as different bytes; is its form's boundary random?"
    )


# -- money ---------------------------------------------------------------------------------------


class Told(RunComfy):
    """A provider that returns what the service said, whatever that is."""

    def quote(self, request: VideoRequest, options: RunComfyOptions) -> Flow[float | None]:
        reply = yield httpx.Request("GET", f"{self.base_url}/v1/models/kling")
        answer: float | None = self.read(reply, dict).get("price")
        return answer

    def balance(self) -> Flow[float]:
        reply = yield httpx.Request("GET", f"{self.base_url}/v1/balance")
        left: float = self.read(reply, dict)["left"]
        return left


def told(verdict, **said: object) -> str | None:
    class ByHand(ProviderTests):
        provider = Told()
        replies: ClassVar = {
            "submit": [{"request_id": "r-1"}],
            "succeeded": [{"status": "completed", "output": {"video": "https://a.example/1.mp4"}}],
            **{name: [reply] for name, reply in said.items()},
        }

    return verdict(ByHand, "every_flow_understands_its_replies")


@pytest.mark.parametrize("price", [0, -0.35, "0.35", True, [0.35], {"usd": 0.35}])
def test_a_quote_that_is_no_price_is_found(verdict, price: object) -> None:
    assert told(verdict, quote={"price": price}) == f"quote returned {price!r}."


def test_a_quote_that_finds_nothing_is_found(verdict) -> None:
    assert told(verdict, quote={}) == "quote finds no price in the service's own reply."
    assert told(verdict, quote={"price": 0.35}) is None


@pytest.mark.parametrize("left", [None, "12", True, [12]])
def test_a_balance_that_is_no_number_is_found(verdict, left: object) -> None:
    assert told(verdict, balance={"left": left}) == f"balance returned {left!r}."
    assert told(verdict, balance={"left": -3.5}) is None


# -- what became of a cancel ---------------------------------------------------------------------


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
    ("provider", "says"),
    [
        (Stubborn(), "cancel returned False for a queued task that the emulator cancelled."),
        (Hasty(), "cancel returned True for a running task that the emulator did not cancel."),
        (Sullen(), "poll reports Status(state='failed'"),
    ],
)
def test_a_cancel_that_does_not_tell_the_truth_is_found(
    verdict, provider: Provider, says: str
) -> None:
    said = verdict(suite_of(provider, RunComfySandbox), "cancel_tells_the_truth")

    assert said.startswith(says)


# -- signed callbacks ----------------------------------------------------------------------------


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
    ("provider", "says"),
    [
        (Distrustful(), "verify_callback returned False for a signed callback."),
        (Exact(), "verify_callback returned False for a signed callback."),
        (
            Credulous(),
            "verify_callback returned True for a callback without X-Webhook-Timestamp.",
        ),
    ],
)
def test_a_signature_that_is_not_checked_is_found(verdict, provider: Provider, says: str) -> None:
    suite = suite_of(provider, load_sandboxes()["kie"])

    assert verdict(suite, "only_genuine_callbacks_are_accepted") == says


def test_a_signature_that_never_expires_is_found(verdict, monkeypatch) -> None:
    monkeypatch.setattr(kie, "_MAX_AGE", float("inf"))
    suite = suite_of(Kie(), load_sandboxes()["kie"])

    assert verdict(suite, "only_genuine_callbacks_are_accepted") == (
        "verify_callback returned True for a callback of an hour ago."
    )


# -- faulty emulators ----------------------------------------------------------------------------


def test_an_emulator_that_sends_no_callbacks_is_found(acme, verdict) -> None:
    good = acme()

    class Silent(good.sandbox):
        def calls(self, task: object) -> list[object]:
            return []

    assert verdict(suite_of(good.provider, Silent), "callbacks_are_read") == (
        "The emulator sends no callbacks: return their bodies from `calls`."
    )


def test_an_emulator_that_does_not_know_its_own_path_is_found(acme, verdict) -> None:
    good = acme()

    class Lost(good.sandbox):
        def receipt(self, task):
            site = task.base.removesuffix("/acme")
            return {**super().receipt(task), "url": f"{site}/v1/videos/{task.id}"}

    said = verdict(suite_of(good.provider, Lost), "the_emulator_works_under_a_path")

    assert said.startswith("The emulator gives submit https://sandbox.example/v1/videos/")
    assert said.endswith(", but is served at https://sandbox.example/acme.")


def test_uploads_that_would_go_to_the_live_service_are_found(verdict) -> None:
    class Elsewhere(Kie):
        name = "elsewhere"

    said = verdict(suite_of(Elsewhere(), KieSandbox), "the_emulator_works_under_a_path")

    assert said.startswith("upload fails with the emulator under a path: kie.ai cannot be")


def test_an_emulators_class_is_served_as_its_hook_has_it() -> None:
    emulation = serve(Kie(), KieSandbox, Conditions())

    assert emulation.provider.upload_url == "https://sandbox.example/kie"


def test_what_is_not_an_emulator_is_refused(verdict) -> None:
    other = Sandbox("runcomfy", build=lambda conditions: {})

    with pytest.raises(TypeError, match=r"dict must be a subclass of kling26\.sandbox\.Emulator"):
        verdict(suite_of(RunComfy(), other), "every_state_is_reported")


# -- overriding a standard test ------------------------------------------------------------------


def other_test() -> Callable[[object], None]:
    def test(self: object) -> None:
        """A test in place of a standard one."""

    return test


@pytest.mark.parametrize(
    ("override", "passes"),
    [
        (other_test(), False),
        (None, False),
        (pytest.mark.skip(other_test()), False),
        (pytest.mark.skip(reason=" ")(other_test()), False),
        (pytest.mark.skip(reason="Acme has no states")(other_test()), True),
        (pytest.mark.xfail(reason="Acme has no states")(other_test()), True),
    ],
)
def test_a_standard_test_is_only_overridden_with_a_reason(
    verdict, override: object, passes: bool
) -> None:
    class Own(ProviderTests):
        test_every_state_is_reported = override

    said = verdict(Own, "no_standard_test_is_overridden")

    without = "Own.test_every_state_is_reported overrides a standard test without a reason."
    assert said == (None if passes else without)


# -- links that nobody renews ----------------------------------------------------------------------


class Lasting(KieSandbox):
    """A service that gives each link once."""

    polling_renews = False


class Unrenewed(Kie):
    renew = Provider.renew


def test_a_suite_says_what_to_do_where_no_flow_gives_another_link(tmp_path: Path) -> None:
    suite = suite_of(Unrenewed(), Lasting)

    with pytest.raises(pytest.fail.Exception, match=r"Write `renew`, or set `polling_renews` in"):
        suite().test_whatever_goes_wrong_is_paid_once("expired_link", tmp_path)


def test_a_service_without_fresh_links_may_lose_a_video_to_that(tmp_path: Path) -> None:
    class Suite(suite_of(Unrenewed(), Lasting)):  # type: ignore[misc]
        no_fresh_links = "Each link is given once, and lasts for a day."

    Suite().test_whatever_goes_wrong_is_paid_once("expired_link", tmp_path)


def test_the_picture_for_tests_is_the_one_that_cassettes_have() -> None:
    assert (PICTURE.format, PICTURE.size) == ("png", (320, 320))
    assert PICTURE.name == "55b75a95a1da510689fb8d83.png"  # Of the digest of its bytes.
