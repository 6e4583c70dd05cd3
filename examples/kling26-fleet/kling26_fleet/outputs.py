"""Where the videos of rows are written: paths that are the same on every machine."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from kling26.core import OutputRefused, Row, UsageError

#: What some file system or other does not take in a name, and what would lead to another folder.
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]+|^[.~ ]+|[. ]+$')


def output_of(row: Row, number: int, provider: str, template: str | None) -> Path | None:
    """A row's own output, or that of a `template`; raises `OutputRefused`."""
    text = template if row.output is None else str(row.output)
    if text is None:
        return None
    names: dict[str, str | int] = {**row.labels, "provider": provider}
    names = {name: _UNSAFE.sub("_", str(value))[:100] for name, value in names.items()}
    try:
        path = Path(text.format_map({**names, "row": number, "seed": row.request.seed}))
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise OutputRefused(f'The output "{text}" cannot be filled in ({error}).') from None
    return path.expanduser().absolute()


def make_folders(outputs: Sequence[Path]) -> None:
    """Make the folders of outputs; raises `UsageError` if two of these are one file, or cannot."""
    taken: dict[str, Path] = {}
    for path in outputs:
        # Some file systems ignore capitals and accents.
        key = unicodedata.normalize("NFC", str(path)).casefold()
        if key in taken:
            raise UsageError(f'Two rows would be written to "{path}"; put {{row}} into --output.')
        taken[key] = path
    try:
        for folder in {path.parent for path in outputs}:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputRefused(f"The folder of an output cannot be made: {error}.") from error
