"""Faults in how Beacon tells refusals and failures: each is found, and named."""

import pytest

WORDS = "refusals_are_told_in_the_services_words"
INVALID = "an_invalid_request_is_refused"
HELPS = "refusals_carry_what_helps"
ENDS = "refusals_end_no_task"
FAILURE = "a_failure_is_told_in_the_services_words"
RAISE = "raise self.error(NO.get(reply.status_code, Refused), reply, said, code)"
MADE = 'reason, code = text(get(answer.fault, "words")), text(get(answer.fault, "code"))'
POLL = 'reply = yield httpx.Request("GET", self._url(ticket))'
FIND = 'reply = yield httpx.Request("GET", f"{self.base_url}/v1/jobs?own_id={own}")'


def before(old: str, *lines: str, indent: int = 8) -> tuple[str, str]:
    """These lines in front of another one."""
    return old, f"\n{' ' * indent}".join((*lines, old))


SEEDS = {
    "its own words for a limit": (
        WORDS, "submit leaves out the service's words in the refusal for rate limit (HTTP 429): Be",
        before(RAISE, "said = 'slow down' if reply.status_code == 429 else said"),
    ),
    "its own words for an empty account": (
        WORDS, "submit leaves out the service's words in the refusal for credit (HTTP 402): The ",
        before(RAISE, "said = 'There are no credits left.' if code == 'no_credit' else said"),
    ),
    "its own words for a key": (
        WORDS, "submit leaves out the service's words in the refusal for key (HTTP 401): Beacon",
        before(RAISE, "said = 'Unknown key.' if reply.status_code == 401 else said"),
    ),
    "its own words for an invalid request": (
        WORDS, "submit leaves out the service's words in the refusal for another reason (HTTP 422)",
        before(RAISE, "said = 'It is invalid.' if reply.status_code == 422 else said"),
    ),
    "its own words for what is not allowed": (
        WORDS, "submit leaves out the service's words in the refusal for another reason (HTTP 403)",
        before(RAISE, "said = 'Forbidden.' if reply.status_code == 403 else said"),
    ),
    "its own words for a task that is not there": (
        WORDS, "poll leaves out the service's words in the refusal for no such task (HTTP 404): Be",
        ("raise self.error(NoSuchTask, reply, said, code)",
         'raise self.error(NoSuchTask, reply, "there is none", code)'),
    ),
    "its own words for a key, when asked for the balance": (
        WORDS, "balance leaves out the service's words in the refusal for key (HTTP 401): No.",
        ("        self._answer(reply)\n        left =",
         ("        if reply.status_code == 401:\n            raise KeyRejected('No.')\n"
         "        self._answer(reply)\n        left =")),
    ),
    "an invalid request that may be paid": (
        INVALID, "submit turns the refusal of an invalid request (HTTP 422) into UnexpectedReply",
        before(RAISE, "if reply.status_code == 422: raise self.unexpected(reply, said)"),
    ),
    "a body that is invalid under another status": (
        INVALID, "submit turns the refusal of an invalid request (HTTP 400) into UnexpectedReply",
        before(RAISE, "if reply.status_code == 400: raise self.unexpected(reply, said)"),
    ),
    "an invalid request that is sent again": (
        INVALID, "submit turns the refusal of an invalid request (HTTP 422) into TryLater: Beacon",
        ("429: TryLater}", "429: TryLater, 422: TryLater}"),
    ),
    "a wait that is lost": (
        HELPS, "submit loses the Retry-After of the refusal for rate limit (HTTP 429): it is None",
        before(RAISE, "if reply.status_code == 429:", "    raise TryLater(said, code=code)"),
    ),
    "a wait of its own": (
        HELPS, "it is 60, not 17.",
        before(RAISE, "if reply.status_code == 429:",
               "    raise TryLater(said, code=code, retry_after=60)"),
    ),
    "a key that names no variable": (
        HELPS, "submit raises KeyRejected for the refusal for key (HTTP 401) without its remedy.",
        before(RAISE, "if reply.status_code == 401:",
               "    raise KeyRejected(said, code=code, provider=self.name)"),
    ),
    "an account without its page": (
        HELPS, "submit raises OutOfCredit for the refusal for credit (HTTP 402) without its remedy",
        before(RAISE, "if reply.status_code == 402: raise OutOfCredit(said, code=code)"),
    ),
    "a code that is left out": (
        HELPS, "submit gives None as the code of the refusal for key (HTTP 401), not 'bad_key'.",
        (RAISE, RAISE.replace(", code)", ")")),
    ),
    "an HTTP status for a code": (
        HELPS, "submit gives '401' as the code of the refusal for key (HTTP 401), not 'bad_key'.",
        (RAISE, RAISE.replace(", code)", ", reply.status_code)")),
    ),
    "a rejected key that ends the task": (
        ENDS, "poll reads the refusal for key as a task that is failed.",
        before("answer = self._answer(reply, asking=True)\n        if not answer.state",
               "if reply.status_code == 401:", "    return Status('failed', reason='key')"),
    ),
    "an empty account that ends the task": (
        ENDS, "poll reads the refusal for credit as a task that is cancelled.",
        before("answer = self._answer(reply, asking=True)\n        if not answer.state",
               "if reply.status_code == 402:", "    return Status('cancelled')"),
    ),
    "any refusal that ends the task": (
        ENDS, "poll reads the refusal for key as a task that is failed.",
        before("answer = self._answer(reply, asking=True)\n        if not answer.state",
               "if reply.is_error and reply.status_code != 404:",
               "    return Status('failed', reason='x')"),
    ),
    "an error under 200 that ends the task": (
        ENDS, "poll reads the refusal for error in 200 as a task that is failed.",
        before("answer = self._answer(reply, asking=True)\n        if not answer.state",
               "if self.read(reply, dict).get('fault') and not reply.is_error:",
               "    return Status('failed', reason='x')"),
    ),
    "a bad request that ends the task": (
        ENDS, "poll reads the refusal for HTTP 400 as a task that is failed.",
        before("answer = self._answer(reply, asking=True)\n        if not answer.state",
               "if reply.status_code == 400:", "    return Status('failed', reason='x')"),
    ),
    "a task that is gone, and failed": (
        ENDS, "poll reads the refusal for HTTP 410 as a task that is failed.",
        before("answer = self._answer(reply, asking=True)\n        if not answer.state",
               "if reply.status_code == 410:", "    return Status('failed', reason='gone')"),
    ),
    "a rejected key that hides the task": (
        ENDS, "poll reads the refusal for key as if the task did not exist: NoSuchTask: Beacon",
        ("if asking and reply.status_code == 404", "if asking and reply.status_code < 410"),
    ),
    "a rejected key that finds nothing": (
        ENDS, "find reads the refusal for key as if there were no task: it has to raise an error.",
        before("self._answer(reply)\n        jobs =", "if reply.is_error: return None"),
    ),
    "a reason of its own": (
        FAILURE, "poll gives 'It failed.' as the reason, whatever the service's words are.",
        (MADE, MADE.replace('text(get(answer.fault, "words"))', '"It failed."')),
    ),
    "a reason from a table": (
        FAILURE, "whatever the service's words are.",
        (MADE, f"{MADE}\n            reason = {{'content': 'Turned down.'}}.get(code, reason)"),
    ),
    "a reason that is cut": (
        FAILURE, "poll does not give the whole of a reason that has several sentences.",
        (MADE, f"{MADE}\n            reason = reason and reason[:100]"),
    ),
    "the first sentence of a reason": (
        FAILURE, "poll does not give the whole of a reason that has several sentences.",
        (MADE, f"{MADE}\n            reason = reason and reason.split('. ')[0]"),
    ),
    "a failure without its code": (
        FAILURE, "poll gives None as the code of a failed task, not 'content'.",
        ("return Status(state, reason=reason, code=code)", "return Status(state, reason=reason)"),
    ),
    "a code for a reason": (
        FAILURE, "poll gives 'content' as the reason, whatever the service's words are.",
        ("return Status(state, reason=reason, code=code)", "return Status(state, reason=code)"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(finds, name: str) -> None:
    finds(*SEEDS[name])
