"""
What the node says of errors: what helps in ComfyUI, after what happened.

Core says what happened and, as data, what helps; the words for the person in front of ComfyUI are
here.
"""

from collections.abc import Iterable, Mapping

from ..core.errors import (
    BudgetExceeded,
    ImageRefused,
    JournalBusy,
    Kling26Error,
    MissingKey,
    NotDelivered,
    Remedy,
)
from ..core.provider import Provider
from ..core.settings import PREFIX, Settings
from ..core.text import join_sentences, join_words, sanitize
from .pictures import writes_for
from .texts import GET


def error_text(error: Kling26Error, provider: Provider | None, rehearsal: bool = False) -> str:
    """
    What went wrong, and what to do about it in ComfyUI.

    `provider` is the one that it is about; None if that is any of them.
    """
    return join_sentences(str(error), *_what_helps(error, provider, rehearsal))


def _what_helps(error: Kling26Error, provider: Provider | None, rehearsal: bool) -> Iterable[str]:
    remedy = error.remedy
    if isinstance(error, JournalBusy):
        return ["Run again."]
    if isinstance(error, BudgetExceeded):
        paid = "Nothing was paid." if error.task is None else ""
        return [paid, _raise_limit(error.setting)]
    if isinstance(error, ImageRefused):
        return [_USE_URL] if _needs_url(error, provider) else []
    if remedy is None:
        return []
    if rehearsal:
        return _after_rehearsal(error, remedy)
    if isinstance(error, MissingKey):
        return [_set_key(remedy, provider), "To try the node without a key, turn sandbox on."]
    if isinstance(error, NotDelivered) and remedy.do not in ("resume", "adopt", "resubmit"):
        return [_advice(remedy, provider), GET]
    return [_advice(remedy, provider)]


def _advice(remedy: Remedy, provider: Provider | None) -> str:
    if remedy.do == "set_key":
        return _set_key(remedy, provider)
    if remedy.do in ("adopt", "resubmit"):
        return _look(remedy, provider)
    if remedy.do == "top_up":
        return f"Top up {_account(provider)} and run again."
    if remedy.do == "resume" and remedy.page is not None:
        return f"Check {remedy.page}, or run again with the same inputs to look for it."
    return _ADVICE.get(remedy.do, "")


_ADVICE: Mapping[str, str] = {"wait": "Run again later.", "resume": GET}


def _after_rehearsal(error: Kling26Error, remedy: Remedy) -> Iterable[str]:
    """What helps after a rehearsal: an emulator's reasons are made up, and cost nothing."""
    if not isinstance(error, NotDelivered):
        return []
    lost = remedy.do in ("adopt", "resubmit")
    return ["Change the seed and run again to rehearse another one." if lost else GET]


def _account(provider: Provider | None) -> str:
    return "the account" if provider is None else f"your account at {provider.title}"


def _set_key(remedy: Remedy, provider: Provider | None) -> str:
    if provider is None:  # None of them has a key, as the error says.
        return "Or enter a key under Settings → Kling 2.6."
    page, variable = remedy.page or provider.key_page, remedy.variable or provider.key_variable
    keys = f" (keys: {page})" if page else ""
    environ = Settings().environ
    for there in provider.key_variables:
        if environ.get(there):
            # It takes precedence over a stored key, so the settings page does not take one.
            return f"Set {there} to another key{keys} and restart ComfyUI."
    return (
        f"Enter a key under Settings → Kling 2.6{keys}, or set {variable} before you start ComfyUI."
    )


def _look(remedy: Remedy, provider: Provider | None) -> str:
    """What to do about a task if it is unknown whether the provider has it."""
    if provider is not None and provider.can("find"):
        return (
            "Run again with the same inputs to look for it at no cost; another seed makes a new "
            "video."
        )
    return (
        f"Check {remedy.page or _account(provider)}. If the video is not there, "
        "change the seed and run again to make a new one."
    )


def _raise_limit(setting: str) -> str:
    """How to raise a limit of the budget; the environment goes before the file."""
    variable = f"{PREFIX}{setting.upper()}"
    if Settings().environ.get(variable):
        return f'To raise that limit, change {variable} ("none" is no limit) and restart ComfyUI.'
    return (
        f"To raise that limit, set {setting} in config.toml in kling26's home folder to another "
        f'number, or to "none" for no limit, and run again; or set {variable} before you start '
        "ComfyUI."
    )


_USE_URL = "Put the image on a public https:// page and enter its URL as image_url."


def _needs_url(error: ImageRefused, provider: Provider | None) -> bool:
    """Whether the provider takes no file that this node can write as the image to start from."""
    return error.option == "image" and provider is not None and not writes_for(provider)


# -- inputs that make no sense -----------------------------------------------------------------

NO_URL = (
    "image_url must be the https:// URL of an image; for a file, use Load Image and the image "
    "input."
)
TWO_IMAGES = "There are two images to start from: disconnect image, or empty image_url."


def choose_provider(names: Iterable[str], asked: object) -> str:
    known = f"Choose a provider: {join_words(names)}."
    return f'{known} Got "{sanitize(asked, 60)}".' if asked else known


def absent_provider(error: Kling26Error, reasons: Iterable[str]) -> str:
    """For a provider that is not installed; `reasons` say why its plug-in was left out."""
    todo = "Choose another one, or install its plug-in and restart ComfyUI."
    return join_sentences(str(error), todo, *reasons)
