"""Setting the budget: what the user wrote stays, and nothing is written by halves."""

import math
import os
from pathlib import Path
from typing import Any

import pytest
from kling26.core import SettingsError
from kling26.core.budget_file import checked_limits, set_limits
from kling26.core.settings import Settings
from kling26.core.spending import Budget

AS_WRITTEN = """# Mine.
provider = "runcomfy" # the cheapest

Max_Tasks_Per_Hour = 5   # not more
max_cost_per_day='none'
load_plugins = [
  "max_tasks_per_day = 3",
]"""


def settings_of(home: Path, **environ: str) -> Settings:
    return Settings({"KLING26_HOME": str(home), **environ})


def write(home: Path, text: str | bytes) -> Path:
    home.mkdir(exist_ok=True)
    path = home / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def limits_of(budget: Budget) -> tuple[object, ...]:
    return budget.max_cost_per_day, budget.max_tasks_per_day, budget.max_tasks_per_hour


def test_what_the_user_has_written_stays(home: Path) -> None:
    path = write(home, AS_WRITTEN)
    settings = settings_of(home)

    set_limits(
        settings, {"max_tasks_per_hour": None, "max_cost_per_day": 2.5, "max_tasks_per_day": 7}
    )

    lines = AS_WRITTEN.replace("= 5 ", '= "none" ').replace("'none'", "2.5")
    assert path.read_text() == f"{lines}\nmax_tasks_per_day = 7\n"
    assert limits_of(settings.budget) == (2.5, 7, None)
    assert settings.provider == "runcomfy"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"max_tasks_per_day = 3\n"),
        (b"\xef\xbb\xbf# x\r\n", b"\xef\xbb\xbf# x\r\nmax_tasks_per_day = 3\r\n"),
        (b"max_tasks_per_day = 1\r\n# x", b"max_tasks_per_day = 3\r\n# x"),
        (b'"max_tasks_per_day"=1_0#x', b'"max_tasks_per_day"=3#x'),
        (b'prefer = """\nmax_tasks_per_day = 9\n"""\nmax_tasks_per_day = 1',
         b'prefer = """\nmax_tasks_per_day = 9\n"""\nmax_tasks_per_day = 3'),
    ],
)  # fmt: skip
def test_however_the_file_is_written(home: Path, before: bytes, after: bytes) -> None:
    path = write(home, before)

    set_limits(settings_of(home), {"max_tasks_per_day": 3})

    assert path.read_bytes() == after


def test_a_new_file_is_its_owners_and_an_old_one_keeps_its_mode(home: Path) -> None:
    set_limits(settings_of(home), {"max_cost_per_day": 0})
    path = home / "config.toml"
    assert os.name == "nt" or path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)

    set_limits(settings_of(home), {"max_cost_per_day": 1.5})

    assert os.name == "nt" or path.stat().st_mode & 0o777 == 0o640
    assert path.read_text() == "max_cost_per_day = 1.5\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('max_tasks_per_day = """\n1"""', "only you can change"),
        ("max_tasks_per_day = 1\nmax_tasks_per_day = 2", "cannot be read"),
        (b"\xff", "UTF-8"),
        ("[table]\nx = 1", "table"),
    ],
)
def test_a_file_that_is_not_understood_is_left_alone(
    home: Path, text: str | bytes, said: str
) -> None:
    path = write(home, text)
    before = path.read_bytes()

    with pytest.raises(SettingsError, match=said):
        set_limits(settings_of(home), {"max_tasks_per_day": 3})

    assert path.read_bytes() == before


def test_where_the_environment_decides_nothing_is_written(home: Path) -> None:
    settings = settings_of(home, KLING26_MAX_TASKS_PER_DAY="3", KLING26_MAX_COST_PER_DAY="")

    with pytest.raises(SettingsError, match="KLING26_MAX_TASKS_PER_DAY is set in the environment"):
        set_limits(settings, {"max_cost_per_day": 3, "max_tasks_per_day": 3})
    assert not (home / "config.toml").exists()

    set_limits(settings, {"max_cost_per_day": 3})  # One without a value says nothing.
    assert settings.budget.max_cost_per_day == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tasks_per_day", 1.5), ("max_tasks_per_day", -1), ("max_tasks_per_hour", "3"),
        ("max_tasks_per_hour", True), ("max_cost_per_day", False), ("max_cost_per_day", math.nan),
        ("max_cost_per_day", math.inf), ("max_cost_per_day", [1]), ("max_cost_per_day", -0.01),
        ("max_tasks_per_day", 10**30), ("provider", "kie"), ("MAX_COST_PER_DAY", 1), ("", None),
    ],
)  # fmt: skip
def test_anything_but_a_limit_is_refused(name: str, value: Any) -> None:
    with pytest.raises(SettingsError):
        checked_limits({"max_tasks_per_day": 3, name: value})
