"""When a task is asked about: by what is usual, and by what its provider's tasks took before."""

import asyncio
import random
from collections.abc import Callable, Sequence
from math import exp, log
from statistics import mean

import pytest
from kling26.core.errors import StillRunning
from kling26.core.journal.reading import Took
from kling26.core.runner.habits import Habits, knots_for
from kling26.core.runner.schedule import PollSchedule, phase_of, usual_knots

from ..conftest import Stage

USUAL = usual_knots()
Draw = Callable[[random.Random], float]


def thrown(seed: int) -> random.Random:
    """Dice that fall the same way every time."""
    return random.Random(seed)  # noqa: S311


def ask(knots: Sequence[float], takes: float, phase: float) -> tuple[float, int]:
    """How late a task is found to be finished, in seconds, and by which question."""
    schedule, elapsed, count = PollSchedule(knots, phase), 0.0, 0
    while elapsed < takes:
        elapsed += schedule.wait(elapsed)
        count += 1
    return elapsed - takes, count


def average(knots: Sequence[float], draw: Draw, tasks: int = 800) -> tuple[float, float, int]:
    """The mean delay, and the mean and the highest number of questions."""
    dice = thrown(26)
    found = [ask(knots, draw(dice), dice.random()) for _ in range(tasks)]
    delays, questions = zip(*found, strict=True)
    return mean(delays), mean(questions), max(questions)


def log_normal(middle: float, spread: float) -> Draw:
    return lambda dice: exp(dice.gauss(log(middle), spread))


def uniform(least: float, most: float) -> Draw:
    return lambda dice: dice.uniform(least, most)


def two_peaked(dice: random.Random) -> float:
    return dice.gauss(50, 5) if dice.random() < 0.6 else dice.gauss(100, 8)


def history(draw: Draw, count: int, seed: int) -> list[float]:
    dice = thrown(seed)
    return [draw(dice) for _ in range(count)]


# -- without a history -------------------------------------------------------------------------


def test_what_takes_as_long_as_usual_is_noticed_within_a_second_after_30_questions() -> None:
    delay, questions, _ = average(USUAL, uniform(40, 120), tasks=3000)

    assert delay <= 1
    assert questions <= 30


def test_what_takes_8_to_40_seconds_is_noticed_within_3_seconds() -> None:
    delay, _, most = average(USUAL, uniform(8, 40), tasks=3000)

    assert delay <= 3
    assert most <= 20


@pytest.mark.parametrize("takes", [11.9, 12.0, 12.2])
def test_all_that_take_12_seconds_are_seen_well_before_14(takes: float) -> None:
    assert max(ask(USUAL, takes, phase / 50)[0] for phase in range(50)) < 1.5


@pytest.mark.parametrize(("minutes", "questions"), [(10, 140), (60, 440)])
def test_what_takes_long_is_asked_about_ever_more_rarely(minutes: int, questions: int) -> None:
    delay, asked = ask(USUAL, minutes * 60.0, 0.5)

    assert delay <= 10
    assert asked <= questions


def test_200_tasks_that_were_taken_at_once_never_ask_at_once() -> None:
    schedules = [PollSchedule(USUAL, phase_of(f"k26-{number:016x}")) for number in range(200)]
    moments = []
    for schedule in schedules:
        elapsed = 0.0
        while elapsed < 130:
            elapsed += schedule.wait(elapsed)
            moments.append(elapsed)
    moments.sort()

    # In no tenth of a second is there more than three times the even share.
    busiest = max(
        sum(start <= each < start + 0.1 for each in moments[n : n + 100])
        for n, start in enumerate(moments)
    )
    assert busiest <= 3 * 200 * 0.1 / 1.35


def test_a_task_has_the_same_phase_in_every_process() -> None:
    assert phase_of("k26-heron") == phase_of("k26-heron") != phase_of("k26-fox")
    assert all(0 <= phase_of(f"k26-{number}") < 1 for number in range(50))


