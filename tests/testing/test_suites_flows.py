"""Suites of providers that deal badly with money, with cancels, or with signatures."""

from collections.abc import Mapping
from typing import ClassVar

import attrs
import httpx
import pytest
from kling26.core import Flow, Provider, Status, Ticket, VideoRequest
from kling26.core.plugins import load_sandboxes
from kling26.providers import kie
from kling26.providers.kie import Kie
from kling26.providers.runcomfy import RunComfy, RunComfyOptions
from kling26.sandbox.runcomfy import RunComfySandbox
from kling26.testing import ProviderTests

from .author import suite_of

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
