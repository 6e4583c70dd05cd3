"""The conformance suite finds each of these mistakes, and says what it is."""

import re
from collections import Counter
from pathlib import Path

import attrs
import pytest
from kling26.testing import ProviderTests
from kling26.testing.conformance import standard_tests

HERE = Path(__file__).parent
FAULT_TABLE = "test_whatever_goes_wrong_is_paid_once"
NAMES = standard_tests()


@attrs.frozen
class Mistake:
    """What is edited in a good provider, which test finds it, and in which words."""

    test: str
    says: str
    edits: tuple[tuple[str, str], ...]


def mistake(test: str, says: str, *edits: tuple[str, str]) -> Mistake:
    return Mistake(test, says, edits)


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
PRICE = """    def price(self, request, options):
        return {}

    def _answer"""
BALANCE = """    def balance(self):
        reply = yield httpx.Request("GET", f"{self.base_url}/v1/videos/balance")
        return 1.5

    def sign(self, request, key):
        if not request.url.path.endswith("balance"):
            request.headers["Authorization"] = f"Bearer {key}"

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
END_ON_ERROR = """answer = self.read(reply, Reply)
        if answer.error is not None:
            return Status("failed", reason="error")"""
ASK_AGAIN = """        if answer.id != ticket.task_id:
            return Status("running")
        return self._status(answer)

    # Here"""
RECOVER = """    def recover_ticket(self, fragment, request):
        import re
        found = re.search('"id": ?"([^"]+)"', fragment)
        return found and Ticket(found[1])

    def _answer"""
ROUND = """


def ROUND(value):
    return value if isinstance(value, str) else identifier(int(float(value or 0)))


@frozen
class Problem"""
STATE = "state = self.state(answer.state, STATES, url)"
RUNNING = "return Status(state)"

