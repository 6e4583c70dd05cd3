"""What the columns of a table mean."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

from attrs import frozen

from ..errors import UsageError
from ..options import OptionInfo, options_of
from ..provider import AUTO, Provider
from ..request import VideoRequest
from ..text import join_sentences, sanitize

#: The columns that a report adds to those of its rows.
REPORTED = ("task", "state", "file", "cost", "cost_unit", "cost_usd", "error")
#: What tells a row where to go, and its video.
_PLACES = ("provider", "output")
#: The number of a row, wherever that is given beside its columns.
ROW = "row"
#: From which likeness on a name is taken for a misspelt one.
_LIKENESS = 0.8

#: The fields of a request, by name.
FIELDS: Mapping[str, OptionInfo] = {info.name: info for info in options_of(VideoRequest)}


@frozen
class Columns:
    """The columns of a table, by what they mean: `own` are the providers' own options."""

    fields: Sequence[str]
    own: Sequence[str]
    labels: Sequence[str]
    #: Whether it is a report, whose results are not read again.
    is_report: bool


def columns_of(names: Sequence[str], own: Collection[str], table: str) -> Columns:
    """
    What columns mean, where `own` are the own options of the providers that rows are for.

    Raises `UsageError` for one that is nearly another, and if there is none of prompts.
    """
    is_report = set(REPORTED) <= set(names)
    known = {*FIELDS, *_PLACES, *own, *(REPORTED if is_report else ())}
    labels = [name for name in names if name not in known]
    problems = [_problem(name, [*FIELDS, *_PLACES, *own]) for name in labels]
    if "prompt" not in names:
        problems.append("There is no column prompt")
    if any(problems):
        raise UsageError(join_sentences(f"{table} cannot be used.", *filter(None, problems)))
    return Columns(
        fields=[name for name in names if name in FIELDS],
        own=[name for name in names if name in own and name not in FIELDS],
        labels=labels,
        is_report=is_report,
    )


def _problem(name: str, known: Iterable[str]) -> str:
    shown = sanitize(name, 60)
    if name == ROW:
        return f'The column "{ROW}" is called like the number of a row; give it another name'
    meant = difflib.get_close_matches(_folded(name), known, n=1, cutoff=_LIKENESS)
    return f'The column "{shown}" is not known; did you mean "{meant[0]}"?' if meant else ""


def _folded(name: str) -> str:
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


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
