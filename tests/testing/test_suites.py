"""Suites without an emulator, with a faulty one, and with standard tests overridden."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from kling26.core import Flow, ImageFile, Provider, Sandbox
from kling26.providers.kie import Kie
from kling26.providers.runcomfy import RunComfy
from kling26.sandbox import Conditions
from kling26.sandbox.kie import KieSandbox
from kling26.testing import PICTURE, ProviderTests
from kling26.testing.conformance import standard_tests
from kling26.testing.emulation import serve

from .author import suite_of

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
