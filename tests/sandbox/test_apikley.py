"""What Apikley does otherwise than kie.ai."""

from kling26.core.hookspecs import Sandbox
from kling26.sandbox import apikley as module

from .conftest import ApikleyClient


def test_the_module_offers_its_sandbox() -> None:
    (sandbox,) = module.kling26_sandboxes()

    assert sandbox == Sandbox("apikley", build=module.ApikleySandbox, uploads="/file-upload")


def test_a_prompt_is_shorter_than_at_kie(apikley: ApikleyClient) -> None:
    assert apikley.create(prompt="h" * 1000).json()["code"] == 200
    assert apikley.create(prompt="h" * 1001).json()["code"] == 422


def test_a_submit_has_its_text_in_msg_and_a_status_in_message(apikley: ApikleyClient) -> None:
    submitted = apikley.submit()
    reply = apikley.ask(apikley.id_of(submitted))

    assert submitted.json()["msg"] == "success"
    assert reply.json()["message"] == "success"
    assert "msg" not in reply.json()


def test_a_missing_value_is_an_empty_string(apikley: ApikleyClient) -> None:
    data = apikley.ask(apikley.task()).json()["data"]

    assert data["resultJson"] == data["failCode"] == data["failMsg"] == ""


def test_uploads_are_under_file_upload(apikley: ApikleyClient) -> None:
    body = {"base64Data": "aGVyb24=", "uploadPath": "images", "fileName": "heron.png"}
    answer = apikley.post("/file-upload/api/file-base64-upload", body)

    assert apikley.get(answer.json()["data"]["downloadUrl"]).content == b"heron"
    assert apikley.post("/api/file-base64-upload", body).status_code == 404
