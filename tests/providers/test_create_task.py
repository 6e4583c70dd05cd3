"""The createTask dialect, as kie.ai and Apikley both speak it."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from kling26.core import (
    ImageFile,
    KeyRejected,
    NoOptions,
    NoSuchTask,
    OptionRefused,
    OutOfCredit,
    Provider,
    Refused,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    UnexpectedReply,
    VideoRequest,
)
from kling26.core.validation import validate

PROMPT = "A lighthouse blinks in the fog"
IMAGE = "https://pictures.example/lighthouse.png"
VIDEO = "https://results.example/f/lighthouse.mp4"
TASK = "task_kling-2.6_1790000000000"


@pytest.fixture(params=["kie", "apikley"])
def provider(request: pytest.FixtureRequest, providers: Mapping[str, Provider]) -> Provider:
    return providers[request.param]


@pytest.fixture
def created() -> object:
    return {"code": 200, "msg": "success", "data": {"taskId": TASK}}


def record(**fields: object) -> dict[str, object]:
    """What recordInfo answers."""
    usual = {"taskId": TASK, "model": "kling-2.6/text-to-video", "param": "{}"}
    return {"code": 200, "msg": "success", "data": usual | fields}


def succeeded(result: object, **fields: object) -> dict[str, object]:
    usual = {"state": "success", "failCode": None, "failMsg": None}
    return record(resultJson=result, **(usual | fields))


# -- requests ---------------------------------------------------------------------------------


def test_text_to_video_says_sound_shape_and_length(
    provider: Provider, talk: Any, as_json: Any, created: object
) -> None:
    request = VideoRequest(PROMPT, sound=True, duration=10, aspect_ratio="9:16", seed=7)

    ticket = talk(provider.submit(request, NoOptions()), created)

    assert ticket == Ticket(TASK)
    assert talk.line == f"POST {provider.base_url}/api/v1/jobs/createTask"
    assert talk.sent == as_json(
        {
            "model": "kling-2.6/text-to-video",
            "input": {"prompt": PROMPT, "sound": True, "aspect_ratio": "9:16", "duration": "10"},
        }
    )


def test_the_defaults_are_said_too(
    provider: Provider, talk: Any, as_json: Any, created: object
) -> None:
    """All four fields are required there, whatever their documented defaults are."""
    talk(provider.submit(VideoRequest(PROMPT), NoOptions()), created)

    assert talk.sent == as_json(
        {
            "model": "kling-2.6/text-to-video",
            "input": {"prompt": PROMPT, "sound": False, "aspect_ratio": "16:9", "duration": "5"},
        }
    )


def test_image_to_video_says_the_picture_and_no_shape(
    provider: Provider, talk: Any, as_json: Any, created: object
) -> None:
    request = VideoRequest(PROMPT, image=IMAGE, sound=False, duration=5, aspect_ratio="1:1")

    talk(provider.submit(request, NoOptions()), created)

    assert talk.sent == as_json(
        {
            "model": "kling-2.6/image-to-video",
            "input": {"prompt": PROMPT, "image_urls": [IMAGE], "sound": False, "duration": "5"},
        }
    )


@pytest.mark.parametrize("image", [None, IMAGE])
def test_the_webhook_is_callBackUrl_beside_the_input(  # noqa: N802 - spelt as it is sent
    provider: Provider, talk: Any, created: object, image: str | None
) -> None:
    hook = "https://me.example/hook"

    talk(
        provider.submit(VideoRequest(PROMPT, image=image, callback_url=hook), NoOptions()), created
    )

    body = json.loads(talk.request.content)
    assert body["callBackUrl"] == hook
    assert "callBackUrl" not in body["input"]


@pytest.mark.parametrize("key", ["msg", "message"])
def test_a_task_is_taken_under_either_name_of_the_text(
    provider: Provider, talk: Any, key: str
) -> None:
    answer = {"code": 200, key: "success", "data": {"taskId": "task_12345678"}}

    assert talk(provider.submit(VideoRequest(PROMPT), NoOptions()), answer) == Ticket(
        "task_12345678"
    )


def test_a_picture_is_uploaded_in_base64_under_a_name_of_its_own(
    provider: Provider, talk: Any, as_json: Any, picture: ImageFile
) -> None:
    data = {"downloadUrl": IMAGE, "fileName": "x.png", "fileSize": 5, "mimeType": "image/png"}
    answer = {"success": True, "code": 200, "msg": "File uploaded successfully", "data": data}

    assert talk(provider.upload(picture), answer) == IMAGE
    assert talk.line == f"POST {provider.upload_url}/api/file-base64-upload"
    assert talk.sent == as_json(
        {
            "base64Data": f"data:image/png;base64,{picture.base64()}",
            "uploadPath": "kling26",
            "fileName": f"{picture.digest[:24]}.png",
        }
    )


def test_the_question_carries_the_task_id(provider: Provider, talk: Any) -> None:
    talk(provider.poll(Ticket("a task/with ünusual&signs")), record(state="waiting"))

    assert talk.request.url.params["taskId"] == "a task/with ünusual&signs"
    assert talk.line.startswith(
        f"GET {provider.base_url}/api/v1/jobs/recordInfo?taskId=a%20task%2F"
    )


def test_an_expired_link_is_renewed(provider: Provider, talk: Any, as_json: Any) -> None:
    fresh = f"{VIDEO}?fresh"
    answer = {"code": 200, "msg": "success", "data": fresh}

    assert talk(provider.renew(Ticket(TASK), VIDEO), answer) == fresh
    assert talk.line == f"POST {provider.base_url}/api/v1/common/download-url"
    assert talk.sent == as_json({"url": VIDEO})


@pytest.mark.parametrize("credits", [100, 99.5, "99.5", -3])
def test_the_balance_is_in_credits(provider: Provider, talk: Any, credits: object) -> None:
    answer = {"code": 200, "msg": "success", "data": credits}

    assert talk(provider.balance(), answer) == float(str(credits))
    assert talk.line == f"GET {provider.base_url}/api/v1/chat/credit"
    assert provider.cost_unit == "credits"


@pytest.mark.parametrize("data", [None, "many", {}, True])
def test_a_balance_that_is_no_number_is_unclear(
    provider: Provider, talk: Any, data: object
) -> None:
    with pytest.raises(UnexpectedReply, match=r"expected a number @ reply\.data"):
        talk(provider.balance(), {"code": 200, "data": data})


# -- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "state"), [("waiting", "queued"), ("queuing", "queued"), ("generating", "running")]
)
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_task_on_its_way(
    provider: Provider, talk: Any, said: str, state: str, nothing: object
) -> None:
    answer = record(state=said, resultJson=nothing, failCode=nothing, failMsg=nothing)

    assert talk(provider.poll(Ticket(TASK)), answer) == Status(state, task_id=TASK)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "result",
    [
        json.dumps({"resultUrls": [VIDEO]}),
        json.dumps(json.dumps({"resultUrls": [VIDEO]})),
        {"resultUrls": [VIDEO]},
        json.dumps({"resultUrls": ["", VIDEO]}),
        json.dumps({"resultUrls": [VIDEO], "more": 1}),
    ],
    ids=["JSON as text", "encoded twice", "an object", "an empty one first", "a new field"],
)
def test_the_video_is_in_the_result(provider: Provider, talk: Any, result: object) -> None:
    status = talk(provider.poll(Ticket(TASK)), succeeded(result))

    assert status == Status("succeeded", url=VIDEO, task_id=TASK)


@pytest.mark.parametrize(
    "result", [None, "", '""', "null", "{}", '{"resultUrls": []}', '{"resultUrls": null}']
)
def test_a_success_may_come_before_its_video(provider: Provider, talk: Any, result: object) -> None:
    status = talk(provider.poll(Ticket(TASK)), succeeded(result))

    assert status == Status("succeeded", url=None, task_id=TASK)


@pytest.mark.parametrize(
    "result",
    [
        {"resultUrls": VIDEO},
        json.dumps({"resultUrls": f" {VIDEO}\n"}),
        {"resultUrls": json.dumps([VIDEO])},
        {"resultUrls": [{"url": VIDEO}]},
        {"resultUrls": [1, VIDEO]},
        {"resultUrl": VIDEO},
        {"cover": "https://results.example/cover.jpg?x=1", "file": VIDEO},
        {"marked": "https://results.example/marked.mp4", "resultUrls": [VIDEO]},
        VIDEO,
        [VIDEO],
        json.dumps(json.dumps(json.dumps(json.dumps({"resultUrls": [VIDEO]})))),
    ],
)
def test_the_video_is_found_in_a_result_of_another_form(
    provider: Provider, talk: Any, result: object
) -> None:
    assert talk(provider.poll(Ticket(TASK)), succeeded(result)).url == VIDEO


@pytest.mark.parametrize("result", ["no JSON", '{"resultUrls": "one"}', {"resultUrls": [1]}, [], 7])
def test_a_result_without_a_url_is_waited_for(
    provider: Provider, talk: Any, result: object
) -> None:
    status = talk(provider.poll(Ticket(TASK)), succeeded(result))

    assert status == Status("succeeded", task_id=TASK)


@pytest.mark.parametrize("said", ["SUCCESS", "Success", " success "])
def test_the_case_of_a_state_does_not_count(provider: Provider, talk: Any, said: str) -> None:
    answer = succeeded({"resultUrls": [VIDEO]}, state=said)

    assert talk(provider.poll(Ticket(TASK)), answer).state == "succeeded"


@pytest.mark.parametrize("said", ["polished", "", None, 7])
def test_what_has_a_video_is_done_whatever_its_state(
    provider: Provider, talk: Any, said: object
) -> None:
    status = talk(provider.poll(Ticket(TASK)), record(state=said, resultJson=[VIDEO]))

    assert (status.state, status.url) == ("succeeded", VIDEO)


@pytest.mark.parametrize("said", ["fail", "generating"])
def test_a_known_state_counts_more_than_a_url(provider: Provider, talk: Any, said: str) -> None:
    status = talk(provider.poll(Ticket(TASK)), record(state=said, resultJson=[VIDEO]))

    assert status.state != "succeeded"
    assert status.url is None


@pytest.mark.parametrize("code", [501, 500, 422, 404, 401, "501", None, "fine"])
@pytest.mark.parametrize("status", [200, 400])
def test_the_state_counts_whatever_code_is_next_to_it(
    provider: Provider, talk: Any, code: object, status: int
) -> None:
    data = {"taskId": TASK, "state": "fail", "failMsg": "The picture is too dark"}
    answer = {"code": code, "msg": "Generation failed", "data": data}

    told = talk(provider.poll(Ticket(TASK)), answer, status=status)

    assert told == Status("failed", reason="The picture is too dark", task_id=TASK)


def test_a_record_without_its_envelope_is_read(provider: Provider, talk: Any) -> None:
    bare = {"taskId": TASK, "state": "success", "resultJson": {"resultUrls": [VIDEO]}}

    for answer in (bare, {"data": bare}, {"code": "200", "data": bare}, {"data": json.dumps(bare)}):
        status = talk(provider.poll(Ticket(TASK)), answer)
        assert status == Status("succeeded", url=VIDEO, task_id=TASK)


def test_a_state_of_an_error_is_not_the_tasks(provider: Provider, talk: Any) -> None:
    with pytest.raises(KeyRejected):
        talk(provider.poll(Ticket(TASK)), {"code": 401, "state": "fail", "msg": "No such key"})


@pytest.mark.parametrize("data", [{}, {"state": None}, {"state": ""}, {"state": 7}, None, []])
def test_an_answer_without_a_state_is_unclear(provider: Provider, talk: Any, data: object) -> None:
    with pytest.raises(UnexpectedReply, match=r"reply\.data\.state is missing"):
        talk(provider.poll(Ticket(TASK)), {"code": 200, "data": data})


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 200, "data": {"taskId": 1234567890123456789}},
        {"code": 200, "data": {"taskId": " 1234567890123456789 "}},
        {"code": "200", "data": {"taskId": "1234567890123456789"}},
        {"data": {"taskId": "1234567890123456789"}},
        {"taskId": 1234567890123456789},
        {"code": 200, "data": [{"taskId": 1234567890123456789}]},
        {"code": "fine", "data": {"taskId": "1234567890123456789"}},
        {"code": True, "data": {"taskId": "1234567890123456789"}},
        {"code": 0, "data": {"taskId": "1234567890123456789"}},
        {"code": 500, "msg": "Try later", "data": {"taskId": "1234567890123456789"}},
    ],
)
def test_whoever_gives_an_id_has_accepted_the_task(
    provider: Provider, talk: Any, answer: object
) -> None:
    ticket = talk(provider.submit(VideoRequest(PROMPT), NoOptions()), answer)

    assert ticket == Ticket("1234567890123456789")


@pytest.mark.parametrize("status", [200, 401, 422, 429, 455])
@pytest.mark.parametrize("code", [400, 401, 402, 404, 422, 429, 433, 455, 505])
def test_an_id_next_to_a_no_is_a_task_all_the_same(
    provider: Provider, talk: Any, code: int, status: int
) -> None:
    ticket = talk(
        provider.submit(VideoRequest(PROMPT), NoOptions()),
        {"code": code, "msg": "No.", "data": {"taskId": TASK}},
        status=status,
    )

    assert ticket == Ticket(TASK)


@pytest.mark.parametrize("data", [None, {}, {"taskId": None}, {"taskId": ""}, {"recordId": TASK}])
def test_a_no_without_an_id_is_one(provider: Provider, talk: Any, data: object) -> None:
    with pytest.raises(TryLater):
        talk(
            provider.submit(VideoRequest(PROMPT), NoOptions()),
            {"code": 429, "msg": "No.", "data": data},
        )


@pytest.mark.parametrize("told", [1234567890123456789, " 1234567890123456789"])
def test_the_id_in_a_record_may_be_a_number(provider: Provider, talk: Any, told: object) -> None:
    status = talk(provider.poll(Ticket(TASK)), record(state="generating", taskId=told))

    assert status.task_id == "1234567890123456789"


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        ({"creditsConsumed": 110}, 110.0),
        ({"consumeCredits": 55.5}, 55.5),
        ({"creditsConsumed": None, "consumeCredits": 0}, 0.0),
        ({"creditsConsumed": "110"}, 110.0),
        ({"creditsConsumed": "many"}, None),
        ({"creditsConsumed": True}, None),
        ({}, None),
    ],
)
def test_what_a_task_took_never_stands_in_its_way(
    provider: Provider, talk: Any, told: dict[str, object], cost: float | None
) -> None:
    status = talk(provider.poll(Ticket(TASK)), succeeded({"resultUrls": [VIDEO]}, **told))

    assert (status.cost, status.url) == (cost, VIDEO)


@pytest.mark.parametrize(("code", "text"), [("500", "500"), (500, "500"), ("", None), (None, None)])
def test_a_failed_task_says_why(
    provider: Provider, talk: Any, code: object, text: str | None
) -> None:
    answer = record(state="fail", failCode=code, failMsg="The picture is too dark", resultJson="")

    assert talk(provider.poll(Ticket(TASK)), answer) == Status(
        "failed", code=text, reason="The picture is too dark", task_id=TASK
    )


def test_an_unknown_state_is_still_running_and_is_logged(
    provider: Provider, talk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "kling26"):
        status = talk(provider.poll(Ticket(TASK)), record(state="polishing\x1b[31m"))

    assert status.state == "running"
    state = r"'polishing\x1b[31m'"
    assert caplog.messages == [
        f"{provider.title} reported the unknown state {state}; it is treated as still running."
    ]


# -- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["msg", "message"])
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, Refused),
        (401, KeyRejected),
        (402, OutOfCredit),
        (404, Refused),
        (422, Refused),
        (429, TryLater),
        (433, OutOfCredit),
        (455, TryLater),
        (500, Refused),
        (501, Refused),
        (505, Refused),
    ],
)
def test_a_refused_submit_says_so_in_the_providers_words(
    provider: Provider, talk: Any, code: int, error: type[Exception], status: int, key: str
) -> None:
    """Under whichever HTTP status: most of them come with 200."""
    answer = {"code": code, key: "This field is required", "data": None}

    with pytest.raises(error, match="This field is required") as caught:
        talk(provider.submit(VideoRequest(PROMPT), NoOptions()), answer, status=status)

    assert type(caught.value) is error
    assert str(caught.value).startswith((provider.title, f"The account at {provider.title}"))
    assert caught.value.code == str(code)  # type: ignore[attr-defined]
    assert caught.value.provider == provider.name  # type: ignore[attr-defined]


def test_the_wait_that_is_asked_for_is_known(provider: Provider, talk: Any) -> None:
    answer = httpx.Response(200, headers={"Retry-After": "12"}, json={"code": 429, "msg": "Slow"})

    with pytest.raises(TryLater) as caught:
        talk(provider.submit(VideoRequest(PROMPT), NoOptions()), answer)

    assert caught.value.retry_after == 12


def test_a_refusal_without_words_is_one_all_the_same(provider: Provider, talk: Any) -> None:
    for words in ({}, {"msg": None}, {"msg": ""}, {"msg": {"prompt": "too long"}}):
        with pytest.raises(Refused, match="no reason given"):
            talk(provider.submit(VideoRequest(PROMPT), NoOptions()), {"code": 422, **words})


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 404, "msg": "Task not found"},
        {"code": 422, "msg": "recordInfo is null", "data": None},
    ],
)
def test_no_such_task_has_two_spellings(provider: Provider, talk: Any, answer: object) -> None:
    with pytest.raises(NoSuchTask, match="does not know the task"):
        talk(provider.poll(Ticket(TASK)), answer)


def test_a_link_of_somebody_else_is_not_renewed(provider: Provider, talk: Any) -> None:
    with pytest.raises(Refused, match="not ours"):
        talk(provider.renew(Ticket(TASK), VIDEO), {"code": 422, "msg": "The file is not ours"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"success": False, "code": 400, "msg": "uploadPath is missing"}, Refused),
        ({"success": False, "code": 401, "msg": "Invalid API Key"}, KeyRejected),
        ({"success": False, "code": 500, "msg": "Internal server error"}, Unavailable),
    ],
)
def test_a_refused_upload_says_whether_to_try_again(
    provider: Provider, talk: Any, picture: ImageFile, answer: object, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        talk(provider.upload(picture), answer)

    assert type(caught.value) is error


@pytest.mark.parametrize("link", ["", "files/first.png", "/etc/passwd", "file:///etc/passwd"])
def test_an_upload_without_an_address_is_no_upload(
    provider: Provider, talk: Any, picture: ImageFile, link: str
) -> None:
    """An empty one would make text to video of it, paid for and not asked for."""
    with pytest.raises(UnexpectedReply, match="expected a URL"):
        talk(provider.upload(picture), {"code": 200, "data": {"downloadUrl": link}})


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 200, "data": {"downloadUrl": f" {IMAGE} "}},
        {"code": "200", "data": {"downloadUrl": IMAGE}},
        {"success": True, "data": {"downloadUrl": IMAGE}},
        {"code": 200, "data": {"fileUrl": IMAGE}},
        {"code": 200, "data": IMAGE},
        {"downloadUrl": IMAGE},
    ],
)
def test_an_uploads_address_is_read_in_any_form(
    provider: Provider, talk: Any, picture: ImageFile, answer: object
) -> None:
    assert talk(provider.upload(picture), answer) == IMAGE


@pytest.mark.parametrize(("status", "error"), [(429, TryLater), (401, KeyRejected)])
def test_where_the_code_says_nothing_the_status_counts(
    provider: Provider, talk: Any, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        talk(
            provider.submit(VideoRequest("A heron"), NoOptions()),
            {"code": 10429, "msg": "Slow down."},
            status=status,
        )


@pytest.mark.parametrize(("code", "error"), [("429", TryLater), ("402", OutOfCredit)])
def test_a_code_means_the_same_as_a_text(
    provider: Provider, talk: Any, code: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        talk(provider.submit(VideoRequest("A heron"), NoOptions()), {"code": code, "msg": "No."})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>Just a moment</html>", "not JSON"),
        (b"error code: 1010", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "expected an object, got an array @ reply"),
        (b"{}", "reply.code is not a number"),
        (b'{"code": "fine"}', "reply.code is not a number"),
        (b'{"code": true}', "reply.code is not a number"),
        (b'{"code": 200}', "reply.data.taskId is missing"),
        (b'{"code": 200, "data": {}}', "reply.data.taskId is missing"),
        (b'{"code": 200, "data": {"taskId": 5.0}}', "reply.data.taskId is missing"),
        (b'{"code": 200, "data": {"taskId": true}}', "reply.data.taskId is missing"),
        (b'{"code": 200, "data": {"taskId": " "}}', "reply.data.taskId is missing"),
    ],
)
def test_an_unclear_answer_to_a_submit_is_never_a_refusal(
    provider: Provider, talk: Any, body: bytes, problem: str
) -> None:
    """It may have been paid for."""
    with pytest.raises(UnexpectedReply, match="sent an unexpected reply") as caught:
        talk(provider.submit(VideoRequest(PROMPT), NoOptions()), body)

    assert problem in str(caught.value)
    assert not isinstance(caught.value, Refused)


def test_code_200_under_an_http_error_is_unclear(provider: Provider, talk: Any) -> None:
    with pytest.raises(UnexpectedReply, match="code 200 under an HTTP error"):
        talk(provider.submit(VideoRequest(PROMPT), NoOptions()), {"code": 200}, status=403)


def test_an_html_page_is_not_taken_for_a_rejected_key(provider: Provider, talk: Any) -> None:
    with pytest.raises(UnexpectedReply, match="error code: 1010"):
        talk(provider.poll(Ticket(TASK)), b"error code: 1010", status=403)


# -- what is left of an answer ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fragment", "found"),
    [
        ('{"code":200,"msg":"success","data":{"taskId":"task_1790"', "task_1790"),
        ('{"code": 200, "data": {"taskId" : "task_1790", "recor', "task_1790"),
        ('{"code":200,"msg":"success","data":{"taskId":1790,"rec', "1790"),
        ('{"code":200,"msg":"success","data":{"taskId":1790', None),
        ('{"code":200,"msg":"success","data":{"taskId":"task_17', None),
        ('{"code":200,"msg":"success","data":{"taskId":""}}', None),
        ('{"param":"{\\"taskId\\":\\"task_9\\"}"', None),
        ("<html>Bad gateway</html>", None),
        ("", None),
    ],
)
def test_a_task_id_is_saved_from_what_arrived(
    provider: Provider, fragment: str, found: str | None
) -> None:
    """Only whole ones: half an id is the id of nothing, or of somebody else's task."""
    ticket = provider.recover_ticket(fragment, VideoRequest(PROMPT))

    assert ticket == (found and Ticket(found))


