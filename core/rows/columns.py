"""What the columns of a table mean."""

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from ..errors import UsageError
from ..options import OptionInfo, options_of, show
from ..provider import AUTO, Provider
from ..request import VideoRequest
from ..text import join_sentences, join_words, sanitize

#: The columns that a report adds to those of its rows.
REPORTED = ("task", "state", "file", "cost", "cost_unit", "cost_usd", "error")
#: What tells a row where to go, and its video.
_PLACES = ("provider", "output")
#: The number of a row, wherever that is given beside its columns.
ROW = "row"
#: What is for all rows at once, and would be taken for a label: a row that is to be a rehearsal
#: would be paid for.
OF_ALL = (
    "count", "dry_run", "jobs", "json", "max_cost", "max_tasks", "no_wait", "option", "quiet",
    "report", "sandbox", "timeout",
)  # fmt: skip
#: From which likeness on a name is taken for a misspelt one. Of those for all rows, a "country" is
#: no count, and a job has a name of its own.
_LIKENESS, _LIKENESS_OF_ALL = 0.8, 0.85
_SHORTEST = 4
#: What is not seen in a name, and some programs write.
_UNSEEN = re.compile("[\u200b-\u200d\u2060\ufeff]")

#: The fields of a request, by name.
FIELDS: Mapping[str, OptionInfo] = {info.name: info for info in options_of(VideoRequest)}


@frozen
class Columns:
    """
    The columns of a table, by what they mean, with their names: `own` are providers' own options.
    """

    fields: Mapping[str, str]
    own: Mapping[str, str]
    labels: Sequence[str]
    places: Mapping[str, str]

    @property
    def names(self) -> Sequence[str]:
        """What a row has, by the names that templates may use."""
        return [*self.fields, *self.own, *self.labels, *self.places]


def columns_of(
    names: Sequence[str],
    own: Collection[str],
    table: str,
    flag: Callable[[str], str] | None = None,
) -> Columns:
    """
    What columns mean, where `own` are the own options of the providers that rows are for.

    Neither capitals count, nor blanks, dashes and underscores between words. `flag` says how what
    is for all rows is given instead. Raises `UsageError` for a column that is nearly another, or is
    for all rows, for two that mean the same, and if there is none of prompts.
    """
    reported = set(REPORTED) if set(REPORTED) <= set(names) else set()
    known = [*FIELDS, *_PLACES, *own]
    spelled = {_folded(name): name for name in known}
    meant = {
        name: spelled.get(_folded(name), _folded(name)) for name in names if name not in reported
    }
    labels = [name for name, meaning in meant.items() if meaning not in known]
    problems = [_problem(name, known, flag) for name in labels]
    problems += _twice(meant, known)
    if "prompt" not in meant.values():
        problems.append("There is no column prompt")
    if any(problems):
        raise UsageError(join_sentences(f"{table} cannot be used.", *filter(None, problems)))
    found = {meaning: name for name, meaning in meant.items()}
    return Columns(
        fields={name: found[name] for name in FIELDS if name in found},
        own={name: found[name] for name in own if name in found and name not in FIELDS},
        labels=labels,
        places={name: found[name] for name in _PLACES if name in found},
    )


def column(names: Iterable[str], meaning: str) -> str | None:
    """The name of the column that means this, if there is one."""
    return next((name for name in names if _folded(name) == meaning), None)


def _twice(meant: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    for meaning in dict.fromkeys(meant.values()):
        alike = [name for name, other in meant.items() if other == meaning]
        if meaning in known and len(alike) > 1:
            yield f"The columns {join_words(map(show, alike), 'and')} mean the same; leave one"


def _problem(name: str, known: Iterable[str], flag: Callable[[str], str] | None) -> str:
    shown, folded = sanitize(name, 60), _folded(name)
    if folded == ROW:
        return f'The column "{shown}" is called like the number of a row; give it another name'
    if folded in OF_ALL:
        return f'The column "{shown}" is {_for_all(folded, flag)}'
    meant = difflib.get_close_matches(folded, known, n=1, cutoff=_LIKENESS)
    if not meant and len(folded) >= _SHORTEST:
        meant = difflib.get_close_matches(folded, OF_ALL, n=1, cutoff=_LIKENESS_OF_ALL)
    if not meant:
        return ""
    but = f" That is {_for_all(meant[0], flag)}" if meant[0] in OF_ALL else ""
    return f'The column "{shown}" is not known; did you mean "{meant[0]}"?{but}'


def _for_all(name: str, flag: Callable[[str], str] | None) -> str:
    """What to do instead of giving a row what is for all of them, worded to follow "is"."""
    if name == "count":
        return "not for tables: write a row for each video, with seeds of their own"
    if name == "option":
        return "not for tables: give each of a provider's own options a column of its own"
    how = "" if flag is None else f": give it as {flag(name)}"
    return f"for the whole batch and not for a row{how}, or give the column another name"


def _folded(name: str) -> str:
    seen = _UNSEEN.sub("", name)
    return "_".join(seen.casefold().replace("-", " ").replace("_", " ").split())


def own_options(
    names: Iterable[str], providers: Mapping[str, Provider]
) -> Mapping[str, OptionInfo]:
    """The own options of these providers, by name: of all of them for "auto"."""
    meant = set(names)
    return {
        info.name: info
        for name, provider in providers.items()
        if name in meant or AUTO in meant
        for info in options_of(provider.Options)
    }
