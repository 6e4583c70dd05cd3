"""`kling26 generate --dry-run`: what a request would do, without paying or writing anything."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ..core.journal.task import Task, image_id
from ..core.money import Balance, Price
from ..core.provider import Provider
from ..core.rehearsal import is_emulator
from ..core.spending import caveat, left
from ..core.status import Standing
from ..core.text import join_sentences, sanitize, sentence
from . import interrupts, texts
from .console import result
from .money_texts import balance_text, budget_text, price_text
from .parameters import Flags
from .tables import paragraph
from .work import Session, run_work

if TYPE_CHECKING:
    from ..core.request import VideoRequest
    from ..core.runner.preview import Preview


def dry_run(request: "VideoRequest", own: Mapping[str, str], flags: Flags, limit: float) -> int:
    """Print what `generate` would do; `limit` is how long that may take, in seconds."""

    async def work(session: Session[None]) -> "Preview":
        return await session.runner.preview(
            request,
            flags.provider,
            own,
            output=flags.output,
            sandbox=flags.sandbox or None,
            timeout=limit,
        )

    seen = run_work(work, idle=interrupts.NOTHING_SENT, limit=limit, quiet=flags.quiet)
    result(as_object(seen) if flags.as_json else as_text(seen, flags.output))
    return 0


# -- for programs ------------------------------------------------------------------------------


def as_object(seen: "Preview") -> str:
    """The JSON object: the request, what would happen, and what is known of the money."""
    asked, price = seen.request, seen.price
    shared = ("sound", "duration", "aspect_ratio", "seed")
    budget = None if seen.spent is None else attrs.asdict(left(seen.budget, seen.spent))
    return json.dumps(
        {
            "provider": seen.provider.name,
            "prompt": asked.prompt,
            "image": image_id(asked.image),
            "end_image": image_id(asked.end_image),
            **{name: getattr(asked, name) for name in shared},
            "options": seen.options,
            "would": seen.would,
            "price": price.amount,
            "price_unit": price.unit,
            "price_usd": price.usd,
            "price_source": price.source,
            "budget": budget,
            "balance": None if seen.balance is None else attrs.asdict(seen.balance),
        }
    )


# -- for people --------------------------------------------------------------------------------

_END = "This was a dry run: nothing was paid."
#: What a run would do about an equal task.
_FOUND: Mapping[Standing, str] = {
    "unsent": "{task} is about to be sent to {title}. This would join it, and cost nothing more.",
    "unclear": (
        "{task} has been sent to {title}, and no answer is known yet. This would join it, and pay "
        "for no other one."
    ),
    "at_provider": "{title} is making this video as {task}. This would join it, and cost nothing.",
    "made": "{title} has made this video as {task}. This would fetch it, and cost nothing.",
    "stored": "This video is here already, as {task}. This would give it, and cost nothing: {file}",
}
_GONE = (
    "{title} has made this video as {task}, but its file is gone. This would fetch it again, and "
    "cost nothing."
)
_UNKNOWN = (
    "The outcome of {task} at {title} is unknown, because the answer to its request was lost. This "
    "would pay for no other one."
)


def as_text(seen: "Preview", output: str | None = None) -> str:
    """A line on what would happen, and one on each thing to know about it."""
    lines = (*_lines(seen, output), _END)
    return "\n".join(line for text in lines for line in paragraph(text, ""))


def _lines(seen: "Preview", output: str | None) -> Iterator[str]:
    rehearsal = is_emulator(seen.provider)
    if seen.task is None or seen.would == "pay":
        yield _paying(seen, rehearsal)
    else:
        yield _found(seen.task, seen.provider)
    if output is not None:
        yield f"The video would be written to {sanitize(output, 1000)}"
    yield from (f"Passed over: {sentence(each.why, 1000)}" for each in seen.passed)
    if rehearsal:
        return
    if seen.spent is not None:
        yield f"Budget: {budget_text(seen.budget, seen.spent)}."
        known = caveat(seen.budget, seen.spent, seen.price.usd)
        yield from [known] if known and seen.would == "pay" else []
    why = "" if seen.problem is None else sentence(seen.problem, 1000)
    yield join_sentences(f"Balance: {_balance(seen.balance, seen.price)}.", why)


def _paying(seen: "Preview", rehearsal: bool) -> str:
    title, price = seen.provider.title, price_text(seen.price, seen.provider)
    if rehearsal:
        return f"{title} would rehearse this video, which costs nothing. A real one: {price}."
    if seen.task is not None:
        unsent = f"{seen.task.id} has not been accepted yet"
        return f"{unsent}. This would send it, and pay {title}: {price}."
    return f"This would pay {title} for a new video: {price}."


def _found(task: Task, provider: Provider) -> str:
    words = _FOUND[task.standing] if task.state != "unknown" else _UNKNOWN
    if task.standing == "stored" and not (task.file and Path(task.file).exists()):
        words = _GONE
    said = words.format(task=task.id, title=provider.title, file=task.file)
    return join_sentences(said, texts.unknown_text(task, provider)) if words is _UNKNOWN else said


def _balance(left: Balance | None, price: Price) -> str:
    """What is left, and whether that is too little for the price."""
    if left is None:
        return "unknown"
    known = price.amount is not None and price.unit == left.unit
    too_little = known and left.amount < (price.amount or 0.0)
    return f"{balance_text(left)}{', which is too little' if too_little else ''}"
