"""Faults in what Beacon makes of errors and of what nobody can read: each is found, and named."""

import pytest

NO_ID = "a_reply_without_an_id_counts_as_perhaps_paid"
KEY = "a_refused_key_is_not_tried_again"
VALUE = "no_error_becomes_a_value"
NONE = "find_returns_none_only_if_there_is_no_task"
OTHER = "find_takes_no_other_task"
SUBMIT = "task_id = identifier(self.read(reply, Reply).id)"
CANCEL = 'reply = yield httpx.Request("DELETE", self._url(ticket))'
BALANCE = 'reply = yield httpx.Request("GET", f"{self.base_url}/v1/account")'
UPLOAD = (
    'self._answer(reply)\n        return self.read_url(reply, self.read(reply, dict).get("url")'
)
RENEW = 'reply = yield httpx.Request("POST", f"{self._url(ticket)}/link")'
PRICE = 'reply = yield httpx.Request("GET", f"{self.base_url}/v1/price?{query}")'
FIND = 'reply = yield httpx.Request("GET", f"{self.base_url}/v1/jobs?own_id={own}")'
FAULT = "fault = self.read(reply, Reply).fault"
OURS = 'if get(job, "own_id") != request.task:'
REFUSED = 'raise Refused("It was not taken.")'


def after(old: str, *lines: str) -> tuple[str, str]:
    return old, "\n        ".join((old, *lines))


def before(old: str, *lines: str) -> tuple[str, str]:
    return old, "\n        ".join((*lines, old))


SEEDS = {
    "an empty reply that is a refusal": (
        NO_ID, "submit raises Refused for an empty body (HTTP 200): the user would read that",
        before(SUBMIT, f"if not reply.content: {REFUSED}"),
    ),
    "an empty array that is a refusal": (
        NO_ID, "submit raises Refused for an empty array (HTTP 200): the user",
        before(SUBMIT, f"if reply.content == b'[]': {REFUSED}"),
    ),
    "an empty reply that is tried again": (
        NO_ID, "submit raises TryLater for a web page (HTTP 202): the user",
        before(SUBMIT, "if reply.status_code == 202: raise TryLater('It was not taken.')"),
    ),
    "a redirect that is a refusal": (
        NO_ID, "submit raises Refused for a web page (HTTP 301): the user",
        before(SUBMIT, f"if reply.is_redirect or reply.status_code in (301, 307): {REFUSED}"),
    ),
    "a conflict that is a refusal": (
        NO_ID, "submit raises Refused for a web page (HTTP 409): the user",
        before(SUBMIT, f"if reply.status_code == 409: {REFUSED}"),
    ),
    "a broken server that is a refusal": (
        NO_ID, "submit raises Refused for a web page (HTTP 500): the user",
        ('        reply = yield httpx.Request("POST", f"{self.base_url}/v1/jobs", json=body)\n',
         ('        try:\n'
         '            reply = yield httpx.Request("POST", f"{self.base_url}/v1/jobs", json=body)\n'
         '        except __import__("kling26.core").core.Unavailable:\n'
         f'            {REFUSED}\n')),
    ),
    "a refused key that is tried again": (
        KEY, "submit raises TryLater for {",
        after(FAULT, "if reply.status_code == 403 and not fault: raise TryLater('Later.')"),
    ),
    "an empty reply to a cancel": (
        VALUE, "cancel returned True for an empty body (HTTP 200).",
        after(CANCEL, "if not reply.content and reply.is_success: return True"),
    ),
    "a refused cancel that is one": (
        VALUE, "cancel returned True for the refusal for key (HTTP 404).",
        after(CANCEL, "if reply.status_code == 404: return True"),
    ),
    "a limit that empties the account": (
        VALUE, "balance returned 0.0 for the refusal for key (HTTP 429).",
        after(BALANCE, "if reply.status_code == 429: return 0.0"),
    ),
    "a URL that nobody gave": (
        VALUE, "upload returned 'https://files.beacon.example/v1/files/",
        before(UPLOAD, 'if reply.is_error: return f"{self.upload_url}/v1/files/{image.name}"'),
    ),
    "an old link for a new one": (
        VALUE, "renew returned 'https://results.example/heron.mp4' for the refusal for key (HTTP 4",
        after(RENEW, "if reply.is_error: return url"),
    ),
    "a price of its own": (
        VALUE, "quote returned 0.5 for the refusal for key (HTTP 400).",
        after(PRICE, "if reply.is_error: return 0.5"),
    ),
    "a limit that hides a task": (
        NONE, "find returned None for the refusal for key (HTTP 429): the runner would pay again.",
        after(FIND, "if reply.status_code == 429: return None"),
    ),
    "a wrong path that hides a task": (
        NONE, "find returned None for the refusal for key (HTTP 404): the runner would pay again.",
        after(FIND, "if reply.status_code == 404: return None"),
    ),
    "an empty reply that hides a task": (
        NONE, "find returned None for an empty body (HTTP 400): the runner would pay again.",
        after(FIND, "if not reply.content: return None"),
    ),
    "a web page that hides a task": (
        NONE, "find returned None for a web page (HTTP 400): the runner would pay again.",
        after(FIND, "if reply.content[:1] == b'<': return None"),
    ),
    "a list that is none": (
        NONE, "find returned None for a reply without jobs: the runner would pay again.",
        after('jobs = self.read(reply, dict).get("jobs")', "if jobs is None: return None"),
    ),
    "a job that lost its id": (
        NONE, ".id is null: the runner would pay again.",
        (OURS, OURS.replace(":", ' or get(job, "id") is None:')),
    ),
    "a resemblance at the beginning": (
        OTHER, "find takes a task with the id 'k26-0123456789abcdef0' for 'k26-0123456789abcdef'.",
        (OURS, 'if not str(get(job, "own_id")).startswith(request.task):'),
    ),
    "a resemblance but for the end": (
        OTHER, "find takes a task with the id ",
        (OURS, 'if str(get(job, "own_id"))[:12] != request.task[:12]:'),
    ),
    "a beginning for the whole": (
        OTHER, "find takes a task with the id 'k26-0123456789abcde' for",
        (OURS, 'if not request.task.startswith(str(get(job, "own_id"))):'),
    ),
    "the first of a list": (
        OTHER, "find takes a task with the id ", (OURS, "if False:"),
    ),
    "the first of a list alone": (
        OTHER, "find returns None when a task with the id 'k26-0123456789abcdef0' comes first.",
        ("for job in jobs:", "for job in jobs[:1]:"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(finds, name: str) -> None:
    finds(*SEEDS[name])
