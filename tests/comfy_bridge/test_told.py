"""Core's sentences in Chinese and Russian: every form is really one of core's, and is read."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from attrs import evolve
from kling26.comfy_bridge.told import in_words
from kling26.comfy_bridge.words import words
from kling26.core import Kling26Error, VideoRequest
from kling26.core.errors import KeyRejected, OutOfCredit, Refused, TryLater, Unavailable
from kling26.core.images import ImageFile
from kling26.core.keys import Keys
from kling26.core.plugins import Registry
from kling26.core.rehearsal import emulator
from kling26.core.runner import auto, fetch, order, settle, unclear
from kling26.core.settings import Settings
from kling26.core.spending import Budget, Payment, Spent, caveat, check
from kling26.core.validation import validate

from .conftest import row

ROOT = Path(__file__).parents[2]
FOX = VideoRequest("A fox")
REPLY = httpx.Response(400)
#: How core names a limit that is set in the file: by its path, too.
IN_FILE = '"max_tasks_per_hour" in /home/a b/config.toml'
DEFAULT = "the default of KLING26_MAX_TASKS_PER_HOUR"
BY_DEFAULT = Budget(max_tasks_per_hour=1, sources={"max_tasks_per_hour": DEFAULT})
SPENT = Spent((Payment(60.0, 0.275), Payment(600.0, 0.275)))


def said(work: Callable[[], object]) -> str:
    """What core says of work that fails."""
    with pytest.raises(Kling26Error) as caught:
        work()
    return str(caught.value)


def budget(budget: Budget, price: float | None = 0.5, spent: Spent = SPENT) -> str:
    return said(lambda: check(budget, spent, price))


def asked(registry: Registry, name: str, options: Mapping[str, object] = {}, **more: Any) -> str:
    """What a provider's checks say of a request for a fox that differs in this."""
    return said(lambda: validate(registry[name], evolve(FOX, **more), options))


def refusals(registry: Registry) -> Iterator[tuple[str, str, str]]:
    """What providers say, and an emulator; their own words stay as they are."""
    kie = registry["kie"]
    yield (
        str(kie.error(Refused, REPLY, "No cats. Ever", 422)),
        "kie.ai 拒绝了请求：No cats. Ever（代码 422）。",
        "kie.ai отклонил запрос: No cats. Ever (код 422).",
    )
    yield (
        f"{kie.error(KeyRejected, REPLY, None, 401)} Nothing was paid.",
        "kie.ai 不接受该密钥：未说明原因（代码 401）。没有产生费用。",
        "kie.ai не принимает ключ: причина не указана (код 401). Ничего не оплачено.",
    )
    yield (
        str(kie.error(OutOfCredit, REPLY, "Too little.")),
        "kie.ai 账户余额不足：Too little.",
        "На счёте в kie.ai недостаточно средств: Too little.",
    )
    yield (
        f"{emulator(kie).error(TryLater, REPLY, None)} Trying again in 5 s.",
        "kie.ai 模拟器暂时不接受请求：未说明原因。5 秒后重试。",
        (
            "kie.ai (эмулятор) сейчас не принимает запросы: причина не указана. "
            "Следующая попытка через 5 с."
        ),
    )
    yield (
        str(kie.error(Unavailable, REPLY, "维护中", 500)),
        "kie.ai 暂时不可用：维护中（代码 500）。",
        "kie.ai временно недоступен: 维护中 (код 500).",
    )


