"""Whose words, codes and waits a refusal and a failure are told in: the service's own."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import httpx

from ...core.errors import (
    KeyRejected,
    Kling26Error,
    NoSuchTask,
    OutOfCredit,
    ProviderError,
    Refused,
    TryLater,
    UnexpectedReply,
)
from ...core.status import Status
from ..bench import Bench
from ..samples import TASK
from ..spoiling import Place, at, parsed, places, put
from ..usual import PROMPT, usual_request
from .judging import fail, show
from .several import Several

#: In place of the service's words: a plug-in that has its own does not know these.
FRESH = "Zebras never swim at noon"
#: A reason of several sentences, which the user reads whole.
LONG = (
    "Zebras never swim at noon. They did so once, in 1987, when the river was low; nobody has seen "
    "it since. Ask the keeper: he has counted 1,234 of them, and 0.5 of a crocodile. Then try again"
)
#: The statuses of an invalid request: services are of two minds about them.
INVALID = (400, 422)
#: Those of a "no" to a question, whatever the question was.
STATUSES = (400, 403, 404, 405, 409, 410, 422, 429)
#: Flows whose errors reach the user.
_ASKING = ("poll", "upload", "cancel", "find", "renew", "balance")
#: What the runner handles itself, when a free request is answered with it.
_HANDLED = (408, 429, 455)


class Words(Several):
    """The service's own words."""

    def test_refusals_are_told_in_the_services_words(self) -> None:
        """
        Whatever the reason of a "no", and whatever was asked, the error quotes the service.

        What to do: read the words from the reply, and pass them to `self.error`.
        """
        for reason, (status, body) in self._refusals().items():
            for name in ("submit", *_ASKING):
                if name == "submit" or status not in _HANDLED:
                    self._check_words(name, f"{reason.replace('_', ' ')}", status, body)
        status, body = self._refusals().get("key", (0, None))
        for other in (400, 403, 422):
            self._check_words("submit", "another reason", other, body)
        for reply in self._refusal_of_nonsense():
            status, body = reply.status_code, parsed(reply)
            self._check_words("submit", "an invalid request", status, body)

    def test_an_invalid_request_is_refused(self) -> None:
        """
        When the service finds a request invalid, nothing was paid, and the user reads why.

        What to do: raise `Refused` with the service's words for HTTP 400 and 422.
        """
        for reply in self._refusal_of_nonsense():
            for status in INVALID if reply.status_code in INVALID else ():
                outcome = self._outcome("submit", [httpx.Response(status, content=reply.content)])
                if not isinstance(outcome, Refused):
                    fail(
                        f"submit turns the refusal of an invalid request (HTTP {status}) into "
                        f"{show(outcome)} instead of Refused."
                    )

    def test_refusals_carry_what_helps(self) -> None:
        """
        Errors carry the service's code, the wait that it asks for, and the remedy.

        What to do: make them with `self.error(kind, reply, words, code)`.
        """
        for reason, (status, body) in self._refusals().items():
            headers = {"Retry-After": "17"}
            reply = httpx.Response(status, json=body, headers=headers)
            error = self._outcome("submit", [reply])
            if status >= 500 or not isinstance(error, Kling26Error):
                continue
            what = f"the refusal for {reason.replace('_', ' ')} (HTTP {status})"
            if isinstance(error, TryLater) and error.retry_after != 17.0:
                fail(f"submit loses the Retry-After of {what}: it is {error.retry_after}, not 17.")
            if isinstance(error, KeyRejected | OutOfCredit):
                self._check_remedy(what, error)
            if isinstance(error, Refused | TryLater):
                codes = list(_codes(body, status))
                if codes and error.code not in codes:
                    fail(
                        f"submit gives {show(error.code)} as the code of {what}, not {codes[0]!r}."
                    )

    def test_refusals_end_no_task(self) -> None:
        """
        A "no" to a poll says nothing about the task: the key, a limit, an account without credit.

        What to do: raise the error that the "no" means; return "failed" only where the reply says
        that of the task itself.
        """
        refusals = {f"{reason}": each for reason, each in self._refusals().items()}
        if "key" in refusals:
            _, body = refusals["key"]
            refusals |= {f"HTTP {status}": (status, body) for status in STATUSES}
        for reason, (status, body) in refusals.items():
            what = f"the refusal for {reason.replace('_', ' ')}"
            outcome = self._outcome("poll", [httpx.Response(status, json=body)])
            if isinstance(outcome, Status) and outcome.ended:
                fail(f"poll reads {what} as a task that is {outcome.state}.")
            gone = reason == "no_such_task" or status in (404, 410)
            if isinstance(outcome, NoSuchTask) and not gone:
                fail(f"poll reads {what} as if the task did not exist: {show(outcome)}")
            if not isinstance(outcome, Status | ProviderError):
                fail(f"poll turns {what} into {show(outcome)}.")
            found = self._outcome("find", [httpx.Response(status, json=body)])
            if self.provider.can("find") and found is None and status in (401, 402, 403):
                fail(f"find reads {what} as if there were no task: it has to raise an error.")

    def test_a_failure_is_told_in_the_services_words(self) -> None:
        """
        Reason and code of a failed task are those in the reply, whatever they are.

        What to do: read them with `kling26.core.wire.text`, and put them into the `Status`.
        """
        replies = self._samples().replies.get("failed", [])
        known = self._samples().values.get("failed")
        if not replies or not isinstance(known, Status) or known.state != "failed":
            return  # Another test fails on that.
        told = list(self._reworded("failed", replies))
        if told and not any(_told(outcome, FRESH) for outcome in told):
            fail(f"poll gives {known.reason!r} as the reason, whatever the service's words are.")
        told = list(self._reworded("failed", replies, LONG))
        if told and not any(_told(outcome, LONG) for outcome in told):
            fail("poll does not give the whole of a reason that has several sentences.")
        codes = [code for reply in replies for code in _codes(parsed(reply), reply.status_code)]
        if codes and known.code not in codes and known.reason not in codes:
            fail(f"poll gives {known.code!r} as the code of a failed task, not {codes[-1]!r}.")

    def _check_words(self, name: str, reason: str, status: int, body: object) -> None:
        """Other words in the body become other words in the error."""
        if status >= 500 or not (name == "submit" or self.provider.can(name) or name == "poll"):
            return
        replies = [httpx.Response(status, json=body)]
        before = self._outcome(name, replies)
        if not isinstance(before, ProviderError) or isinstance(before, UnexpectedReply):
            return
        outcomes = list(self._reworded(name, replies))
        if outcomes and not any(FRESH in str(outcome) for outcome in outcomes):
            fail(
                f"{name} leaves out the service's words in the refusal for {reason} "
                f"(HTTP {status}): {before}"
            )

    def _reworded(
        self, name: str, replies: Sequence[httpx.Response], words: str = FRESH
    ) -> Iterator[object]:
        """What becomes of replies when one of their sentences is another."""
        for index, reply in enumerate(replies):
            value = parsed(reply)
            for place in _sentences(value):
                changed = httpx.Response(reply.status_code, json=put(value, place, words))
                yield self._outcome(name, [*replies[:index], changed, *replies[index + 1 :]])

    def _check_remedy(self, what: str, error: KeyRejected | OutOfCredit) -> None:
        remedy, provider = error.remedy, self.provider
        if remedy is None or remedy.page != provider.key_page:
            fail(f"submit raises {type(error).__name__} for {what} without its remedy.")
        if isinstance(error, KeyRejected) and remedy.variable != provider.key_variable:
            fail(f"submit raises KeyRejected for {what} without the variable of the key.")
        if error.provider != provider.name:
            fail(f"submit raises {type(error).__name__} for {what} without the provider's name.")

    def _refusal_of_nonsense(self) -> list[httpx.Response]:
        """The emulator's replies to submits that break the service's rules, if it has any."""
        if self.sandbox is None:
            return []

        async def work(bench: Bench) -> list[httpx.Response]:
            replies = []
            for prompt in ("", PROMPT * 4000):
                replies += await _last_reply(bench, prompt)
            with suppress(Exception):  # An emulator may stumble over an empty body.
                replies += await _last_reply(bench, PROMPT, spoilt=True)
            return [each for each in replies if 400 <= each.status_code < 500]

        return self._work(work) or []


