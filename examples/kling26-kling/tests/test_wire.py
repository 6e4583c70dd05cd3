"""What is sent, as exact JSON, and what is made of each answer."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from kling26.core import (
    ImageFile,
    ImageRefused,
    KeyRejected,
    NoSuchTask,
    OptionRefused,
    OutOfCredit,
    Refused,
    Status,
    Ticket,
    TryLater,
    Unavailable,
    UnexpectedReply,
    VideoRequest,
)
from kling26_kling import Kling, KlingOptions
from PIL import Image

KILN = "Sparks rise from a pottery kiln at dusk"
PICTURE = Path(__file__).with_name("grey.png").read_bytes()
URL = "https://api-singapore.klingai.com"
ID = "893605946402811985"
OWN = "k26-00000000000000aa"
VIDEO = "https://videos.kling.example/kiln.mp4"
TASK = {
    "id": ID, "status": "submitted", "message": "", "create_time": 1790000000000,
    "update_time": 1790000000000, "external_id": OWN, "outputs": [],
}  # fmt: skip
DONE = TASK | {
    "status": "succeeded",
    "outputs": [
        {"type": "image", "id": "1", "url": "https://videos.kling.example/cover.png"},
        {"type": "video", "id": "2", "url": VIDEO, "duration": "5"},
    ],
    "billing": [{"charge_type": "unit", "amount": "5.0", "package_type": "video"}],
}

kling = Kling()


def answer(data: object, code: object = 0, message: str = "SUCCEED") -> dict[str, object]:
    return {"code": code, "message": message, "request_id": "r-1", "data": data}


def text(**fields: object) -> str:
    return json.dumps(fields, sort_keys=True)


def ours(request: VideoRequest) -> VideoRequest:
    """The request as the runner hands it over."""
    return evolve(request, task=OWN)


# -- requests ----------------------------------------------------------------------------------


def test_text_to_video_with_everything(talk: Any) -> None:
    hook = "https://me.example/done"
    request = VideoRequest(
        KILN, sound=True, duration=10, aspect_ratio="9:16", callback_url=hook, seed=4
    )

    ticket = talk(kling.submit(ours(request), KlingOptions("1080p", True)), answer(TASK))

    assert ticket == Ticket(ID)
    assert talk.lines == [f"POST {URL}/text-to-video/kling-2.6"]
    assert talk.sent == text(
        prompt=KILN,
        settings={
            "audio": "native", "resolution": "1080p", "aspect_ratio": "9:16", "duration": 10,
        },
        options={
            "external_task_id": OWN, "callback_url": hook, "watermark_info": {"enabled": True},
        },
    )  # fmt: skip


def test_text_to_video_with_nothing_but_a_prompt(talk: Any) -> None:
    talk(kling.submit(ours(VideoRequest(KILN)), KlingOptions()), answer(TASK))

    assert talk.sent == text(
        prompt=KILN,
        settings={"audio": "off", "resolution": "720p", "aspect_ratio": "16:9", "duration": 5},
        options={"external_task_id": OWN, "watermark_info": {"enabled": False}},
    )


@pytest.mark.parametrize(
    ("image", "url"),
    [
        ("https://pictures.example/kiln.jpg", "https://pictures.example/kiln.jpg"),
        (ImageFile(PICTURE), b64encode(PICTURE).decode()),
    ],
)
def test_image_to_video_is_a_list_of_contents(talk: Any, image: Any, url: str) -> None:
    request = VideoRequest(KILN, image=image, aspect_ratio="1:1")

    talk(kling.submit(ours(request), KlingOptions()), answer(TASK))

    assert talk.lines == [f"POST {URL}/image-to-video/kling-2.6"]
    assert talk.sent == text(
        contents=[{"type": "prompt", "text": KILN}, {"type": "first_frame", "url": url}],
        settings={"audio": "off", "resolution": "720p", "duration": 5},
        options={"external_task_id": OWN, "watermark_info": {"enabled": False}},
    )


def test_a_last_frame_is_one_more_of_the_contents(talk: Any) -> None:
    request = VideoRequest(KILN, image=ImageFile(PICTURE), end_image="https://a.example/end.jpg")

    talk(kling.submit(ours(request), KlingOptions("1080p")), answer(TASK))

    assert json.loads(talk.sent)["contents"] == [
        {"type": "prompt", "text": KILN},
        {"type": "first_frame", "url": b64encode(PICTURE).decode()},
        {"type": "last_frame", "url": "https://a.example/end.jpg"},
    ]


@pytest.mark.parametrize(
    ("sound", "resolution", "option", "says"),
    [
        (False, "720p", "resolution", "end_image needs 1080p; set resolution to 1080p, or leave"),
        (True, "1080p", "sound", "end_image does not go with sound; turn sound off, or leave"),
    ],
)
def test_a_last_frame_needs_1080p_and_silence(
    sound: bool, resolution: Any, option: str, says: str
) -> None:
    url = "https://pictures.example/kiln.jpg"
    request = VideoRequest(KILN, url, sound, end_image=url)
    with pytest.raises(OptionRefused, match=f"Kling: {says}") as caught:
        kling.check(request, KlingOptions(resolution))

    assert caught.value.option == option
    kling.check(evolve(request, sound=False), KlingOptions("1080p"))


def test_sound_needs_1080p() -> None:
    with pytest.raises(OptionRefused, match="Kling: sound needs 1080p") as caught:
        kling.check(VideoRequest(KILN, sound=True), KlingOptions())

    assert caught.value.option == "resolution"
    kling.check(VideoRequest(KILN, sound=True), KlingOptions("1080p"))
    kling.check(VideoRequest(KILN), KlingOptions())


def test_a_picture_must_not_be_a_strip(tmp_path: Path) -> None:
    Image.new("RGB", (800, 300)).save(tmp_path / "strip.png")
    Image.new("RGB", (300, 750)).save(tmp_path / "tall.png")

    with pytest.raises(ImageRefused, match="800 x 300"):
        kling.check(VideoRequest(KILN, image=str(tmp_path / "strip.png")), KlingOptions())

    tall = str(tmp_path / "tall.png")
    kling.check(VideoRequest(KILN, image=tall), KlingOptions())
    request = VideoRequest(KILN, image=tall, end_image=str(tmp_path / "strip.png"))
    with pytest.raises(ImageRefused, match="800 x 300") as caught:
        kling.check(request, KlingOptions("1080p"))
    assert caught.value.option == "end_image"


@pytest.mark.parametrize(
    ("resolution", "sound", "duration", "price"),
    [
        ("720p", False, 5, 0.21),
        ("720p", False, 10, 0.42),
        ("1080p", False, 5, 0.35),
        ("1080p", True, 5, 0.70),
        ("1080p", True, 10, 1.40),
        ("720p", True, 5, None),
    ],
)
def test_the_list_price(resolution: Any, sound: bool, duration: Any, price: float | None) -> None:
    request = VideoRequest(KILN, sound=sound, duration=duration)

    assert kling.price(request, KlingOptions(resolution)) == price


# -- answers to a submit -----------------------------------------------------------------------


@pytest.mark.parametrize("data", [TASK, [TASK]])
def test_a_task_may_stand_in_an_array(talk: Any, data: object) -> None:
    assert talk(kling.submit(VideoRequest(KILN), KlingOptions()), answer(data)) == Ticket(ID)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, 1000, KeyRejected),
        (401, 1001, KeyRejected),
        (401, 1002, KeyRejected),
        (401, 1003, KeyRejected),
        (401, 1004, KeyRejected),
        (429, 1100, Refused),
        (429, 1101, OutOfCredit),
        (429, 1102, OutOfCredit),
        (403, 1103, Refused),
        (400, 1200, Refused),
        (400, 1201, Refused),
        (404, 1202, Refused),
        (404, 1203, Refused),
        (400, 1300, Refused),
        (400, 1301, Refused),
        (429, 1302, TryLater),
        (429, 1303, TryLater),
        (200, 1303, TryLater),
        (429, 1304, Refused),
        (200, 5000, Unavailable),
        (200, 5001, Unavailable),
        (200, 5002, Unavailable),
    ],
)
def test_the_code_says_what_a_no_means(
    talk: Any, status: int, code: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match=rf"Their words \(code {code}\)\.") as caught:
        talk(
            kling.submit(VideoRequest(KILN), KlingOptions()),
            answer(None, code, "Their words."),
            status=status,
        )

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, answer(None)),
        (200, answer([])),
        (200, answer({"id": "", "status": "submitted"})),
        (200, answer({"id": True, "status": "submitted"})),
        (200, answer(None, "fine")),
        (400, answer(None)),
        (429, {"message": "slow down"}),
    ],
)
def test_an_answer_that_cannot_be_read(talk: Any, status: int, body: object) -> None:
    with pytest.raises(UnexpectedReply, match="Kling sent an unexpected reply"):
        talk(kling.submit(VideoRequest(KILN), KlingOptions()), body, status=status)


@pytest.mark.parametrize(
    "body",
    [
        answer(TASK, "0"),
        answer(TASK, 5002),
        answer(TASK | {"id": int(ID)}),
        answer(TASK | {"id": f" {ID} "}),
        {"data": TASK},
        TASK,
    ],
)
def test_whoever_gives_an_id_has_accepted_the_task(talk: Any, body: object) -> None:
    assert talk(kling.submit(VideoRequest(KILN), KlingOptions()), body) == Ticket(ID)


@pytest.mark.parametrize("code", [1000, 1201, 1303])
def test_an_id_next_to_a_no_is_a_task_all_the_same(talk: Any, code: int) -> None:
    reply = answer(TASK, code, "No.")

    assert talk(kling.submit(VideoRequest(KILN), KlingOptions()), reply) == Ticket(ID)


def test_that_our_own_id_is_taken_does_not_say_that_nothing_was(talk: Any) -> None:
    reply = {"code": 1200, "message": "external_task_id must be unique"}

    with pytest.raises(UnexpectedReply, match="our own id is taken"):
        talk(kling.submit(VideoRequest(KILN), KlingOptions()), reply, status=400)


# -- states ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", [lambda task: [task], lambda task: task])
@pytest.mark.parametrize(
    ("task", "status"),
    [
        (TASK, Status("queued")),
        (TASK | {"status": "processing"}, Status("running")),
        (TASK | {"status": "moderating"}, Status("running")),
        (TASK | {"status": "PROCESSING", "id": int(ID)}, Status("running")),
        (TASK | {"status": "polished", "outputs": VIDEO}, Status("succeeded", url=VIDEO)),
        (
            TASK | {"status": None, "outputs": [{"url": f" {VIDEO}"}]},
            Status("succeeded", url=VIDEO),
        ),
        (TASK | {"status": "succeeded", "outputs": [VIDEO]}, Status("succeeded", url=VIDEO)),
        (DONE, Status("succeeded", url=VIDEO, cost=5.0, cost_unit="units")),
        (TASK | {"status": "succeeded"}, Status("succeeded")),
        (TASK | {"status": "failed", "message": "No"}, Status("failed", reason="No")),
        (TASK | {"status": "failed"}, Status("failed")),
    ],
)
def test_a_state(talk: Any, wrap: Any, task: object, status: Status) -> None:
    assert talk(kling.poll(Ticket(ID)), answer(wrap(task))) == evolve(status, task_id=ID)
    assert talk.lines == [f"GET {URL}/tasks?task_ids={ID}"]


def test_a_state_counts_whatever_code_is_next_to_it(talk: Any) -> None:
    body = answer([TASK | {"status": "failed", "message": "No"}], 1301)

    assert talk(kling.poll(Ticket(ID)), body, status=400).state == "failed"


@pytest.mark.parametrize("said", [None, "", 7])
def test_a_task_without_a_state_is_unclear(talk: Any, said: object) -> None:
    with pytest.raises(UnexpectedReply, match=r"reply\.data\.status is missing"):
        talk(kling.poll(Ticket(ID)), answer([TASK | {"status": said}]))


UNIT = {"charge_type": "unit", "amount": "1.5"}
MONEY = {"charge_type": "cash", "amount": "0.35", "currency": "USD"}


@pytest.mark.parametrize(
    ("billing", "cost", "unit"),
    [
        ([UNIT, UNIT | {"amount": 2}], 3.5, "units"),
        ([MONEY], 0.35, "USD"),
        ([MONEY | {"currency": "CNY"}], 0.35, "CNY"),
        ([UNIT, MONEY], None, None),
        ([UNIT | {"amount": "many"}], None, None),
        ([UNIT | {"amount": "nan"}], None, None),
        ([UNIT | {"amount": 10**400}], None, None),
        ([UNIT | {"amount": 1e308}, UNIT | {"amount": 1e308}], None, "units"),
        ([{"charge_type": "unit"}], None, None),
        ([], None, None),
        (None, None, None),
        ("5.0", None, None),
    ],
)
def test_the_cost_is_told_in_units_or_in_money(
    talk: Any, billing: object, cost: float | None, unit: str | None
) -> None:
    task = DONE | {"billing": billing}

    status = talk(kling.poll(Ticket(ID)), answer([task]))
    assert (status.cost, status.cost_unit) == (cost, unit)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, answer([])),
        (200, answer(None)),
        (200, answer([TASK | {"id": "another"}])),
        (404, answer(None, 1203, "None.")),
    ],
)
def test_a_task_that_is_not_known(talk: Any, status: int, body: object) -> None:
    with pytest.raises(NoSuchTask):
        talk(kling.poll(Ticket(ID)), body, status=status)


def test_an_odd_id_stays_one_value(talk: Any) -> None:
    talk(kling.poll(Ticket("a,b&x=1")), answer([TASK | {"id": "a,b&x=1"}]))

    assert talk.lines == [f"GET {URL}/tasks?task_ids=a%2Cb%26x%3D1"]


# -- looking for a task ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "ticket"),
    [
        (200, answer([TASK]), Ticket(ID)),
        (200, answer([{"id": ID, "status": "submitted"}]), Ticket(ID)),
        (200, answer([]), None),
        (404, answer(None, 1203, "None."), None),
        (200, answer([TASK | {"external_id": "k26-another"}]), None),
        (200, answer([TASK | {"id": "1", "external_id": "k26-another"}, TASK]), Ticket(ID)),
    ],
)
def test_a_task_is_found_under_our_own_id(
    talk: Any, status: int, body: object, ticket: Ticket | None
) -> None:
    found = talk(kling.find(VideoRequest(KILN, task=OWN)), body, status=status)

    assert found == ticket
    assert talk.lines == [f"GET {URL}/tasks?external_task_ids={OWN}"]


def test_a_task_without_an_id_is_not_found(talk: Any) -> None:
    with pytest.raises(UnexpectedReply, match="id is missing"):
        talk(kling.find(VideoRequest(KILN, task=OWN)), answer([TASK | {"id": ""}]))


def test_a_search_that_went_wrong_is_no_empty_one(talk: Any) -> None:
    with pytest.raises(KeyRejected):
        talk(kling.find(VideoRequest(KILN, task=OWN)), answer(None, 1002), status=401)


# -- callbacks ---------------------------------------------------------------------------------


def test_a_callback_is_the_task_without_an_envelope() -> None:
    assert kling.read_callback(json.dumps(DONE)) == Status(
        "succeeded", url=VIDEO, cost=5.0, cost_unit="units", task_id=ID
    )