def budgets(_: Registry) -> Iterator[tuple[str, str, str]]:
    yield (
        budget(
            Budget(
                max_tasks_per_hour=2,
                sources={"max_tasks_per_hour": IN_FILE},
            )
        ),
        (
            "预算已用完：“1 小时内的视频数”的上限为 2 个（60 分钟内），已有 2 个。"
            "约 50 分钟后可以生成下一个。"
        ),
        (
            "Бюджет исчерпан: «Видео за час» — 2 за 60 мин, выполнено: 2. "
            "Следующее видео возможно примерно через 50 мин."
        ),
    )
    yield (
        budget(Budget(max_tasks_per_day=1)),
        (
            "预算已用完：“24 小时内的视频数”的上限为 1 个（24 小时内），已有 2 个。"
            "约 24 小时后可以生成下一个。"
        ),
        (
            "Бюджет исчерпан: «Видео за 24 часа» — 1 за 24 ч, выполнено: 2. "
            "Следующее видео возможно примерно через 24 ч."
        ),
    )
    yield (
        budget(BY_DEFAULT, spent=Spent((Payment(60.0, 0.275),))),
        (
            "预算已用完：“1 小时内的视频数”的上限为 1 个（60 分钟内），已有 1 个。"
            "约 59 分钟后可以生成下一个。"
        ),
        (
            "Бюджет исчерпан: «Видео за час» — 1 за 60 мин, выполнено: 1. "
            "Следующее видео возможно примерно через 59 мин."
        ),
    )
    yield (
        budget(Budget(max_cost_per_day=1.0)),
        (
            "预算不允许生成这个视频，其价格为 0.50 美元："
            "“24 小时内的费用（美元）”的上限为 1.00 美元（24 小时内），"
            "已花费或预留 0.55 美元。约 24 小时后可以生成。"
        ),
        (
            "Бюджет не позволяет создать это видео за 0,50 $: «Доллары за 24 часа» — 1,00 $ за "
            "24 ч, потрачено или отложено 0,55 $. Это будет возможно примерно через 24 ч."
        ),
    )
    yield (
        budget(Budget(max_cost_per_day=0.6), None, evolve(SPENT, dearest=2.0)),
        (
            "预算不允许生成这个视频；其价格未知，按已知最高价 2.00 美元计："
            "“24 小时内的费用（美元）”的上限为 0.60 美元"
            "（24 小时内），已花费或预留 0.55 美元。"
        ),
        (
            "Бюджет не позволяет создать это видео; его цена неизвестна и принята равной самой "
            "высокой известной, 2,00 $: «Доллары за 24 часа» — 0,60 $ за 24 ч, потрачено или "
            "отложено 0,55 $."
        ),
    )
    yield (
        budget(Budget(max_tasks_per_hour=0)),
        "预算不允许为任何视频付费：“1 小时内的视频数”为 0。",
        "Бюджет не позволяет платить ни за одно видео: «Видео за час» — 0.",
    )
    yield (
        caveat(Budget(max_cost_per_day=1.0), Spent(), None) or "",
        "这个视频和以往视频的价格都未知，因此“24 小时内的费用（美元）”无法生效：只能限制任务数。",
        (
            "Цена этого и прежних видео неизвестна, поэтому «Доллары за 24 часа» не действует: "
            "ограничить можно только число задач."
        ),
    )


def inputs(registry: Registry) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a request; the inputs have the names that the node shows."""
    gif = ImageFile((ROOT / "example_workflows/Kling 2.6 text to video.jpg").read_bytes())
    yield (
        asked(registry, "kie", duration=7),
        "kie.ai：“时长”应为 5 或 10；当前为 7。",
        "kie.ai: «Длительность» — допустимо: 5 или 10; получено: 7.",
    )
    yield (
        asked(registry, "kie", prompt=" "),
        "kie.ai：“提示词”不能为空。",
        "kie.ai: поле «Промпт» не должно быть пустым.",
    )
    yield (
        asked(registry, "kie", prompt="x" * 9999),
        "kie.ai：“提示词”应为不超过 2500 个字符（文生视频）；当前为 9999。",
        "kie.ai: «Промпт» — допустимо: не длиннее 2500 символов (видео по тексту); получено: 9999.",
    )
    yield (
        asked(registry, "kie", image=ImageFile(b"no picture")),
        "kie.ai：“图像”应为 JPEG、PNG 或 WEBP；该文件不是可读取的图片。",
        "kie.ai: «Картинка» — допустимо: JPEG, PNG или WEBP; этот файл не читается как картинка.",
    )
    yield (
        asked(registry, "kie", image=ImageFile(gif.data[:2000])),
        "kie.ai：“图像”必须是完整的图片；该文件已损坏或不完整。",
        "kie.ai: «Картинка» — нужна целая картинка; этот файл повреждён или неполон.",
    )
    yield (
        asked(registry, "kie", image="https://a.example/1", end_image="https://a.example/2"),
        "kie.ai：不支持“结束图像”；请去掉它，或选择其他服务商。",
        "kie.ai: «Конечная картинка» не поддерживается; уберите её или выберите другой сервис.",
    )
    yield (
        asked(
            registry,
            "cometapi",
            sound=True,
        ),
        "CometAPI：“声音”需要 pro 模式；请将“模式”设为 pro，或关闭声音。",
        "CometAPI: для звука нужен режим pro; выберите его или выключите звук.",
    )
    yield (
        asked(registry, "kie", {"mood": "grim"}),
        "kie.ai 没有选项“mood”，也没有其他自有选项。",
        "У kie.ai нет параметра «mood» и нет собственных параметров.",
    )
    yield (
        said(lambda: registry["acme"]),
        "没有服务商“acme”。已安装：kie、apikley、cometapi 和 runcomfy。",
        "Нет сервиса «acme». Установлены: kie, apikley, cometapi и runcomfy.",
    )


def tasks(registry: Registry) -> Iterator[tuple[str, str, str]]:
    """What becomes of tasks."""
    kie = registry["kie"]
    context: Any = SimpleNamespace(provider=kie)
    lost = "it answered HTTP 502. It sent a web page."
    yield (
        str(settle.unknown(context, lost)),
        "kie.ai 可能已接受该请求并扣费：答复为 HTTP 502。答复是一个网页。",
        (
            "kie.ai, возможно, принял этот запрос и списал деньги: ответ: HTTP 502. "
            "Ответом была веб-страница."
        ),
    )
    context = SimpleNamespace(provider=emulator(kie))
    yield (
        str(settle.unknown(context, "no answer came (it took too long)")),
        "kie.ai 模拟器可能已接受该请求：没有收到答复（用时过长）。",
        "kie.ai (эмулятор), возможно, принял этот запрос: ответ не пришёл (слишком долго).",
    )
    context = SimpleNamespace(provider=kie)
    yield (
        str(fetch._unavailable(context, "the link answered HTTP 403")),
        "视频已在 kie.ai 生成并付费，但未能取得：链接返回 HTTP 403。",
        (
            "Видео готово в kie.ai и оплачено, но получить его не удалось: "
            "по ссылке получен ответ HTTP 403."
        ),
    )
    yield (
        said(lambda: unclear.check_unknown(row("submitted"))),
        "任务 k1 的状态是“已提交”；只有状态不明的任务才能重新提交。",
        "Задача k1 отправлена; отправить ещё раз можно только задачу с неизвестным исходом.",
    )
    yield (
        said(lambda: Keys(Settings()).need(kie)),
        "kie.ai 需要 API 密钥。",
        "Для kie.ai нужен ключ API.",
    )
    yield (
        str(auto._no_key([SimpleNamespace(provider=kie)], ["There is no API key for kie.ai."])),
        "没有 kie.ai 的 API 密钥。请设置 KIE_API_KEY。",
        "Нет ключа API для kie.ai. Задайте KIE_API_KEY.",
    )
    yield (
        str(order._taken_by_none([kie.option_refused("prompt", "prompt must not be empty.")])),
        "没有服务商接受这个请求。kie.ai：“提示词”不能为空。",
        "Ни один сервис не принимает такой запрос. kie.ai: поле «Промпт» не должно быть пустым.",
    )


def _by_name(english: str) -> str:
    """A sentence with the panel's names for the limits of the budget."""
    for core in (IN_FILE, DEFAULT, "max_tasks_per_hour"):
        english = english.replace(core, '"Videos in an hour"')
    english = english.replace("max_tasks_per_day", '"Videos in 24 hours"')
    return english.replace("max_cost_per_day", '"Dollars in 24 hours"')


