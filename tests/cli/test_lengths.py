"""Lengths of time, the same for time-outs and ages."""

import pytest
from kling26.cli import lengths
from kling26.core import OptionRefused

SAME = {
    "90s": 90, "1m": 60, "45m": 2700, "1h30m": 5400, " 2h ": 7200, "7d": 604800, "1w": 604800,
    "1d12h": 129600, "1w1d1h1m1s": 694861,
}  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), SAME.items())
def test_units_mean_the_same_everywhere(text: str, seconds: float) -> None:
    assert lengths.age(text, "--since") == lengths.timeout(text) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("0.5", 0.5), (" 5 ", 5)])
def test_a_plain_number_is_seconds_as_a_time_out_and_no_age(text: str, seconds: float) -> None:
    assert lengths.timeout(text) == seconds
    with pytest.raises(OptionRefused, match=r"30d, 12h or 1h30m, in w, d, h, m and s, each once"):
        lengths.age(text, "--since")


@pytest.mark.parametrize(
    "text",
    [
        "", "h", "1x", "1h30", "-5", "1e3", "nan", "inf", "٣m", "5m later", "1,5h", "1.5h", "1M",
        "2W", "2min", "1 h", "1h 30m", "1m1h", "90s90s", "-1d",
    ],
)  # fmt: skip
def test_what_is_no_length_is_refused_alike(text: str) -> None:
    for call in (lengths.timeout, lambda each: lengths.age(each, "--since")):
        with pytest.raises(OptionRefused, match="must be a length of time such as"):
            call(text)


@pytest.mark.parametrize("text", ["0", "0s", "31d", "99999w", "9" * 21, "9" * 400, "9" * 400 + "s"])
def test_a_time_out_has_bounds(text: str) -> None:
    with pytest.raises(OptionRefused, match=r"more than 0 and at most 30d; got"):
        lengths.timeout(text)


def test_an_age_has_a_bound() -> None:
    for text in ("5201w", "9" * 21 + "d", "9" * 400 + "d"):
        with pytest.raises(OptionRefused, match="--since must be at most 5200w; got"):
            lengths.age(text, "--since")
