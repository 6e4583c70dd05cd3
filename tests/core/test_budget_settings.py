"""What may be spent, and by whom, as it is set: with numbers, and without misunderstandings."""

from pathlib import Path

import pytest
from kling26.core import SettingsError
from kling26.core.settings import Settings
from kling26.core.spending import Budget

from .test_settings import settings


@pytest.fixture
def config(home: Path) -> Path:
    home.mkdir()
    return home / "config.toml"


COST, IN_DAY, IN_HOUR = (
    "KLING26_MAX_COST_PER_DAY", "KLING26_MAX_TASKS_PER_DAY", "KLING26_MAX_TASKS_PER_HOUR"
)  # fmt: skip


def test_nothing_is_limited_unless_it_is_said(home: Path) -> None:
    assert settings(home).budget == Budget()


def test_limits_are_numbers_and_know_what_set_them(home: Path, config: Path) -> None:
    config.write_text("max_tasks_per_day = 50\nmax_cost_per_day = 7.5\n")
    found = Settings(
        {"KLING26_HOME": str(home), COST: "1e1"}, defaults={IN_HOUR: "30", IN_DAY: "9"}
    )

    assert found.budget == Budget(
        10.0,
        50,
        30,
        {
            "max_cost_per_day": COST,
            "max_tasks_per_day": f'"max_tasks_per_day" in {config}',
            "max_tasks_per_hour": f"the default of {IN_HOUR}",
        },
    )


@pytest.mark.parametrize(
    ("text", "limit"),
    [("1e3", 1000.0), (" 5 ", 5.0), ("0", 0.0), ("'2.50'", 2.5), (".5", 0.5), ("NONE", None)],
)
def test_an_amount_is_written_as_people_do(home: Path, text: str, limit: float | None) -> None:
    assert settings(home, **{COST: text}).budget.max_cost_per_day == limit


@pytest.mark.parametrize("text", ["inf", "nan", "-1", "ten", "5 USD", "$5", "1,5", "true", "1e999"])
def test_what_is_no_amount_is_told_with_the_variable(home: Path, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        _ = settings(home, **{COST: text}).budget

    assert str(refused.value) == (
        f'{COST} must be an amount in USD from 0 up, or "none"; got "{text}".'
    )


@pytest.mark.parametrize("limit", [IN_DAY, IN_HOUR])
@pytest.mark.parametrize("text", ["1.5", "1e3", "inf", "-1", "ten", "9" * 5000])
def test_what_is_no_number_of_tasks_is_told_with_the_variable(
    home: Path, limit: str, text: str
) -> None:
    with pytest.raises(SettingsError, match=f'{limit} must be a whole number from 0 up, or "none"'):
        _ = settings(home, **{limit: text}).budget


@pytest.mark.parametrize(
    ("line", "limit"),
    [
        ("max_cost_per_day = 5", 5.0),
        ("MAX_COST_PER_DAY = 2.5", 2.5),
        ("max_cost_per_day = 1e3", 1000.0),
        ('max_cost_per_day = " 5 "', 5.0),
        ('max_cost_per_day = "none"', None),
        ('max_cost_per_day = ""', None),
    ],
)
def test_an_amount_in_the_file_is_a_number_or_a_text(
    home: Path, config: Path, line: str, limit: float | None
) -> None:
    config.write_text(line)

    assert settings(home).budget.max_cost_per_day == limit


@pytest.mark.parametrize("value", ["true", "false", "inf", "-1", '"ten"', '"5 USD"', "[5, 6]"])
def test_what_is_no_amount_is_told_with_the_file_and_the_name(
    home: Path, config: Path, value: str
) -> None:
    """Not even true, which would be a limit of 1."""
    config.write_text(f"max_cost_per_day = {value}")

    with pytest.raises(SettingsError) as refused:
        _ = settings(home).budget

    assert str(refused.value).startswith(
        f'"max_cost_per_day" in {config} must be an amount in USD from 0 up, or "none"; got "'
    )


@pytest.mark.parametrize("text", ["", "  ", "''"])
def test_a_variable_without_a_value_lifts_no_limit(home: Path, config: Path, text: str) -> None:
    config.write_text("max_tasks_per_day = 5")

    assert settings(home, **{IN_DAY: text}).budget.max_tasks_per_day == 5


def test_none_lifts_a_limit(home: Path, config: Path) -> None:
    config.write_text("max_tasks_per_day = 5")
    found = Settings(
        {"KLING26_HOME": str(home), IN_DAY: "none", IN_HOUR: "none"}, defaults={IN_HOUR: "30"}
    )

    assert not found.budget.limited


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), ("kie", ("kie",)), (" runcomfy , kie,", ("runcomfy", "kie"))],
)
def test_who_is_preferred_keeps_the_order(home: Path, text: str, names: tuple[str, ...]) -> None:
    assert settings(home, KLING26_PREFER=text).preferred == names


def test_who_is_preferred_may_be_a_list_in_the_file(home: Path, config: Path) -> None:
    config.write_text('prefer = ["runcomfy", "kie"]')

    assert settings(home).preferred == ("runcomfy", "kie")
