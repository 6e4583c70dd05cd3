"""The uploads of kie.ai and Apikley."""

import base64
import io
from collections.abc import Callable

import av
import httpx
import pytest
from PIL import Image

from .conftest import KieClient

BASE64, STREAM, URL = (f"/api/file-{kind}-upload" for kind in ("base64", "stream", "url"))

# Bytes on which a careless reading of a form trips.
BYTES = b"\x89PNG\r\n\x1a\n--heron\r\n\r\n\x00\xff"


def heron(**more: object) -> dict[str, object]:
    return {
        "base64Data": base64.b64encode(BYTES).decode(),
        "uploadPath": "images/birds",
        "fileName": "heron 1.png",
    } | more


def test_an_upload_in_base64_can_be_fetched_without_a_key(kie: KieClient) -> None:
    answer = kie.post(BASE64, heron())
    kie.key = None

    data = answer.json()["data"]
    assert answer.json()["success"] is True
    assert data["filePath"] == "images/birds/heron 1.png"
    assert (data["fileSize"], data["mimeType"]) == (len(BYTES), "image/png")
    assert data["downloadUrl"].startswith("https://api.kie.ai/uploads/")
    assert kie.get(data["downloadUrl"]).content == BYTES


def test_base64_may_come_as_a_data_url(kie: KieClient) -> None:
    text = f"data:image/png;base64,{base64.b64encode(BYTES).decode()}"
    answer = kie.post(BASE64, heron(base64Data=text))

    assert answer.json()["data"]["fileSize"] == len(BYTES)


def test_an_upload_as_a_form_can_be_fetched(kie: KieClient) -> None:
    answer = kie.request(
        "POST", STREAM, files={"file": ("heron.png", BYTES)}, data={"uploadPath": "images"}
    )

    assert answer.json()["data"]["fileName"] == "heron.png"
    assert kie.get(answer.json()["data"]["downloadUrl"]).content == BYTES


def test_a_form_may_give_the_file_another_name(kie: KieClient) -> None:
    fields = {"uploadPath": "images", "fileName": "crane.png"}
    answer = kie.request("POST", STREAM, files={"file": ("heron.png", BYTES)}, data=fields)

    assert answer.json()["data"]["filePath"] == "images/crane.png"


def test_an_upload_by_url_is_an_image_without_any_network(kie: KieClient) -> None:
    body = {"fileUrl": "https://pictures.example/heron.png", "uploadPath": "images"}
    data = kie.post(URL, body).json()["data"]

    assert data["fileName"] == "heron.png"
    assert Image.open(io.BytesIO(kie.get(data["downloadUrl"]).content)).size == (640, 360)


def test_an_upload_by_the_url_of_an_upload_is_a_copy(kie: KieClient) -> None:
    first = kie.post(BASE64, heron()).json()["data"]["downloadUrl"]
    second = kie.post(URL, {"fileUrl": first, "uploadPath": "copies"}).json()["data"]

    assert second["filePath"] == "copies/heron%201.png"
    assert second["fileSize"] == len(BYTES)


def test_the_same_name_overwrites(kie: KieClient) -> None:
    url = kie.post(BASE64, heron()).json()["data"]["downloadUrl"]
    kie.post(BASE64, heron(base64Data="aGVyb24="))

    assert kie.get(url).content == b"heron"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (BASE64, heron(base64Data=None)),
        (BASE64, heron(base64Data="?")),
        (BASE64, heron(base64Data="")),
        (BASE64, heron(uploadPath=None)),
        (BASE64, heron(uploadPath="/images")),
        (BASE64, heron(uploadPath="images/")),
        (BASE64, []),
        (URL, {"uploadPath": "images"}),
        (URL, {"uploadPath": "images", "fileUrl": "heron.png"}),
        (STREAM, {}),
    ],
)
def test_an_incomplete_upload_is_refused(kie: KieClient, path: str, body: object) -> None:
    answer = kie.post(path, body)

    assert answer.status_code == 400
    assert (answer.json()["success"], answer.json()["code"]) == (False, 400)


@pytest.mark.parametrize("path", [BASE64, STREAM, URL])
def test_an_upload_with_a_wrong_key_is_refused(kie: KieClient, path: str) -> None:
    kie.key = "wrong"
    answer = kie.post(path, heron())

    assert answer.status_code == 401
    assert answer.json()["success"] is False


def test_an_upload_meets_a_server_error(kie: KieClient, fault: Callable[..., None]) -> None:
    fault("upload_500")

    assert [kie.post(BASE64, heron()).status_code for _ in range(2)] == [500, 200]


def test_the_connection_of_an_upload_breaks(kie: KieClient, fault: Callable[..., None]) -> None:
    fault("upload_reset")

    with pytest.raises(httpx.ReadError):
        kie.post(BASE64, heron())


def test_a_file_that_was_never_uploaded_is_not_found(kie: KieClient) -> None:
    assert kie.get("/uploads/heron.png").status_code == 404


def test_a_video_takes_the_shape_of_an_uploaded_picture(
    kie: KieClient, base64_picture: Callable[..., str]
) -> None:
    upload = kie.post(BASE64, heron(base64Data=base64_picture(300, 600)))
    url = upload.json()["data"]["downloadUrl"]
    task_id = kie.id_of(kie.create("kling-2.6/image-to-video", image_urls=[url]))
    kie.app.settle(task_id)
    assert kie.app.accepted[0].images == (kie.get(url).content,)
    video = kie.get(str(kie.url_of(kie.ask(task_id)))).content

    with av.open(io.BytesIO(video)) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (160, 320)