async def _last_reply(bench: Bench, prompt: str, spoilt: bool = False) -> list[httpx.Response]:
    """What the emulator replies to a submit that it does not accept."""
    request = usual_request(bench.provider, prompt, task=TASK)
    flow = bench.provider.submit(request, bench.provider.Options())
    before = len(bench.emulator.accepted)
    heard = await bench.overhear(flow, spoilt)
    return [] if len(bench.emulator.accepted) > before else heard[-1:]


def _sentences(value: object) -> list[Place]:
    """Where a body has words for people, other than those of the request."""
    texts = [(place, at(value, place)) for place in places(value)]
    return [place for place, text in texts if isinstance(text, str) and _is_sentence(text)]


def _is_sentence(text: str) -> bool:
    return " " in text.strip() and text not in (PROMPT, f"{PROMPT} again")


def _told(outcome: object, words: str) -> bool:
    return isinstance(outcome, Status) and words in str(outcome.reason)


def _codes(body: object, status: int) -> Iterator[str]:
    """The service's own codes in a body, by the names that services give them."""
    for place in places(body):
        value, name = at(body, place), str(place[-1]).lower()
        usual = ("", "0", "200", str(status))
        if name.endswith("code") and type(value) in (str, int) and str(value) not in usual:
            yield str(value)
