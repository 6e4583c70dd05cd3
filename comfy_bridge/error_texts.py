"""
What the node says of errors: what helps in ComfyUI, after what happened.

Core says what happened and, as data, what helps; which words that takes for the person in front of
ComfyUI is decided here, and `words` has them in every language.
"""

from collections.abc import Iterable, Mapping

from ..core.errors import (
    BudgetExceeded,
    ImageRefused,
    JournalBusy,
    Kling26Error,
    MissingKey,
    NotDelivered,
    OutcomeUnknown,
    Remedy,
    ResultUnavailable,
    TaskCancelled,
    TaskFailed,
)
from ..core.journal.task import Task
from ..core.options import show
from ..core.provider import Provider
from ..core.settings import PREFIX, Settings
from .figures import join, listed
from .pictures import writes_for
from .public import public
from .told import in_words
from .words import Said, Words


def error_text(
    words: Words, error: Kling26Error, provider: Provider | None, rehearsal: bool = False
) -> str:
    """
    What went wrong, and what to do about it in ComfyUI.

    `provider` is the one that it is about; None if that is any of them.
    """
    happened = what_happened(words, error, provider)
    return join(words, happened, *_what_helps(words, error, provider, rehearsal))


def what_happened(words: Words, error: Kling26Error, provider: Provider | None = None) -> str:
    """
    What core says, without paths of the machine.

    Where this language does not have it, of which kind the error is comes first.
    """
    if isinstance(error.message, Said):
        return error.message
    text = public(error.message)
    known = in_words(words, text)
    if known is not None:
        return known
    name = words("provider.any") if provider is None else provider.title
    kind = next(each.__name__ for each in type(error).__mro__ if f"kind.{each.__name__}" in words)
    return words("kind.details", kind=words(f"kind.{kind}", provider=name), text=text)


def task_error(words: Words, task: Task, provider: Provider | None) -> str | None:
    """What the journal says went wrong with a task; None if nothing has."""
    kind = _KINDS.get(task.state, Kling26Error)
    return None if task.error is None else what_happened(words, kind(task.error), provider)


_KINDS: Mapping[str, type[Kling26Error]] = {
    "unknown": OutcomeUnknown,
    "succeeded": ResultUnavailable,
    "failed": TaskFailed,
    "cancelled": TaskCancelled,
}


def _what_helps(
    words: Words, error: Kling26Error, provider: Provider | None, rehearsal: bool
) -> Iterable[str]:
    remedy = error.remedy
    if isinstance(error, JournalBusy):
        return [words("help.again")]
    if isinstance(error, BudgetExceeded):
        paid = words("help.nothing_paid") if error.task is None else ""
        return [paid, _raise_limit(words, error.setting)]
    if isinstance(error, ImageRefused):
        return [words("help.use_url")] if _needs_url(error, provider) else []
    if remedy is None:
        return []
    if rehearsal:
        return _after_rehearsal(words, error, remedy)
    if isinstance(error, MissingKey):
        return [_set_key(words, remedy, provider), words("help.sandbox")]
    if isinstance(error, NotDelivered) and remedy.do not in ("resume", "adopt", "resubmit"):
        return [_advice(words, remedy, provider), words("help.get")]
    return [_advice(words, remedy, provider)]


def _advice(words: Words, remedy: Remedy, provider: Provider | None) -> str:
    if remedy.do == "set_key":
        return _set_key(words, remedy, provider)
    if remedy.do in ("adopt", "resubmit"):
        return _look(words, remedy, provider)
    if remedy.do == "top_up":
        return _of_account(words, "help.top_up", provider)
    if remedy.do == "resume":
        return words("help.find", page=remedy.page) if remedy.page else words("help.get")
    return words("help.later") if remedy.do == "wait" else ""


def _after_rehearsal(words: Words, error: Kling26Error, remedy: Remedy) -> Iterable[str]:
    """What helps after a rehearsal: an emulator's reasons are made up, and cost nothing."""
    if not isinstance(error, NotDelivered):
        return []
    lost = remedy.do in ("adopt", "resubmit")
    return [words("help.rehearse_another" if lost else "help.get")]


def _of_account(words: Words, key: str, provider: Provider | None) -> str:
    return words(f"{key}_any") if provider is None else words(key, provider=provider.title)


def _set_key(words: Words, remedy: Remedy, provider: Provider | None) -> str:
    if provider is None:  # None of them has a key, as the error says.
        return words("help.key.any")
    page, variable = remedy.page or provider.key_page, remedy.variable or provider.key_variable
    keys = words("help.key.page", page=page) if page else ""
    environ = Settings().environ
    for there in provider.key_variables:
        if environ.get(there):
            # It takes precedence over a stored key, so the settings page does not take one.
            return words("help.key.environment", variable=there, page=keys)
    return words("help.key.settings", variable=variable, page=keys)


def _look(words: Words, remedy: Remedy, provider: Provider | None) -> str:
    """What to do about a task if it is unknown whether the provider has it."""
    if provider is not None and provider.can("find"):
        return words("help.unknown.find")
    if remedy.page:
        return words("help.unknown.page", page=remedy.page)
    return _of_account(words, "help.unknown.account", provider)


def _raise_limit(words: Words, setting: str) -> str:
    """How to raise a limit of the budget; the environment goes before what the panel sets."""
    variable = f"{PREFIX}{setting.upper()}"
    where = "environment" if Settings().environ.get(variable) else "panel"
    return words(f"help.limit.{where}", variable=variable)


def _needs_url(error: ImageRefused, provider: Provider | None) -> bool:
    """Whether the provider takes no file that this node can write as the image to start from."""
    return error.option == "image" and provider is not None and not writes_for(provider)


# -- inputs that make no sense -----------------------------------------------------------------


def no_url(words: Words) -> str:
    return words("inputs.no_url")


def two_images(words: Words) -> str:
    return words("inputs.two_images")


def choose_provider(words: Words, names: Iterable[str], asked: object) -> str:
    known = listed(words, list(names), "or")
    if asked in ("", None):
        return words("inputs.choose", names=known)
    plain = isinstance(asked, str | int | float | list | Mapping)
    value = show(asked) if plain else type(asked).__name__
    return words("inputs.provider", names=known, value=value)


def absent_provider(words: Words, error: Kling26Error, reasons: Iterable[str]) -> str:
    """For a provider that is not installed; `reasons` say why its plug-in was left out."""
    return join(words, what_happened(words, error), words("inputs.absent"), *reasons)
