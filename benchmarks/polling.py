"""
When tasks are found to be finished, and after how many questions: a simulation.

Run: python benchmarks/polling.py

Prints, for each kind of task and each schedule, how late the end is noticed (mean and 95th
percentile, in seconds) and after how many questions (mean); and how late it would be with the best
possible schedule for that number of questions. The same dice every time.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import exp, log, sqrt
from statistics import mean

from attrs import frozen
from figures import Figure
from kling26.core.runner.habits import NEWEST, knots_for
from kling26.core.runner.schedule import PollSchedule, usual_knots

Draw = Callable[[random.Random], float]

#: How many tasks are simulated, how many histories of them, and what the best schedule is found by.
TASKS, HISTORIES, SAMPLE = 3000, 10, 40_000
FIXED = (1.0, 2.0, 5.0, 10.0)


def log_normal(middle: float, spread: float) -> Draw:
    return lambda dice: exp(dice.gauss(log(middle), spread))


def uniform(least: float, most: float) -> Draw:
    return lambda dice: dice.uniform(least, most)


def two_peaked(dice: random.Random) -> float:
    return dice.gauss(50, 5) if dice.random() < 0.6 else dice.gauss(100, 8)


#: What takes how long, and what had before.
KINDS: dict[str, tuple[Draw, Draw]] = {
    "log-normal, about 65 s": (log_normal(65, 0.3), log_normal(65, 0.3)),
    "two peaks, at 50 and 100 s": (two_peaked, two_peaked),
    "a slow day: 180 s, and 60 s before": (log_normal(180, 0.3), log_normal(60, 0.3)),
    "anything from 40 to 120 s": (uniform(40, 120), uniform(40, 120)),
    "anything from 8 to 40 s": (uniform(8, 40), uniform(8, 40)),
}


@frozen
class Line:
    """How one schedule does for one kind of task; the delays are in seconds."""

    tasks: str
    schedule: str
    delay: float
    late: float
    questions: float
    best: float


def polling() -> list[Line]:
    """A line for each kind of task and each schedule."""
    lines: list[Line] = []
    for name, (draw, before) in KINDS.items():
        spread = _spread(draw)
        for schedule, asked in _schedules(draw, before):
            delays, questions = sorted(delay for delay, _ in asked), mean(n for _, n in asked)
            late = delays[int(0.95 * len(delays))]
            best = best_delay(spread, questions)
            lines.append(Line(name, schedule, mean(delays), late, questions, best))
    return lines


_PEERS = (
    "tasks of 7, 23 and 61 s: Kie-API pack 0.5 to 9 s (2, 4, 8 questions), ComfyUI's own Kling "
    "nodes 1.5 to 5.6 s (3, 6, 14), Kling-Direct 0.6 to 5.8 s (3, 7, 14), KwaiVGI's 0.02 to 0.7 s "
    "(7, 23, 61), huggingface_hub 0.1 to 0.4 s (14, 46, 122), fal's 0.1 to 0.3 s (58 to 584)"
)


def figures() -> Iterator[Figure]:
    """The delays and questions that have a bound."""
    lines = {(line.tasks, line.schedule): line for line in polling()}
    usual, short = "anything from 40 to 120 s", "anything from 8 to 40 s"
    for tasks, late, questions in ((usual, 1.0, 30), (short, 3.0, 20)):
        line, what = lines[tasks, "no history"], f"{tasks}, without a history"
        peers = _PEERS if tasks == usual else ""
        yield Figure(f"noticing the end: {what}", line.delay, "s", late, peers=peers)
        yield Figure(f"questions: {what}", line.questions, "", questions)
    for tasks in KINDS:
        line = lines[tasks, "a history of 20"]
        if tasks.startswith(("log-normal", "two peaks")):
            what = f"noticing the end: {tasks}, with a history of 20"
            detail = f"{line.delay:.2f} s late after {line.questions:.1f} questions"
            ratio = line.delay / line.best
            yield Figure(what, ratio, "x the best schedule", 1.25, detail=detail)


def ask(knots: Sequence[float], takes: float, phase: float) -> tuple[float, int]:
    """How late a task is found to be finished, in seconds, and by which question."""
    schedule, elapsed, count = PollSchedule(knots, phase), 0.0, 0
    while elapsed < takes:
        elapsed += schedule.wait(elapsed)
        count += 1
    return elapsed - takes, count


def best_delay(spread: float, questions: float) -> float:
    """
    The mean delay of the best possible schedule for a number of questions, in seconds.

    Where times have the density f, and S of the tasks are left, its density of questions is
    c √(f/S). Then the mean delay is the integral of f / 2c√(f/S), and the mean number of questions
    is the integral of S c√(f/S) and a half: in both, it is the integral of √(fS), the `spread`.
    """
    return spread**2 / (2 * max(questions - 0.5, 0.5))


def _spread(draw: Draw, cells: int = 300) -> float:
    """The integral of √(fS), over cells in which equally many tasks end."""
    dice = random.Random(26)  # noqa: S311
    times = sorted(draw(dice) for _ in range(SAMPLE))
    edges = [times[number * (SAMPLE - 1) // cells] for number in range(cells + 1)]
    return sum(
        sqrt((end - start) / cells * (1 - (number + 0.5) / cells))
        for number, (start, end) in enumerate(pairwise(edges))
    )


def _schedules(draw: Draw, before: Draw) -> list[tuple[str, list[tuple[float, int]]]]:
    dice = random.Random(62)  # noqa: S311
    times = [draw(dice) for _ in range(TASKS)]

    def asked(knots: Sequence[float], times: Sequence[float] = times) -> list[tuple[float, int]]:
        return [ask(knots, each, dice.random()) for each in times]

    found = [(f"every {gap:g} s", [_fixed(gap, each) for each in times]) for gap in FIXED]
    found += [("no history", asked(usual_knots()))]
    for count in (20, NEWEST):
        answers: list[tuple[float, int]] = []
        for number in range(HISTORIES):
            history = [before(dice) for _ in range(count)]
            answers += asked(knots_for(history, usual_knots()), times[number::HISTORIES])
        found.append((f"a history of {count}", answers))
    return found


def _fixed(gap: float, takes: float) -> tuple[float, int]:
    count = int(takes / gap) + 1
    return count * gap - takes, count


def main() -> None:
    print(f"{'tasks':<36}{'schedule':<17}{'mean':>7}{'95 %':>8}{'questions':>11}{'best':>7}")
    for line in polling():
        print(
            f"{line.tasks:<36}{line.schedule:<17}{line.delay:>6.2f}s{line.late:>7.2f}s"
            f"{line.questions:>11.1f}{line.best:>6.2f}s"
        )


if __name__ == "__main__":
    main()