# -- callbacks --------------------------------------------------------------------------------


def callback(echo: str, *, state: str = "success", **fields: object) -> str:
    """A call as the documents show one, field by field; they echo the request as `param`."""
    lines = [
        '        "completeTime": 1790000010000,',
        '        "costTime": 8,',
        '        "createTime": 1790000000000,',
        '        "model": "kling-2.6/text-to-video",',
        f'        "param": "{echo}",',
        f'        "state": "{state}",',
        *(f'        "{name}": {json.dumps(value)},' for name, value in fields.items()),
        '        "taskId": "bd3a37c5",',
    ]
    code, text = (200, "completed") if state == "success" else (501, "failed")
    return "\n".join(
        [
            "{",
            f'    "code": {code},',
            '    "data": {',
            *lines,
            "    },",
            f'    "msg": "{text}"',
            "}",
        ]
    )


# Quotes in the documents' echo have one backslash too few, and the objects end in a comma.
WELL_ESCAPED = json.dumps(json.dumps({"input": {"prompt": 'He says: "Go!"'}}))[1:-1]
ILL_ESCAPED = r'{\"input\":{\"prompt\":\"He says: \\"Go!\\" and goes.\",\"duration\":\"5\"}}'


@pytest.fixture(params=["well", "ill"])
def echo(request: pytest.FixtureRequest) -> str:
    return WELL_ESCAPED if request.param == "well" else ILL_ESCAPED


