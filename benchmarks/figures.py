"""A figure that was measured, the bound it is held against, and the tables of them."""

import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import attrs
import psutil
from attrs import frozen

#: What a bound is held against: no more than it, or no less.
_SIGNS = {"most": "≤", "least": "≥"}
#: What the figures depend on.
LIBRARIES = ("anyio", "attrs", "httpcore", "httpx", "pluggy", "sqlalchemy", "stamina")


@frozen
class Figure:
    """
    What was measured: `value` in `unit`, which is to be at `most` or at `least` its `bound`.

    `detail` says what it was computed from; `peers` are other projects' figures, in words.
    """

    name: str
    value: float
    unit: str
    bound: float
    kind: str = "most"
    detail: str = ""
    peers: str = ""

    @property
    def met(self) -> bool:
        return self.value <= self.bound if self.kind == "most" else self.value >= self.bound

    @property
    def measured(self) -> str:
        return _with_unit(
            f"{self.value:.3g}" if self.value < 1000 else f"{self.value:.0f}", self.unit
        )

    @property
    def bounded(self) -> str:
        return f"{_SIGNS[self.kind]} {_with_unit(f'{self.bound:g}', self.unit)}"


def _with_unit(number: str, unit: str) -> str:
    return f"{number} {unit}".rstrip()


def table(figures: Iterable[Figure]) -> str:
    """The figures as lines of a terminal."""
    rows = [(each.name, each.measured, each.bounded, _verdict(each)) for each in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )


def _verdict(figure: Figure) -> str:
    return "met" if figure.met else "NOT MET"


def report(figures: Sequence[Figure]) -> dict[str, object]:
    """The figures, the machine and the versions, as JSON."""
    return {
        "date": date.today().isoformat(),  # noqa: DTZ011 - the day where it was measured.
        "machine": machine(),
        "commit": _commit(),
        "figures": [{**attrs.asdict(each), "met": each.met} for each in figures],
    }


def machine() -> Mapping[str, object]:
    return {
        "cores": psutil.cpu_count(),
        "processor": _processor(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "load": round(psutil.getloadavg()[0], 1),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line[:10] == "model name"), "")


def _commit() -> str:
    line = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def say(line: str) -> None:
    """Tell of the progress."""
    print(line, file=sys.stderr, flush=True)


# -- docs/performance.md -----------------------------------------------------------------------

_BEGIN, _END = "<!-- figures: benchmarks/run --write -->", "<!-- end of figures -->"


def markdown(data: Mapping[str, object]) -> str:
    """The table of the documentation, from what `report` returned."""
    measured = data["figures"]
    assert isinstance(measured, list)
    figures = [Figure(**{name: each[name] for name in _NAMES}) for each in measured]
    lines = [
        _BEGIN,
        "",
        _where(data),
        "",
        "| what | measured | bound | | others |",
        "|---|---|---|---|---|",
    ]
    for each in figures:
        detail = f"<br>{each.detail}" if each.detail else ""
        verdict = "met" if each.met else "**not met**"
        lines.append(
            f"| {each.name}{detail} | {each.measured} | {each.bounded} | {verdict} | {each.peers} |"
        )
    return "\n".join([*lines, "", _END])


_NAMES = [each.name for each in attrs.fields(Figure)]


def _where(data: Mapping[str, object]) -> str:
    on = data["machine"]
    assert isinstance(on, dict)
    return (
        f"Measured on {data['date']}: {on['cores']} cores ({on['processor']}), "
        f"{on['memory_gib']} GiB, {on['system']}, Python {on['python']}, "
        f"httpx {on['libraries']['httpx']}, SQLAlchemy {on['libraries']['sqlalchemy']}. "
        f"The load was {on['load']} when it ended."
    )


def with_table(page: str, data: Mapping[str, object]) -> str:
    """A page of the documentation with the table in its place."""
    before, _, rest = page.partition(_BEGIN)
    return before + markdown(data) + rest.partition(_END)[2]
