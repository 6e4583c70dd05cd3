"""What the node says of every kind of error, in every language."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from kling26.comfy_bridge import error_texts
from kling26.comfy_bridge.error_texts import error_text, task_error
from kling26.comfy_bridge.words import languages, words
from kling26.core import errors
from kling26.core.errors import (
    BudgetExceeded,
    ImageRefused,
    JournalBusy,
    JournalError,
    KeyRejected,
    Kling26Error,
    MissingKey,
    OptionRefused,
    OutcomeUnknown,
    OutOfCredit,
    Remedy,
    ResultUnavailable,
    SettingsError,
    UnexpectedReply,
    UnknownProvider,
)
from kling26.core.plugins import Registry

from .conftest import row

LOGS = "https://kie.ai/logs"


def _kinds(kind: type[Kling26Error] = Kling26Error) -> Iterator[type[Kling26Error]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _kinds(each)


KINDS = sorted(set(_kinds()), key=lambda kind: kind.__name__)


def raised(kind: type[Kling26Error], text: str, remedy: Remedy | None = None) -> Kling26Error:
    """An error of a kind, with a sentence that no language has."""
    facts: dict[str, Any] = {"remedy": remedy} if remedy else {}
    if issubclass(kind, OptionRefused):
        facts = {"option": "image"}
    if issubclass(kind, BudgetExceeded):
        facts = {"setting": "max_tasks_per_hour"}
    try:
        raise kind(text, **facts)
    except Kling26Error as error:
        return error


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("language", sorted(languages()))
def test_each_kind_is_told_with_all_that_core_says(
    registry: Registry, language: str, kind: type[Kling26Error]
) -> None:
    said = words(language)
    text = error_text(said, raised(kind, "Xyzzy, of 7 bytes."), registry["kie"])

    assert "Xyzzy, of 7 bytes." in text
    assert f"kind.{kind.__name__}" in said
    assert text.startswith("Xyzzy") == (language == "en")
    assert not re.search(r"[{}]|\bkling26 [a-z]|\.\.|。。|\. ?。|  ", text)


TOLD: list[tuple[Kling26Error, str, str, str]] = [
    (
        UnexpectedReply("kie.ai sent an unexpected reply (HTTP 200: reply.code is missing)."),
        "kie.ai sent an unexpected reply (HTTP 200: reply.code is missing).",
        (
            "无法解读 kie.ai 的答复。详情（英文）：kie.ai sent an unexpected reply (HTTP 200: "
            "reply.code is missing)."
        ),
        (
            "Ответ kie.ai не удаётся прочитать. Подробности (на английском): kie.ai sent an "
            "unexpected reply (HTTP 200: reply.code is missing)."
        ),
    ),
    (
        JournalBusy("The journal is busy. Nothing was sent."),
        "The journal is busy. Nothing was sent. Run again.",
        (
            "付费任务的记录正被占用。详情（英文）：The journal is busy. Nothing was sent. "
            "请再次运行。"
        ),
        (
            "Журнал оплаченных задач занят. Подробности (на английском): The journal is busy. "
            "Nothing was sent. Запустите узел снова."
        ),
    ),
    (
        OutOfCredit("The account at kie.ai has too little credit: Top up (code 402)."),
        (
            "The account at kie.ai has too little credit: Top up (code 402). Top up your account "
            "at kie.ai and run again."
        ),
        ("kie.ai 账户余额不足：Top up（代码 402）。请为您在 kie.ai 的账户充值，然后再次运行。"),
        (
            "На счёте в kie.ai недостаточно средств: Top up (код 402). Пополните счёт в kie.ai и "
            "запустите узел снова."
        ),
    ),
    (
        MissingKey("kie.ai needs an API key."),
        (
            "kie.ai needs an API key. Enter a key under Settings → Kling 2.6 (keys: "
            "https://kie.ai/api-key), or set KIE_API_KEY before you start ComfyUI. To try the "
            "node without a key, turn sandbox on."
        ),
        (
            "kie.ai 需要 API 密钥。请在“设置 → Kling 2.6”中填写密钥（密钥页面："
            "https://kie.ai/api-key），或在启动 ComfyUI 之前设置 KIE_API_KEY。"
            "没有密钥时，可打开“沙盒”试用本节点。"
        ),
        (
            "Для kie.ai нужен ключ API. Введите ключ в разделе «Настройки → Kling 2.6» (ключи: "
            "https://kie.ai/api-key) или задайте KIE_API_KEY до запуска ComfyUI. Чтобы "
            "попробовать узел без ключа, включите «Песочницу»."
        ),
    ),
    (
        BudgetExceeded(
            'The budget is used up: "max_tasks_per_hour" in /home/a b/config.toml allows 30 tasks '
            "in 60 min, and there were 30. The next one is possible in about 12 min.",
            setting="max_tasks_per_hour",
        ),
        (
            'The budget is used up: "Videos in an hour" allows 30 tasks in 60 '
            "min, and there were 30. The next one is possible in about 12 min. Nothing was paid. "
            "To raise that limit, change the budget in the Kling 2.6 panel."
        ),
        (
            "预算已用完：“1 小时内的视频数”的上限为 30 个（60 分钟内），已有 30 个。"
            "约 12 分钟后可以生成下一个。没有产生费用。要提高上限，请在“Kling 2.6”面板中修改预算。"
        ),
        (
            "Бюджет исчерпан: «Видео за час» — 30 за 60 мин, выполнено: 30. Следующее видео "
            "возможно примерно через 12 мин. Ничего не оплачено. Чтобы поднять предел, измените "
            "бюджет на панели «Kling 2.6»."
        ),
    ),
    (
        OutcomeUnknown(
            "kie.ai may have accepted this request and charged for it: no answer came (it took "
            "too long).",
            remedy=Remedy("adopt", page=LOGS),
        ),
        (
            "kie.ai may have accepted this request and charged for it: no answer came (it took "
            "too long). Look for it on https://kie.ai/logs. If it is there, give its id in the "
            "Kling 2.6 panel; if it is not, submit it again there."
        ),
        (
            "kie.ai 可能已接受该请求并扣费：没有收到答复（用时过长）。请在 https://kie.ai/logs "
            "上查找。如果在那里，请在“Kling 2.6”面板中填入它的编号；如果没有，请在面板中重新提交。"
        ),
        (
            "kie.ai, возможно, принял этот запрос и списал деньги: ответ не пришёл (слишком "
            "долго). Поищите видео на https://kie.ai/logs. Если оно там есть, укажите его номер "
            "на панели «Kling 2.6»; если нет, отправьте запрос оттуда ещё раз."
        ),
    ),
    (
        ResultUnavailable(
            "The video is finished at kie.ai and paid for, but could not be fetched: the link "
            "answered HTTP 403."
        ),
        (
            "The video is finished at kie.ai and paid for, but could not be fetched: the link "
            "answered HTTP 403. Run again with the same inputs to get it."
        ),
        (
            "视频已在 kie.ai 生成并付费，但未能取得：链接返回 HTTP 403。"
            "用相同的输入再次运行即可取得视频。"
        ),
        (
            "Видео готово в kie.ai и оплачено, но получить его не удалось: по ссылке получен "
            "ответ HTTP 403. Чтобы получить видео, запустите узел снова с теми же входами."
        ),
    ),
    (
        KeyRejected("kie.ai does not accept the key: Unknown key (code 401)."),
        (
            "kie.ai does not accept the key: Unknown key (code 401). Enter a key under Settings → "
            "Kling 2.6 (keys: https://kie.ai/api-key), or set KIE_API_KEY before you start "
            "ComfyUI."
        ),
        (
            "kie.ai 不接受该密钥：Unknown key（代码 401）。请在“设置 → Kling 2.6”中填写密钥"
            "（密钥页面：https://kie.ai/api-key），或在启动 ComfyUI 之前设置 KIE_API_KEY。"
        ),
        (
            "kie.ai не принимает ключ: Unknown key (код 401). Введите ключ в разделе «Настройки "
            "→ Kling 2.6» (ключи: https://kie.ai/api-key) или задайте KIE_API_KEY до запуска "
            "ComfyUI."
        ),
    ),
]


@pytest.mark.parametrize(
    ("error", "english", "chinese", "russian"), TOLD, ids=lambda each: type(each).__name__
)
def test_what_happened_and_what_helps_are_in_the_users_language(
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    error: Kling26Error,
    english: str,
    chinese: str,
    russian: str,
) -> None:
    monkeypatch.setenv("KLING26_HOME", "/home/a b")

    told = [error_text(words(each), error, registry["kie"]) for each in ("en", "zh", "ru")]

    assert told == [english, chinese, russian]


@pytest.mark.parametrize("language", sorted(languages()))
def test_no_path_of_the_machine_is_on_the_page(
    registry: Registry, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLING26_HOME", "/mnt/my disk/kling26")
    for error in (
        SettingsError('/mnt/my disk/kling26/config.toml sets "journal" twice.'),
        JournalError("The journal /mnt/my disk/kling26/journal.sqlite3 is damaged."),
        ImageRefused('The image "/home/me/fox.png" cannot be read: no such file.'),
        UnknownProvider("/etc/passwd, https://kie.ai/logs and C:\\Users\\me\\a.txt."),
    ):
        told = error_text(words(language), error, registry["kie"])

        assert not re.search(r"/mnt|/home|/etc|disk|Users", told)
        assert ("https://kie.ai/logs" in told) == isinstance(error, UnknownProvider)


@pytest.mark.parametrize("state", ["unknown", "succeeded", "failed", "cancelled", "refused"])
def test_the_error_of_a_task_in_the_journal_is_told_by_its_state(
    registry: Registry, state: str
) -> None:
    task = row(state, error="Xyzzy.")
    told = task_error(words("zh"), task, registry["kie"])

    assert task_error(words(), task, registry["kie"]) == "Xyzzy."
    assert (
        told
        == {
            "unknown": "尚不清楚 kie.ai 是否已接受请求。详情（英文）：Xyzzy.",
            "succeeded": "视频已生成完毕，但未能取得。详情（英文）：Xyzzy.",
            "failed": "kie.ai 未能生成视频。详情（英文）：Xyzzy.",
            "cancelled": "任务已被取消。详情（英文）：Xyzzy.",
            "refused": "出错了。详情（英文）：Xyzzy.",
        }[state]
    )
    assert task_error(words(), row(state), None) is None


def test_what_the_node_itself_refuses_is_in_the_users_language_already(registry: Registry) -> None:
    said = words("zh")
    refused = ImageRefused(error_texts.no_url(said))

    assert error_text(said, refused, registry["kie"]) == error_texts.no_url(said)