@pytest.mark.parametrize("of", [refusals, budgets, inputs, tasks])
def test_what_core_says_is_read_as_a_whole(
    registry: Registry, of: Callable[[Registry], Iterator[tuple[str, str, str]]]
) -> None:
    for english, chinese, russian in of(registry):
        assert in_words(words(), english) == _by_name(english)
        assert in_words(words("zh"), english) == chinese
        assert in_words(words("ru"), english) == russian


def test_a_limit_of_the_environment_keeps_the_name_of_its_variable() -> None:
    variable = "KLING26_MAX_TASKS_PER_HOUR"
    english = budget(Budget(max_tasks_per_hour=2, sources={"max_tasks_per_hour": variable}))

    for language in ("en", "zh", "ru"):
        assert variable in str(in_words(words(language), english))


@pytest.mark.parametrize("language", ["en", "zh", "ru"])
@pytest.mark.parametrize("name", ["max_tasks_per_hour", "max_tasks_per_day", "max_cost_per_day"])
def test_a_limit_has_the_name_that_the_panel_gives_it(language: str, name: str) -> None:
    told = words(language)

    assert told(f"setting.{name}").strip('"“”«»') == told(f"panel.budget.{name}")


@pytest.mark.parametrize("text", ["", "No.", "Do 5 s", "x. " * 40, "kie.ai refused", "a" * 9999])
def test_what_core_does_not_say_is_not_read(text: str) -> None:
    assert in_words(words("zh"), text) is None


FORMS = [(key, text) for key, text in words().all().items() if key.startswith(("core.", "part."))]


@pytest.fixture(scope="module")
def source() -> str:
    """All of core's code, with the strings that are split over lines in one piece."""
    files = [*(ROOT / "core").rglob("*.py"), *(ROOT / "providers").glob("*.py")]
    code = "\n".join(path.read_text("utf-8") for path in files)
    return re.sub(r"\"\s*\n?\s*f?\"", "", code).replace("''", "")


def test_every_form_is_one_of_cores(source: str) -> None:
    """Some are put together from a few pieces, such as what is paid."""
    for key, text in FORMS:
        for piece in re.split(r"\{\w+\}", text):
            assert _pieces(piece.strip(" .:;,()\"'"), source) <= 4, (key, piece)


def _pieces(text: str, source: str) -> int:
    count = 0
    while text:
        length = len(text)
        while text[:length] not in source:
            length -= 1
        text, count = text[length:], count + 1
    return count


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_every_form_is_read_in_every_language(language: str) -> None:
    for key, text in FORMS:
        if key.startswith("core."):
            filled = re.sub(r"\{(\w+)\}", lambda found: _example(found[1]), text)
            told = in_words(words(language), filled)
            assert told, key
            assert not re.search(r"\{\w+\}", told), key


def _example(name: str) -> str:
    return {"size": "1.5 of 8.0 MB", "span": "5 min", "numbers": "5 or 10"}.get(
        name, "3" if name in ("number", "done", "total", "count", "most") or "usd" in name else "X"
    )
