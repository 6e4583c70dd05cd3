"""What is said of an interrupt: what it left behind, and how to go on."""

from collections.abc import Iterable, Sequence

from ..core.journal.task import Task
from ..core.text import join_sentences
from .texts import Providers, next_text, state_text

INTERRUPTED = "Interrupted."
NOTHING_SENT = "Interrupted. Nothing was sent."
CHECK_TASK = "Interrupted. Check the task with: kling26 tasks"
PRUNE_INTERRUPTED = "Interrupted. Run the command again to finish."


def interrupted_early(line: Sequence[str]) -> str:
    """What is true of a command that was interrupted before it did anything."""
    return NOTHING_SENT if "generate" in line[:2] else INTERRUPTED


def interrupt_text(tasks: Sequence[Task], providers: Providers) -> str:
    """What an interrupt left behind, and how to go on with it."""
    if len(tasks) > 1:
        return interrupted_among(task.id for task in tasks if task.open)
    (task,) = tasks
    state = state_text(task, providers.get(task.provider))
    return join_sentences(INTERRUPTED, state, next_text(task) if task.open else "")


def interrupted_among(tasks: Iterable[str]) -> str:
    """What to say if nothing more is known of these tasks than that they are open."""
    left = " ".join(tasks)
    return join_sentences(INTERRUPTED, f"Continue with: kling26 resume {left}" if left else "")


def resume_interrupted(tasks: Sequence[str]) -> str:
    """What to say if a resume of these tasks, or of all, has not begun yet."""
    return join_sentences(INTERRUPTED, resume_again(tasks))


def resume_again(tasks: Sequence[str]) -> str:
    """How to go on with a resume of these tasks, or of all."""
    return f"Continue with: {' '.join(('kling26 resume', *tasks))}"


def waiting_for_answer(seconds: float, rehearsal: bool) -> str:
    return (
        f"A {'request' if rehearsal else 'paid request'} is under way. Waiting up to {seconds:.0f} "
        "seconds for the answer; press Ctrl-C again to stop at once."
    )
