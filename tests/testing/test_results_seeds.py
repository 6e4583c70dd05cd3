"""Faults in what Beacon takes for the video and its figures, and in how its flows behave."""

import pytest

PLACE = "the_video_is_taken_from_its_own_place"
FIGURES = "figures_are_those_in_the_reply"
LINKS = "links_are_returned_as_they_are"
RENEWED = """self._answer(reply, asking=True)
        return self.read_url(reply, self.read(reply, dict).get("url"), "reply.url")"""
FLOWS = "flows_are_generators_of_requests"
BROKEN = "no_flow_hides_a_broken_connection"
REPEATS = "no_flow_repeats_what_it_asks"
ARRIVES = "what_was_asked_for_arrives_after_a_restart"
AT_ONCE = "two_videos_at_once_are_not_mixed_up"
APART = "several_tasks_are_kept_apart"
URL = 'url = find_video(get(answer.video, "url"))\n        state ='
POLL = 'reply = yield httpx.Request("GET", self._url(ticket))'
SUBMIT = 'reply = yield httpx.Request("POST", f"{self.base_url}/v1/jobs", json=body)'
ANSWER = "answer = self._answer(reply, asking=True)\n        if not answer.state"
DONE = "return Status(state, url=url, cost=number(answer.credits))"
BALANCE = 'left = number(self.read(reply, dict).get("credits_left"))'
PRICE = 'price = number(self.read(reply, dict).get("usd"))'
WHOLE = f"self.whole = self.read(reply, dict)\n        {ANSWER}"


def lines(*each: str) -> str:
    return "\n        ".join(each)


