"""Faults in how Beacon reads and verifies callbacks: each is found, and named."""

import pytest

AGREE = "callbacks_say_what_poll_says"
GENUINE = "only_genuine_callbacks_are_accepted"
UNSIGNED = "unsigned_callbacks_are_rejected"
RETURN = "return evolve(self._status(answer), task_id=task_id)"
AGE = "if abs(time.time() - int(sent)) > MAX_AGE:"
EMPTY = "if not secret or not sent.isascii() or not sent.isdigit():"
COMPARE = "return hmac.compare_digest(expected.hexdigest().encode(), signature.encode())"
MAC = 'expected = hmac.new(secret.encode(), sent.encode() + b"." + body, hashlib.sha256)'


def told(changes: str) -> tuple[str, str]:
    return RETURN, f"return evolve(self._status(answer), task_id=task_id, {changes})"


SEEDS = {
    "a failure that seems to go on": (
        AGREE, "read_callback gives 'running' as the state of a failed task, but poll gives",
        (RETURN, ("status = self._status(answer)\n"
                 "        state = 'running' if status.state == 'failed' else status.state\n"
                 "        return evolve(status, state=state, task_id=task_id)")),
    ),
    "a cancelled task that failed": (
        AGREE, "read_callback gives 'failed' as the state of a cancelled task, but poll gives",
        (RETURN, ("status = self._status(answer)\n"
                 "        state = 'failed' if status.state == 'cancelled' else status.state\n"
                 "        return evolve(status, state=state, task_id=task_id)")),
    ),
    "a failure without its reason": (
        AGREE, "read_callback gives None as the reason of a failed task, but poll gives 'The text",
        told("reason=None"),
    ),
    "a reason of its own": (
        AGREE, "read_callback gives 'It failed.' as the reason of a failed task",
        told('reason="It failed." if answer.state == "broken" else None'),
    ),
    "a failure without its code": (
        AGREE, "read_callback gives None as the code of a failed task, but poll gives 'content'.",
        told("code=None"),
    ),
    "a cost that is left out": (
        AGREE, "read_callback gives None as the cost of a succeeded task, but poll gives 25.0.",
        told("cost=None"),
    ),
    "a cost in another unit": (
        AGREE, "read_callback gives 0.25 as the cost of a succeeded task, but poll gives 25.0.",
        (RETURN, ("status = self._status(answer)\n"
                 "        cost = status.cost and status.cost / 100\n"
                 "        return evolve(status, cost=cost, task_id=task_id)")),
    ),
    "a poster for a video": (
        AGREE, "read_callback returns 'https://api.beacon.example/v1/files/job_",
        (RETURN, ("status = self._status(answer)\n"
                 "        url = status.url and get(answer.video, 'poster')\n"
                 "        return evolve(status, url=url, task_id=task_id)")),
    ),
    "a video of the first call": (
        AGREE, "which is not the task's video.",
        (RETURN, ("status = self._status(answer)\n"
                 "        kept = self.__dict__.setdefault('kept', status.url) or status.url\n"
                 "        return evolve(status, url=status.url and kept, task_id=task_id)")),
    ),
    "a callback whose reader stumbles": (
        AGREE, "read_callback turns the call of a failed task into KeyError: 'url'.",
        (RETURN, ("answer.video['url'] if answer.state == 'ready' else {}['url']\n"
                 f"        {RETURN}")),
    ),
    "a call from the future": (
        GENUINE, "verify_callback returned True for a callback of an hour ahead.",
        (AGE, "if time.time() - int(sent) > MAX_AGE:"),
    ),
    "a call of an hour ago": (
        GENUINE, "verify_callback returned True for a callback of an hour ago.",
        (AGE, "if int(sent) - time.time() > MAX_AGE:"),
    ),
    "a call of a minute ago that is too old": (
        GENUINE, "verify_callback returned False for a callback of a minute ago.",
        ("MAX_AGE = 300.0", "MAX_AGE = 3.0"),
    ),
    "an empty secret": (
        GENUINE, "True for a call signed with an empty secret when the user has none.",
        (EMPTY, EMPTY.replace("not secret or ", "")),
    ),
    "a signature that is only looked for": (
        GENUINE, "verify_callback returned True for a callback with another last character of X-",
        (COMPARE, "return bool(signature)"),
    ),
    "the beginning of a signature": (
        GENUINE, "verify_callback returned True for a callback",
        (COMPARE, "return expected.hexdigest().startswith(signature[:8])"),
    ),
    "the beginning of a signature that is longer": (
        GENUINE, "with another last character of X-Beacon-Signature.",
        (COMPARE, "return expected.hexdigest()[:32] == signature[:32]"),
    ),
    "the end of a signature": (
        GENUINE, "with another first character of X-Beacon-Signature.",
        (COMPARE, "return expected.hexdigest()[32:] == signature[32:]"),
    ),
    "a call of twenty minutes ago": (
        GENUINE, "verify_callback returned True for a callback of six minutes ago.",
        ("MAX_AGE = 300.0", "MAX_AGE = 1200.0"),
    ),
    "a call of twenty minutes ahead": (
        GENUINE, "verify_callback returned True for a callback of six minutes ahead.",
        (AGE, "if not -1200 < time.time() - int(sent) < MAX_AGE:"),
    ),
    "a body without the blanks around it": (
        GENUINE, "verify_callback returned True for a callback where a blank was added.",
        (MAC, MAC.replace("+ body", "+ body.strip()")),
    ),
    "a body that was read first": (
        GENUINE, "verify_callback returned False for a signed callback.",
        (MAC, MAC.replace("+ body", "+ repr(self.read_call(body, dict)).encode()")),
    ),
    "a secret of the plug-in's own": (
        GENUINE, "verify_callback returned False for a signed callback.",
        (MAC, MAC.replace("secret.encode()", "b'mine'")),
    ),
    "headers in one case only": (
        GENUINE, "verify_callback returned False for a signed callback.",
        ("known = {name.lower(): value", "known = {name: value"),
    ),
    "letters that are not ASCII": (
        GENUINE, "verify_callback raises TypeError: comparing strings with non-ASCII characters",
        (COMPARE, "return hmac.compare_digest(expected.hexdigest(), signature)"),
    ),
    "a time that is no number": (
        GENUINE, "verify_callback raises ValueError: invalid literal for int()",
        (EMPTY, "if not secret or not sent:"),
    ),
    "a time that is never looked at": (
        GENUINE, "verify_callback returned True for a callback of an hour ago.",
        (AGE, "if False:"),
    ),
    "an answer that is no bool": (
        GENUINE, "verify_callback returned b'",
        (COMPARE, f"{COMPARE} and signature.encode()"),
    ),
    "an exception without headers": (
        UNSIGNED, "verify_callback raises KeyError: 'x-beacon-time' for a callback without",
        ('known.get("x-beacon-time", "")', 'known["x-beacon-time"]'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(finds, name: str) -> None:
    finds(*SEEDS[name])
