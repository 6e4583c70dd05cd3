"""What is said to a browser: where files are on this machine is nobody's business there."""

import re
from collections.abc import Iterable

from ..core.errors import Kling26Error
from ..core.settings import Settings
from ..core.text import sanitize

#: URLs, which are left alone; and paths from the root, in a user's home, of a drive or of a share.
_URL_OR_PATH = re.compile(
    r"(?P<url>\b(?!(?:sqlite|file):)[a-z][a-z0-9+.-]*://[^\s\"'<>]+)"
    r"|(?:\b(?:sqlite|file):/+|(?<![\w.~/\\])(?:[A-Za-z]:[\\/]|\\\\|~?/))"
    r"(?:[^\s\"'<>:;,/\\]+[\\/]+)*(?P<name>[^\s\"'<>:;,/\\]*)",
    re.IGNORECASE,
)


def public(text: str) -> str:
    """
    A text with bare names in place of the paths of this machine.

    >>> public("The budget: max_tasks_per_day in /home/me/.kling26/config.toml allows 3.")
    'The budget: max_tasks_per_day in config.toml allows 3.'
    """
    for home in _homes():
        # It may have blanks in its name, where a path cannot be told from words.
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "/kling26", text)
    return _URL_OR_PATH.sub(lambda found: found["url"] or found["name"] or found[0], text)


def bare(path: str) -> str:
    """The name of a file, however its path is written."""
    return re.split(r"[\\/]", path)[-1]


def _homes() -> Iterable[str]:
    try:
        home = Settings().home
    except Kling26Error:
        return ()
    spelled = {str(home), str(home.resolve())}
    return sorted(spelled | {sanitize(each) for each in spelled}, key=len, reverse=True)