@pytest.mark.parametrize("one_line", [False, True])
def test_a_callback_of_success_is_read(provider: Provider, echo: str, one_line: bool) -> None:
    result = json.dumps({"resultUrls": [VIDEO]})
    body = callback(echo, resultJson=result, failCode=None, remainedCredits=2510330)
    if one_line:
        body = "".join(line.strip() for line in body.splitlines())

    assert provider.read_callback(body) == Status("succeeded", url=VIDEO, task_id="bd3a37c5")


def test_a_callback_of_failure_is_read(provider: Provider, echo: str) -> None:
    body = callback(echo, state="fail", failCode="500", failMsg="Internal error", consumeCredits=0)

    assert provider.read_callback(body.encode()) == Status(
        "failed", code="500", reason="Internal error", task_id="bd3a37c5"
    )


def test_a_callback_as_the_service_may_really_send_it(provider: Provider) -> None:
    result = json.dumps({"resultUrls": [VIDEO]})
    data = {"taskId": TASK, "state": "success", "resultJson": result, "consumeCredits": 110}

    assert provider.read_callback(json.dumps({"code": 200, "data": data})) == Status(
        "succeeded", url=VIDEO, task_id=TASK, cost=110.0
    )


@pytest.mark.parametrize(
    "body",
    [
        {"code": 200, "data": {"state": "generating", "taskId": TASK}},
        {"code": 200, "data": {"state": "generating", "task_id": TASK}},
        {"code": 200, "data": {"state": "generating"}, "taskId": TASK},
        {"code": 200, "data": {"state": "GENERATING", "taskId": f" {TASK}"}},
        {"taskId": TASK, "state": "generating"},
    ],
)
def test_the_task_of_a_callback_has_three_places(
    provider: Provider, body: dict[str, object]
) -> None:
    assert provider.read_callback(json.dumps(body)).task_id == TASK


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"data": null}', '{"data": {}}', "\x1b[31m", '{"']
)
def test_anything_else_is_not_a_callback(provider: Provider, body: str) -> None:
    with pytest.raises(UnexpectedReply, match=f"This is not a callback from {provider.title}"):
        provider.read_callback(body)


# -- before anything is sent --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "image", "limit"),
    [("kie", None, 2500), ("kie", IMAGE, 1000), ("apikley", None, 1000), ("apikley", IMAGE, 1000)],
)
def test_a_long_prompt_is_refused_with_both_numbers(
    providers: Mapping[str, Provider], name: str, image: str | None, limit: int
) -> None:
    provider = providers[name]
    validate(provider, VideoRequest("x" * limit, image=image), None)

    with pytest.raises(OptionRefused) as caught:
        validate(provider, VideoRequest("x" * (limit + 1), image=image), None)

    kind = "image to video" if image else "text to video"
    assert str(caught.value) == (
        f"{provider.title}: prompt must be at most {limit} characters long for {kind}; got "
        f"{limit + 1}."
    )


def test_there_are_no_options_of_its_own(provider: Provider) -> None:
    with pytest.raises(OptionRefused, match='"negative_prompt"; it has none of its own'):
        validate(provider, VideoRequest(PROMPT), {"negative_prompt": "blur"})
