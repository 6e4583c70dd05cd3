"""The home folder: where it is, and how it is made for its owner alone."""

import errno
import os
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from .errors import SettingsError
from .machine import check_files, lack
from .pasted import plain
from .text import reason, sanitize

#: Variables that no shell has replaced, URLs, and, elsewhere than on Windows, its drives.
_UNEXPANDED = re.compile(
    r"^(\$\w|\$\{|%\w+%|\w+://)" + ("" if os.name == "nt" else r"|^[A-Za-z]:[\\/]")
)
_REMEDY = "Set KLING26_HOME to a folder that you may write to."


def find_home(environ: Mapping[str, str]) -> Path:
    """
    The folder that KLING26_HOME names, or else the user's usual one; it need not exist.

    Raises `SettingsError` if there can be no such folder.
    """
    chosen = plain(environ.get("KLING26_HOME", ""))
    home = _chosen(chosen) if chosen else _usual()
    if os.path.islink(home) and not os.path.exists(home):
        raise SettingsError(
            f"The home folder {sanitize(home)} is a link that leads nowhere. {_REMEDY}"
        )
    return home


def _chosen(name: str) -> Path:
    said = f'KLING26_HOME is "{sanitize(name, 100)}", but'
    if any(unicodedata.category(letter) == "Cc" for letter in name):
        raise SettingsError(
            f"{said} the name of a folder has no line breaks or control characters. {_REMEDY}"
        )
    if _UNEXPANDED.search(name):
        raise SettingsError(f"{said} that is no path on this machine. {_REMEDY}")
    try:
        return Path(name).expanduser().absolute()
    except RuntimeError as error:
        raise SettingsError(f"{said} there is no such user. {_REMEDY}") from error
    except FileNotFoundError as error:
        raise SettingsError(
            f"{said} the working folder, which that is relative to, has been deleted. {_REMEDY}"
        ) from error


def _usual() -> Path:
    import platformdirs  # Only needed for the default.

    try:
        home = Path(platformdirs.user_data_dir("kling26", appauthor=False))
    except RuntimeError:
        home = Path()
    # Without a home folder, earlier versions of platformdirs return "~/…" as it is.
    if not home.is_absolute():
        raise SettingsError(
            "This user has no home folder for the journal, the keys and the videos of kling26. "
            f"{_REMEDY}"
        )
    return home


def make_private(folder: Path) -> None:
    """
    Make a folder, and all that is missing above it, for the owner alone; raises `OSError`.

    One that is there keeps its mode, for it may have been made for a group of people. What nobody
    else may read in it, the keys and the receipts, is for its owner alone in any case.
    """
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_private(folder.parent)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if folder.is_dir():  # Another process has made it at the same moment.
            return
        link = "it is a link that leads nowhere"
        raise NotADirectoryError(
            errno.ENOTDIR, "it is not a folder" if folder.exists() else link, str(folder)
        ) from None


def advise(problem: str, error: OSError) -> str:
    """A problem with the home folder, or a file in it, as a sentence, and what to do about it."""
    if (lacking := lack(error)) is not None:
        return f"{problem}. {lacking}"
    return f"{problem}: {reason(error)}. {remedy(error.errno)}".strip()


def advise_of_file(path: Path, what: str, error: OSError) -> str:
    """A file in the home folder cannot be read or written: if that is its own fault, only that."""
    problem = f"{sanitize(path)} cannot be {what}"
    if lack(error) is None and (
        error.errno == errno.ELOOP or (what == "read" and os.path.lexists(path))
    ):
        return f"{problem}: {reason(error)}."
    return advise(problem, error)


def remedy(number: int | None) -> str:
    """What to do about an error of the system in the home folder; empty if nobody can say."""
    try:
        check_files()  # SQLite does not say why it cannot open one.
    except OSError as error:
        return lack(error) or ""
    if number in _DISK_FULL:
        return "Make room on that disk, or set KLING26_HOME to a folder on another one."
    return "" if number in _OTHER_REASONS else _REMEDY


_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
#: Not an ordinary file (see `NotAFile`), and a home that was moved while it was in use.
_OTHER_REASONS = (errno.EINVAL, errno.ESTALE)
