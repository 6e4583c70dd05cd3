"""Faults in what Beacon makes of replies in two minds, of odd ids, and of keys: each is found."""

import pytest

ID, MINDS = "an_id_is_a_task_whatever_is_beside_it", "a_reply_in_two_minds_is_no_success"
NUMBER, CUT = "an_id_may_be_a_number", "the_id_is_recovered_from_a_truncated_reply"
FIGURES = "figures_are_those_in_the_reply"
KEY, SIGN = "nothing_tells_the_key", "only_sign_handles_the_key"
TICKET = "return Ticket(task_id)"
SUBMIT = "task_id = identifier(self.read(reply, Reply).id)"
POLL = 'reply = yield httpx.Request("GET", self._url(ticket))'
STATE = "state = self.state(answer.state, STATES, url)"
CALLED = "return evolve(self._status(answer), task_id=task_id)"
BALANCE = "    def balance(self)"
REFUSED = 'raise Refused("It was not taken.")'


def recovering(pattern: str, which: str = "[0]") -> tuple[str, str]:
    return BALANCE, (
        "    def recover_ticket(self, fragment, request):\n"
        f"        found = __import__('re').findall(r'{pattern}', fragment)\n"
        f"        return Ticket(found{which}) if found else None\n\n{BALANCE}"
    )


def signing(*lines: str) -> tuple[str, str]:
    body = "\n        ".join(lines)
    return BALANCE, f"    def sign(self, request, key):\n        {body}\n\n{BALANCE}"


def after(old: str, *lines: str) -> tuple[str, str]:
    return old, "\n        ".join((old, *lines))


SEEDS = {
    "an id beside the words of an error": (
        ID, "submit raises Refused for a reply with the refusal for credit, which has an id:",
        after(SUBMIT, f"if self.read(reply, Reply).fault: {REFUSED}"),
    ),
    "a receipt of a failed task": (
        ID, "submit raises Refused for a reply whose state is 'broken', which has an id: the user",
        after(SUBMIT, f"if self.read(reply, Reply).state == 'broken': {REFUSED}"),
    ),
    "a link beside a failure": (
        MINDS, "poll reads the reply about a failed task as a success if it has a link.",
        (STATE, f"state = 'succeeded' if url else {STATE.removeprefix('state = ')}"),
    ),
    "a link in a call about a failure": (
        MINDS, "read_callback reads a failed task as a success if it has a link.",
        (CALLED, f"if answer.video: answer = evolve(answer, state='ready')\n        {CALLED}"),
    ),
    "a cancel that is one under any success": (
        MINDS, "cancel returned True for a reply that says the task is running.",
        ('return self._answer(reply, asking=True).state == "stopped"',
         "self._answer(reply, asking=True)\n        return True"),
    ),
    "an id cut to the length of a UUID": (
        NUMBER, "submit turns a reply whose id is '0a1b2c3d4e5f-6071-8293-a4b5-c6d7-e8f9011223344",
        (TICKET, "return Ticket(task_id[:36])"),
    ),
    "a recovered id cut to the length of a UUID": (
        NUMBER, "recover_ticket finds Ticket(task_id='0a1b2c3d4e5f-6071-8293-a4b5-c6d7-e8f901', ",
        recovering('"id": ?"?([^",]+)', "[0][:39]"),
    ),
    "an id in a web page": (
        CUT, "recover_ticket finds a ticket in a web page.",
        recovering("job_[0-9]+|[0-9a-f-]{36}"),
    ),
    "an id of something else": (
        CUT, "recover_ticket finds a ticket in an error without an id.",
        recovering('"(?:id|trace_reference)": ?"([^"]+)"'),
    ),
    "a unit that nobody named": (
        FIGURES, "poll gives 'USD' as the cost_unit; the provider declares 'credits'.",
        ("cost=number(answer.credits))", 'cost=number(answer.credits), cost_unit="USD")'),
    ),
    "a price whatever the sound": (
        FIGURES, "quote asks for the same price whatever the sound is, but price does not.",
        ("&audio={'yes' if request.sound else 'no'}", "&audio=no"),
    ),
    "a price whatever the length": (
        FIGURES, "quote asks for the same price whatever the duration is, but price does not.",
        ("seconds={request.duration}&", "seconds=5&"),
    ),
    "a key in the note of an error": (
        KEY, "submit puts the key into what it returns or raises.",
        (f"        {SUBMIT}",
         ("        try:\n            self._answer(reply)\n        except Exception as error:\n"
          "            error.add_note(reply.request.headers['Authorization'])\n"
          f"            raise\n        {SUBMIT}")),
    ),
    "headers that a poll logs": (
        KEY, "The key is in the log: ",
        after(POLL, "__import__('logging').getLogger('beacon').debug(reply.request.headers.raw)"),
    ),
    "a key printed in Base64": (
        KEY, "The key is in what is printed: ",
        signing("request.headers['x-key'] = key",
                "print(__import__('base64').b64encode(key.encode()).decode())"),
    ),
    "a key that is left out": (
        SIGN, "sign does not put the key on the request.",
        signing("request.headers['x-key'] = 'mine'"),
    ),
    "a sign that accepts no key": (
        SIGN, "sign raises KeyError for the request, whatever the key is.",
        signing("request.headers['x-key'] = {}[key]"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(finds, name: str) -> None:
    finds(*SEEDS[name])


#: An emulator to which every key is the right one.
ANY_KEY = (
    "    def receipt(self",
    "    def key_of(self, request):\n        return 'sandbox-key'\n\n    def receipt(self",
)
SIGNED = {
    "its Base64": "base64.b64encode(f'{key}:'.encode()).decode()",
    "a hash of the second part": "hashlib.sha256(key.partition(':')[2].encode()).hexdigest()",
}


@pytest.mark.parametrize("how", SIGNED)
def test_a_key_may_be_sent_as_something_else(beacon, verdict, how: str) -> None:
    edit = signing("import base64, hashlib", f"request.headers['Authorization'] = {SIGNED[how]}")

    assert verdict(beacon(edit, emulator=(ANY_KEY,)), SIGN) is None


def test_a_header_that_reads_the_same_backwards_can_be_forged(beacon, verdict) -> None:
    version = (
        "        if not secret or",
        '        if known.get("x-version") != "1" or not secret or',
    )
    sent = ('return {"X-Beacon-Time": sent,', 'return {"X-Version": "1", "X-Beacon-Time": sent,')

    assert verdict(beacon(version, emulator=(sent,)), "only_genuine_callbacks_are_accepted") is None


def test_a_submit_that_pays_with_nothing_is_told_by_one_test(beacon, verdict) -> None:
    post = 'httpx.Request("POST", f"{self.base_url}/v1/jobs", json=body)'
    suite = beacon((post, 'httpx.Request("GET", f"{self.base_url}/v1/price?seconds=5&audio=no")'))
    suite.sandbox, suite.replies = None, {"submit": [{"id": "job_1"}]}

    assert verdict(suite, "no_flow_repeats_what_it_asks") is None
    assert verdict(suite, "only_the_last_request_pays") is not None
