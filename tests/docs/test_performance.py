"""The table of docs/performance.md is the one that benchmarks/run wrote."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the table, which is not part of the package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    import figures

    yield figures
    del sys.modules["figures"]


def test_the_table_is_that_of_the_figures(figures: Any, page: Any) -> None:
    data = json.loads((BENCHMARKS / "figures.json").read_text("utf-8"))
    text = page("docs/performance.md").text
    assert figures.with_table(text, data) == text


@pytest.mark.parametrize(
    ("kind", "value", "met"),
    [("most", 1.3, True), ("most", 1.31, False), ("least", 0.9, True), ("least", 0.89, False)],
)
def test_a_bound_that_is_not_met_is_said(figures: Any, kind: str, value: float, met: bool) -> None:
    bound = 1.3 if kind == "most" else 0.9
    figure = figures.Figure("time", value, "× one", bound, kind)
    assert figure.met is met
    assert ("NOT MET" in figures.table([figure])) is not met
    data = figures.report([figure])
    assert data["figures"][0]["met"] is met
    assert ("**not met**" in figures.markdown(data)) is not met