MISTAKES = {
    "a variable that cannot be set": mistake(
        "names_and_limits_are_well_formed",
        "AcmeProvider.key_variable must be the variable of a key, such as ACME_API_KEY or",
        ('"ACME_API_KEY"', '"acme key"'),
    ),
    "a variable in lower case": mistake(
        "names_and_limits_are_well_formed",
        'key_variable is "acme_api_key"; it must look like ACME_API_KEY.',
        ('"ACME_API_KEY"', '"acme_api_key"'),
    ),
    "limits that are nonsense": mistake(
        "names_and_limits_are_well_formed",
        "AcmeProvider.limits must be a kling26.core.Limits",
        ("limits = Limits(", "limits = dict("),
    ),
    "an option that nobody can see": mistake(
        "names_and_limits_are_well_formed",
        "AcmeProvider.Options.style must be made with kling26.core.option.",
        ("class AcmeOptions:", "class AcmeOptions:\n    style: str = 'film'\n"),
    ),
    "an option without help": mistake(
        "options_can_be_shown",
        "Options.negative_prompt needs a label, and a help text",
        ('help="What the video must not show."', 'help=""'),
    ),
    **{
        f"a price of {price}": mistake(
            "the_price_is_a_number_or_none",
            f"price returned {shown} for 5 s, not a number above 0 or None.",
            ("    def _answer", PRICE.format(price)),
        )
        for price, shown in (
            ("'cheap'", "'cheap'"),
            ("'0.35'", "'0.35'"),
            ("0", "0"),
            ("-0.35", "-0.35"),
            ("True", "True"),
            ("float('nan')", "nan"),
            ("float('inf')", "inf"),
        )
    },
    "a unit that is worth nothing": mistake(
        "names_and_limits_are_well_formed",
        "AcmeProvider.usd_per_unit must be a number above 0, or None; got 0.",
        ('    name = "acme"', '    usd_per_unit = 0\n    name = "acme"'),
    ),
    "a last frame that is dropped": mistake(
        "the_last_frame_is_sent",
        "submit drops the end_image of two that are each a URL.",
        ("end_image=False", "end_image=True"),
    ),
    "a last frame that takes the place of the first": mistake(
        "the_last_frame_is_sent",
        "submit drops the image of two that are each a URL.",
        ("end_image=False", "end_image=True"),
        ('["image_url"] = request.image', '["image_url"] = request.image and request.end_image'),
    ),
    "a last frame that is always refused": mistake(
        "the_last_frame_is_sent",
        "Limits.end_image is set, but an end_image that is a URL is refused.",
        ("end_image=False", "end_image=True"),
        ("    def _answer", REFUSE.replace("options.negative_prompt", "request.end_image")),
    ),
    "a balance that is asked for without a key": mistake(
        "only_sign_handles_the_key",
        "sign does not put the key on a request of balance.",
        ("    def _answer", BALANCE),
    ),
    "a prompt that is cut": mistake(
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt of 2000 characters from text: see prompt.",
        ("prompt=request.prompt,", "prompt=request.prompt[:1999],"),
    ),
    "sound that is ignored": mistake(
        "every_shared_option_is_sent_or_refused",
        "the same request from text whether sound is False or True",
        ("sound=request.sound", "sound=False"),
    ),
    "a webhook that is dropped": mistake(
        "every_shared_option_is_sent_or_refused",
        'whether callback_url is None or "https://me.example/hook',
        ('body["webhook_url"] = request.callback_url', "pass"),
    ),
    "a URL that is cut": mistake(
        "urls_are_sent_unchanged",
        "submit changes callback_url",
        (
            'body["webhook_url"] = request.callback_url',
            'body["webhook_url"] = request.callback_url[:20]',
        ),
    ),
    "an option that is ignored": mistake(
        "every_own_option_is_sent_or_refused",
        'the same request from text whether negative_prompt is "" or "a word',
        ('body["negative_prompt"] = options.negative_prompt', "pass"),
    ),
    "an option that is always refused": mistake(
        "every_own_option_is_sent_or_refused",
        "Options.negative_prompt is refused whatever its value",
        (
            "    def _answer",
            REFUSE,
        ),
    ),
    "sound that is only sent when it is on": mistake(
        "sound_duration_and_aspect_ratio_are_always_sent",
        "leaves sound out when it is False",
        ("sound=request.sound", "**{'sound': True} if request.sound else {}"),
    ),
    "a number that becomes a string": mistake(
        "numbers_and_booleans_keep_their_json_type",
        'sends duration as "5" in seconds, which is not a JSON integer.',
        ("seconds=request.duration", "seconds=str(request.duration)"),
    ),
    "a whole number that becomes another one": mistake(
        "numbers_and_booleans_keep_their_json_type",
        "sends duration as 5.0 in seconds",
        ("seconds=request.duration", "seconds=float(request.duration)"),
    ),
    "an aspect ratio beside an image": mistake(
        "no_aspect_ratio_is_sent_with_an_image",
        "sends the aspect ratio with an image, in body.aspect_ratio",
        (
            "        return body",
            '        body["aspect_ratio"] = request.aspect_ratio\n        return body',
        ),
    ),
    "a random id": mistake(
        "equal_requests_are_sent_identically",
        "sends equal requests differently: see header.x-id.",
        (SUBMIT, SUBMIT[:-1] + ', headers={"X-Id": __import__("uuid").uuid4().hex})'),
    ),
    "a seed that is sent": mistake(
        "equal_requests_are_sent_identically",
        "sends the seed, in header.x-seed",
        (SUBMIT, SUBMIT[:-1] + ', headers={"X-Seed": str(request.seed)})'),
    ),
    "a key in a flow": mistake(
        "only_sign_handles_the_key",
        "submit puts the key on the request itself",
        (SUBMIT, SUBMIT[:-1] + f", {KEY})"),
    ),
    "a key in a URL": mistake(
        "only_sign_handles_the_key",
        "sign puts the key into the URL",
        (
            "    def _answer",
            SIGN,
        ),
    ),
    "a URL that does not change with base_url": mistake(
        "the_base_url_can_be_changed",
        "goes to https://api.acme.example/v1/videos though base_url is https://moved",
        ('f"{self.base_url}/v1/videos", json', '"https://api.acme.example/v1/videos", json'),
    ),
    "a request that is paid twice": mistake(
        "only_the_last_request_pays",
        "sends 2 requests that may be charged for (POST, POST) instead of one.",
        (SUBMIT, PAY_TWICE),
    ),
    "a question after the paid request": mistake(
        "only_the_last_request_pays",
        "sends another request after the paid one (POST, GET)",
        (SUBMIT, ASK_AFTER),
    ),
    "a question that pays": mistake(
        "only_the_last_request_pays",
        "During poll the emulator accepted 1 tasks instead of 0.",
        (
            POLL,
            POLL_AND_PAY,
        ),
    ),
    "a ticket that JSON changes": mistake(
        "tickets_survive_json",
        "a ticket whose data is not all strings",
        ("return Ticket(task_id)", 'return Ticket(task_id, {"tries": 1})'),
    ),
    "a memory in the provider": mistake(
        "flows_leave_the_provider_unchanged",
        "submit stores last on the provider",
        ("return Ticket(task_id)", "self.last = task_id\n        return Ticket(task_id)"),
    ),
    "a lost id that is called refused": mistake(
        "a_reply_without_an_id_counts_as_perhaps_paid",
        "the user would read that nothing was charged",
        (NO_ID, 'raise self.error(Refused, reply, "there is no id")'),
    ),
    "an id that must be a text": mistake(
        "an_id_may_be_a_number",
        "submit turns a reply whose id is the number 1234567890123456789 into UnexpectedReply: ",
        ("    id: Any = None", "    id: str | None = None"),
    ),
    "an id that a poll takes only as a text": mistake(
        "an_id_may_be_a_number",
        "poll turns a reply whose id is the number 1234567890123456789 into Status(state='running'",
        ("        return self._status(answer)\n\n    # Here", ASK_AGAIN),
    ),
    "half a number": mistake(
        "an_id_may_be_a_number",
        "recover_ticket does not find the number 1234567890123456789",
        ("    def _answer", RECOVER),
    ),
    "a number that is rounded": mistake(
        "an_id_may_be_a_number",
        "into Ticket(task_id='1234567890123456768'",
        ("task_id = identifier(answer.id)", "task_id = ROUND(answer.id)"),
        ("\n\n@frozen\nclass Problem", ROUND),
    ),
    "a state in small letters only": mistake(
        "the_case_of_a_state_does_not_count",
        "when state is 'QUEUED' instead of 'queued'.",
        (STATE, 'state = STATES.get(str(answer.state).strip(), "running")'),
    ),
    "a state without blanks only": mistake(
        "the_case_of_a_state_does_not_count",
        "when state is ' queued ' instead of 'queued'.",
        (STATE, 'state = STATES.get(str(answer.state).lower(), "running")'),
    ),
    "a URL with its blanks": mistake(
        "blanks_around_a_url_do_not_count",
        "poll turns a reply with blanks around the video's URL into Status(state='succeeded', "
        "url=' https://",
        ("url = find_video(answer.video_url)", "url = answer.video_url"),
    ),
    "a wrong name of the id": mistake(
        "the_id_is_recovered_from_a_truncated_reply",
        'task_id_name is "task_id"',
        ('task_id_name = "id"', 'task_id_name = "task_id"'),
    ),
    "a state that is not known": mistake(
        "every_state_is_reported",
        "poll reports a queued task as running",
        (RUNNING, 'return Status("running")'),
    ),
    "a state of its own": mistake(
        "every_state_is_reported",
        "a status whose state is 'waiting' for a queued task",
        (RUNNING, 'return Status("waiting" if state == "queued" else state)'),
    ),
    "a failure without its reason": mistake(
        "every_state_is_reported",
        "a failure without the service's reason",
        (", reason=text(problem.message))", ")"),
    ),
    "a field that is not there": mistake(
        "every_flow_understands_its_replies",
        "submit fails with the service's replies to submit",
        ("answer.id", "answer.number"),
    ),
    "an empty account as any refusal": mistake(
        "refusals_become_the_right_errors",
        "instead of OutOfCredit.",
        ("    402: OutOfCredit,", ""),
    ),
    "words that are left out": mistake(
        "refusals_become_the_right_errors",
        "leaves out the service's words in the refusal for key (HTTP 401): ",
        (", reply, said, code)", ', reply, "No.", code)'),
    ),
    "a web page that is not expected": mistake(
        "malformed_replies_become_errors",
        "poll raises JSONDecodeError",
        (POLL, f"{POLL}\n        reply.json()"),
    ),
    "a value that is not expected": mistake(
        "missing_and_wrong_values_become_errors",
        "poll raises KeyError: 'video_url' for a reply where video_url is missing",
        (
            "Status(state, url=url",
            'Status(state, url=__import__("json").loads(self.text)["video_url"]',
        ),
        (POLL, f"{POLL}\n        object.__setattr__(self, 'text', reply.text)"),
    ),
    "a value of any type": mistake(
        "missing_and_wrong_values_become_errors",
        "a status whose url is True instead of a string for a reply where video_url is true",
        ("url = find_video(answer.video_url)", "url = answer.video_url"),
    ),
    "an unknown state that ends it all": mistake(
        "an_unknown_state_ends_nothing",
        "poll reports an unknown state as failed",
        (STATE, 'state = STATES.get(answer.state, "failed")'),
    ),
    "a hiccup that ends it all": mistake(
        "whatever_goes_wrong_is_paid_once[poll_error_in_200]",
        "With the fault poll_error_in_200 the video was not delivered: TaskFailed",
        (
            "answer = self._answer(reply, asking=True)",
            END_ON_ERROR,
        ),
    ),
    "a callback without its task": mistake(
        "callbacks_are_read",
        "read_callback does not give the task's id: Status(state='succeeded'",
        ("task_id=task_id)", "task_id=None)"),
    ),
    "a server error that ends it all": mistake(
        "server_errors_end_nothing",
        "poll returned Status(state='failed'",
        (POLL, END_ON_TROUBLE),
    ),
    "a callback that is expected to be signed": mistake(
        "unsigned_callbacks_are_rejected",
        "verify_callback raises KeyError: 'signature' for a callback without a signature",
        ("    def _answer", BELIEVE),
    ),
    "any callback accepted": mistake(
        "unsigned_callbacks_are_rejected",
        "verify_callback returned True for a callback without a signature",
        ("    def _answer", BELIEVE.replace('headers["signature"] == secret', "True")),
    ),
    "a failed task that seems to go on": mistake(
        "a_failed_task_ends_with_its_reason",
        "A failed task ends with StillRunning: ",
        (STATE, f'{STATE}\n        state = "running" if state == "failed" else state'),
    ),
    "a rate limit that is a refusal": mistake(
        "whatever_goes_wrong_is_paid_once[rate_limit]",
        "With the fault rate_limit the video was not delivered: Refused",
        ("    429: TryLater,", ""),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_found_and_named(acme, verdict, name: str) -> None:
    found = MISTAKES[name]

    said = verdict(acme(*found.edits), found.test)

    assert said is not None
    assert found.says in said
    assert "\n" not in said


def test_every_standard_test_says_what_to_do() -> None:
    for name in NAMES:
        advice = (getattr(ProviderTests, name).__doc__ or "").partition("What to do: ")[2].strip()
        assert advice.endswith("."), name


def test_every_standard_test_finds_a_mistake() -> None:
    """In this file, or in another one of this folder."""
    here = "".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))
    named = set(re.findall(r'"(?:test_)?(\w+)(?:\[\w+\])?"', here))

    assert {name.removeprefix("test_") for name in NAMES} - named == set()


def test_no_topic_of_the_suite_replaces_a_part_of_another() -> None:
    topics = [each for each in ProviderTests.__mro__ if each.__module__.startswith("kling26.")]
    parts = Counter(name for topic in topics for name in vars(topic) if not name.startswith("__"))

    assert [name for name, times in parts.items() if times > 1] == []