@pytest.mark.parametrize("elapsed", [-86_400.0, 0.0, 3.99, 120.0, 4000.0, 1e6])
def test_the_next_question_is_never_at_once_and_never_far(elapsed: float) -> None:
    for phase in (0.0, 0.5, 0.999):
        assert 0.29 < PollSchedule(USUAL, phase).wait(elapsed) <= 10.31


# -- with a history ----------------------------------------------------------------------------


def best_delay(draw: Draw, questions: float) -> float:
    """Of the best possible schedule: see `best_delay` of benchmarks/polling.py."""
    dice, cells = thrown(62), 200
    times = sorted(draw(dice) for _ in range(8_000))
    spread = 0.0
    for number in range(cells):
        start, end = (times[(number + each) * (len(times) - 1) // cells] for each in (0, 1))
        spread += ((end - start) / cells * (1 - (number + 0.5) / cells)) ** 0.5
    return spread**2 / 2 / (questions - 0.5)


@pytest.mark.parametrize("count", [20, 50])
@pytest.mark.parametrize(
    "draw", [log_normal(65, 0.3), log_normal(25, 0.3), two_peaked], ids=["usual", "short", "two"]
)
def test_with_a_history_it_is_nearly_the_best_schedule_and_asks_less(
    draw: Draw, count: int
) -> None:
    found = [average(knots_for(history(draw, count, seed), USUAL), draw, 250) for seed in range(12)]
    delay, questions = mean(each[0] for each in found), mean(each[1] for each in found)
    before, more, _ = average(USUAL, draw)

    assert delay <= 1.25 * best_delay(draw, questions)
    assert delay < before
    assert questions <= more


def test_on_a_slow_day_it_slows_down_and_does_not_go_blind() -> None:
    knots = knots_for(history(log_normal(60, 0.3), 50, 1), USUAL)

    delay, questions, _ = average(knots, log_normal(180, 0.2))
    _, more, _ = average(USUAL, log_normal(180, 0.2))

    assert delay <= 5
    assert questions <= more


@pytest.mark.parametrize(
    "times",
    [
        [60.0] * 20,
        [*history(log_normal(60, 0.2), 17, 1), 0.01, 40_000.0, 1e9],
        [0.001] * 20,
        [1e9] * 20,
        [3600.0] * 50,
    ],
    ids=["identical", "outliers", "tiny", "years", "hours"],
)
@pytest.mark.parametrize("takes", [2.0, 60.0, 300.0, 5000.0])
def test_whatever_the_history_every_task_is_noticed_in_time(
    times: list[float], takes: float
) -> None:
    knots = knots_for(times, USUAL)

    for phase in (0.0, 0.3, 0.9):
        delay, questions = ask(knots, takes, phase)
        assert delay <= 31
        assert questions <= 1.1 * ask(USUAL, takes, phase)[1] + 20


def test_what_always_takes_the_same_is_noticed_at_once() -> None:
    delay, questions, _ = average(knots_for([60.0] * 20, USUAL), lambda _: 60.0, 100)

    assert delay < 0.5
    assert questions < average(USUAL, lambda _: 60.0, 100)[1]


def test_what_it_learns_from_its_own_questions_does_not_drift() -> None:
    """What was noticed late was finished between two questions."""
    dice, draw = thrown(5), log_normal(60, 0.25)
    took: list[Took] = []
    delays: list[float] = []
    knots: Sequence[float] = USUAL
    for number in range(300):
        if number % 20 == 0:
            knots = Habits(took[::-1]).knots(5, False, USUAL)
        takes, schedule, asked = draw(dice), PollSchedule(knots, dice.random()), [0.0]
        while asked[-1] < takes:
            asked.append(asked[-1] + schedule.wait(asked[-1]))
        took.append(Took(5, False, asked[-2], asked[-1]))
        delays.append(asked[-1] - takes)

    assert mean(delays[200:]) < mean(delays[:20])
    assert mean(delays[200:]) < 1.2 * mean(delays[100:200])


# -- which history -----------------------------------------------------------------------------


def took(most: float, least: float | None = None, duration: int = 5, sound: bool = False) -> Took:
    return Took(duration, sound, most - 1 if least is None else least, most)


def test_fewer_than_20_times_are_no_habit() -> None:
    assert Habits([took(60.0)] * 19).knots(5, False, USUAL) is USUAL
    assert Habits([took(60.0)] * 20).knots(5, False, USUAL) is not USUAL


def test_the_times_of_the_most_similar_videos_count() -> None:
    loud, long = [took(90.0, sound=True)] * 20, [took(200.0, duration=10)] * 20
    habits = Habits([*long, *loud, *[took(60.0)] * 20])

    assert noticed(habits, 5, False, 60.0) < 0.6
    assert noticed(habits, 5, True, 90.0) < 0.6
    assert noticed(habits, 10, True, 200.0) < 0.6
    # Too few are like it: all of that length count, or all.
    assert noticed(Habits([*loud, took(60.0)]), 5, False, 90.0) < 0.6
    assert noticed(Habits(loud), 10, False, 90.0) < 0.6


def noticed(habits: Habits, duration: int, sound: bool, takes: float) -> float:
    """How late such a video is noticed."""
    return max(ask(habits.knots(duration, sound, USUAL), takes, part / 9)[0] for part in range(9))


def test_only_the_newest_50_times_count() -> None:
    habits = Habits([*[took(60.0)] * 50, *[took(20.0)] * 300])

    assert noticed(habits, 5, False, 60.0) < 0.6


@pytest.mark.parametrize(
    ("least", "most"),
    [(0.0, 40_000.0), (-3600.0, 50.0), (60.0, 60.0), (90.0, 30.0), (0.0, -20.0), (30.0, 60.0)],
)
def test_a_time_of_a_process_that_slept_or_of_a_clock_that_was_set_says_nothing(
    least: float, most: float
) -> None:
    assert took(most, least).likely is None
    assert Habits([took(most, least)] * 20).knots(5, False, USUAL) is USUAL


def test_a_time_from_before_this_was_recorded_counts_as_it_is() -> None:
    assert Took(5, False, None, 61.0).likely == 61.0
    assert Took(5, False, None, -1.0).likely is None


# -- in a task's life --------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [3, 47, 90, 119])
def test_a_finished_video_is_noticed_within_two_seconds(stage: Stage, seconds: int) -> None:
    stage.conditions.queued, stage.conditions.running = 1.0, seconds - 1.0

    stage.generate()

    task = stage.task()
    ends = stage.emulator.accepted[0].ends
    assert task.finished is not None
    assert task.unfinished is not None
    assert task.unfinished <= ends <= task.finished < ends + 2


def test_the_20_tasks_before_tell_when_to_ask(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("runcomfy")
    stage.conditions.queued, stage.conditions.running = 10.0, 60.0
    for seed in range(20):
        stage.generate(seed=seed)
    before = len(stage.emulator.requests)

    stage.generate(seed=20)

    newest = max(stage.tasks(), key=lambda task: task.created)
    assert newest.finished is not None
    assert newest.finished - stage.emulator.accepted[-1].ends < 0.6
    assert len(stage.emulator.requests) - before < 25


def test_a_task_that_is_resumed_is_asked_about_at_once(stage: Stage) -> None:
    async def leave() -> None:
        async with stage.runner() as runner:
            await stage.make(runner, timeout=5.0)

    with pytest.raises(StillRunning):
        stage.run(leave())
    stage.run(asyncio.sleep(170.0))
    asked, began = len(stage.emulator.requests), stage.clock()

    stage.generate()

    assert stage.clock() - began < 0.1
    assert stage.paid == 1
    assert len(stage.emulator.requests) > asked