def of_whole(expression: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """The URL of the video from the whole reply."""
    return (ANSWER, WHOLE), (URL, f"url = {expression}\n        state =")


SEEDS = {
    "the first URL of the reply": (
        PLACE, "poll returns 'https://pictures.example/heron?size=large' when the reply begins",
        *of_whole("find_video(getattr(self, 'whole', None))"),
    ),
    "the last URL of the reply": (
        PLACE, "poll returns 'https://results.example/cover.jpg' when the reply ends with the user",
        *of_whole("([p for p in str(self.__dict__.get('whole')).split(\"'\")"
                  " if p.startswith('http')] or [None])[-1] if answer.video else None"),
    ),
    "the poster": (
        APART, "poll returns 'https://api.beacon.example/v1/files/job_",
        (URL, ("url = find_video(get(answer.video, 'url')) and get(answer.video, 'poster')\n"
              "        state =")),
    ),
    "the poster where there is no video": (
        PLACE, "poll returns 'https://api.beacon.example/v1/files/job_1790000000000.jpg' when vid",
        (URL, ("url = find_video(get(answer.video, 'url')) or get(answer.video, 'poster')\n"
              "        state =")),
    ),
    "the user's picture where there is no video": (
        PLACE, "when video.url is missing.",
        (URL, ("url = find_video(get(answer.video, 'url')) or (answer.state == 'ready' and "
              "'https://pictures.example/heron') or None\n        state =")),
    ),
    "a preview": (
        PLACE, "poll returns 'https://results.example/preview.mp4' when the reply has a preview, t",
        *of_whole("find_video({k: v for k, v in getattr(self, 'whole', {}).items()"
                  " if k in ('preview', 'cover', 'video')})"),
    ),
    "a link whose escapes are gone": (
        LINKS, "poll returns 'https://api.beacon.example/a/b/",
        (URL, ("from urllib.parse import unquote\n"
               "        url = find_video(get(answer.video, 'url'))\n"
               "        url = url and unquote(url)\n        state =")),
    ),
    "a link without its signature": (
        LINKS, "one.mp4' for the link https://api.beacon.example/a%2Fb/h%C3%A9ron%20one.mp4?X-Sig=",
        (URL, ("url = (find_video(get(answer.video, 'url')) or '').split('?')[0] or None"
               "\n        state =")),
    ),
    "a link without its fragment": (
        LINKS, "poll returns 'https://api.beacon.example/a%2Fb/h%C3%A9ron%20one.mp4?X-Sig=a%2Fb%2B",
        (URL, ("url = (find_video(get(answer.video, 'url')) or '').split('#')[0] or None"
               "\n        state =")),
    ),
    "a new link without its signature": (
        LINKS, "renew returns 'https://api.beacon.example/a%2Fb/h%C3%A9ron%20one.mp4' for the link",
        (RENEWED, RENEWED.replace('"reply.url")', '"reply.url").split("?")[0]')),
    ),
    "a cost that is rounded": (
        FIGURES, "poll gives 0.3 as the cost when credits is 0.35.",
        (DONE, DONE.replace("number(answer.credits)", "round(number(answer.credits) or 0, 1)")),
    ),
    "a balance in whole credits": (
        FIGURES, "balance gives 0.0 as the balance when credits_left is 0.35.",
        (BALANCE, f"{BALANCE}\n        left = left and float(int(left))"),
    ),
    "a price with few digits": (
        FIGURES, "quote gives 1.23 as the quote when usd is 1.2345.",
        (PRICE, f"{PRICE}\n        price = price and round(price, 2)"),
    ),
    "a cost of its own": (
        FIGURES, "poll gives 35.0 as the cost, whatever the numbers in the reply are.",
        (DONE, DONE.replace("number(answer.credits)", "35.0")),
    ),
    "a cost of nothing": (
        FIGURES, "poll gives 0.0 as the cost without credits.",
        (DONE, DONE.replace("number(answer.credits)", "number(answer.credits) or 0.0")),
    ),
    "a cost from a list": (
        FIGURES, "poll gives 25.0 as the cost without credits.",
        (DONE, DONE.replace("number(answer.credits)", "number(answer.credits or 25)")),
    ),
    "a place of its own": (
        FIGURES, "poll gives 1 as the position, whatever the numbers in the reply are.",
        ("        return Status(state)", "        return Status(state, position=1)"),
    ),
    "a balance of nothing": (
        FIGURES, "balance gives 0.0 as the balance without credits_left.",
        (BALANCE, f"{BALANCE} or 0.0"),
    ),
    "a balance that is always the same": (
        FIGURES, "balance gives 5000.0 as the balance, whatever the numbers in the reply are.",
        (BALANCE, "left = 5000.0"),
    ),
    "a price from a list": (
        FIGURES, "quote gives 0.25 as the quote without usd.",
        (PRICE, f"{PRICE} or 0.25"),
    ),
    "a price that nobody asked for": (
        FIGURES, "quote gives 0.25 as the quote, whatever the numbers in the reply are.",
        (PRICE, "price = self.price(request, options)"),
    ),
    "no generator": (
        FLOWS, "renew is not a generator: it returned 'https://results.example/heron.mp4'.",
        (('reply = yield httpx.Request("POST", f"{self._url(ticket)}/link")\n'
         "        self._answer(reply, asking=True)\n"
         '        return self.read_url(reply, self.read(reply, dict).get("url"), "reply.url")'),
         "return url"),
    ),
    "a URL without a host": (
        FLOWS, "balance yields a request to '/v1/account', which is not a whole URL.",
        ('f"{self.base_url}/v1/account"', '"/v1/account"'),
    ),
    "a body that is used up": (
        FLOWS, "upload yields a request whose body",
        (('files={"file": (image.name, image.data, image.mime_type)},\n'
         '            headers={"Content-Type": kind},'),
         'content=iter([image.data]),\n            headers={"Content-Type": kind},'),
    ),
    "a flow that cannot be closed": (
        FLOWS, "poll goes on when it is closed: RuntimeError: generator ignored GeneratorExit.",
        (POLL, lines("try:", f"    {POLL}", "except GeneratorExit:", f"    {POLL}")),
    ),
    "an interruption that ends a task": (
        FLOWS, "poll turns an interruption into Status(state='failed'",
        (POLL, lines("try:", f"    {POLL}", "except KeyboardInterrupt:",
                     "    return Status('failed', reason='stopped')")),
    ),
    "an interruption that becomes a refusal": (
        FLOWS, "submit turns an interruption into Refused: ",
        (SUBMIT, lines("try:", f"    {SUBMIT}", "except BaseException as error:",
                       "    if isinstance(error, GeneratorExit): raise",
                       "    raise Refused(f'No: {error}')")),
    ),
    "a broken connection that is a refusal": (
        BROKEN, "submit turns a broken connection into Refused: Beacon",
        (SUBMIT, lines("try:", f"    {SUBMIT}", "except Exception:",
                       "    raise Refused('Beacon said no.')")),
    ),
    "a broken connection that is a missing task": (
        BROKEN, "poll turns a broken connection into NoSuchTask: ",
        (POLL, lines("try:", f"    {POLL}", "except Exception:", "    raise NoSuchTask('gone')")),
    ),
    "a broken connection that cancels": (
        BROKEN, "cancel turns a broken connection into True.",
        ('reply = yield httpx.Request("DELETE", self._url(ticket))',
         lines("try:", '    reply = yield httpx.Request("DELETE", self._url(ticket))',
               "except Exception:", "    return True")),
    ),
    "a broken connection that finds nothing": (
        BROKEN, "find turns a broken connection into None.",
        ('reply = yield httpx.Request("GET", f"{self.base_url}/v1/jobs?own_id={own}")',
         lines("try:", '    reply = yield httpx.Request("GET", f"{self.base_url}/v1/jobs")',
               "except Exception:", "    return None")),
    ),
    "a payment that is repeated after a limit": (
        REPEATS, "submit sends 2 requests that may be charged for after the refusal for rate limit",
        (SUBMIT, lines(SUBMIT, "if reply.status_code == 429:", f"    {SUBMIT}")),
    ),
    "a payment that is repeated after a refusal": (
        REPEATS, "submit sends 2 requests that may be charged for after the refusal for key.",
        (SUBMIT, lines(SUBMIT, "if reply.is_error:", f"    {SUBMIT}")),
    ),
    "a payment that is repeated after a web page": (
        REPEATS, "submit sends 2 requests that may be charged for after a web page (HTTP 200).",
        (SUBMIT, lines(SUBMIT, "if reply.text.startswith('<'):", f"    {SUBMIT}")),
    ),
    "a payment that is repeated after a server error": (
        REPEATS, "submit sends 2 requests that may be charged for after an empty body (HTTP 500).",
        (SUBMIT, lines("try:", f"    {SUBMIT}", "except Exception:", f"    {SUBMIT}")),
    ),
    "a payment that is repeated for ever": (
        REPEATS, "submit keeps sending requests after an empty body (HTTP 409).",
        (SUBMIT, lines(SUBMIT, "while reply.status_code == 409:", f"    {SUBMIT}")),
    ),
    "a poll that pays for a lost task": (
        REPEATS, "poll sends 1 requests that may be charged for after the refusal for no such task",
        (POLL, lines(POLL, "if reply.status_code == 404:",
                     '    yield httpx.Request("POST", f"{self.base_url}/v1/jobs", json={})')),
    ),
    "a poll that waits by itself": (
        "every_flow_understands_its_replies",
        "poll fails with the service's replies to queued: it sends more than 12 requests; the run",
        (POLL, lines(POLL, "while self.read(reply, dict).get('state') in ('waiting', 'making'):",
                     f"    {POLL}")),
    ),
    "sound that an image drives away": (
        ARRIVES, "A video of 10 s with sound from an image comes without sound.",
        ('"audio": request.sound,', '"audio": request.sound and request.image is None,'),
    ),
    "an image that is always short": (
        ARRIVES, "A video of 10 s with sound from an image has 5 s.",
        ('"seconds": request.duration,',
         '"seconds": request.duration if request.image is None else 5,'),
    ),
    "a task that is forgotten": (
        ARRIVES, "A video of 10 s with sound from text is not delivered: OutcomeUnknown",
        ("{quote(ticket.task_id, safe='')}", "{quote(ticket.task_id[:-1], safe='')}"),
    ),
    "a video of another task": (
        AT_ONCE, "Of two videos at once, one ends in the file of the other.",
        ("        return Ticket(task_id)\n\n    def poll",
         "        type(self).last = task_id\n        return Ticket(task_id)\n\n    def poll"),
        (POLL, POLL.replace("ticket", "Ticket(self.last)")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(finds, name: str) -> None:
    finds(*SEEDS[name])
