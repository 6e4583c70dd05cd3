"""The routes answer in the language that the page asks for."""

from typing import Any

import pytest

from .pages import OURS
from .test_tasks_page import TASKS, Panel, unknown
from .test_tasks_page import kie as kie

LOST = {
    "en": (
        "kie.ai may have accepted this request and charged for it: no answer came (the connection "
        "broke)."
    ),
    "zh-CN": "kie.ai 可能已接受该请求并扣费：没有收到答复（连接中断）。",
    "ru": (
        "kie.ai, возможно, принял этот запрос и списал деньги: ответ не пришёл (соединение "
        "прервано)."
    ),
}
REFUSED = {
    "en": "kie.ai does not know the task: recordInfo is null (code 422).",
    "zh-CN": "kie.ai 没有这个任务：recordInfo is null（代码 422）。",
    "ru": "kie.ai не знает такой задачи: recordInfo is null (код 422).",
}


def asking(language: str) -> Any:
    return [*OURS[:2], ("Accept-Language", language)]


@pytest.mark.parametrize("language", LOST)
def test_what_became_of_a_task_is_told_in_the_users_language(kie: Panel, language: str) -> None:
    task = unknown(kie)
    listed = kie.get(TASKS, headers=asking(language))[1]["tasks"]
    status, refused = kie.post(
        f"{TASKS}/{task}/adopt", {"task_id": "nobody"}, headers=asking(language)
    )

    assert [each["error"] for each in listed] == [LOST[language]]
    assert (status, refused["error"]) == (424, REFUSED[language])
