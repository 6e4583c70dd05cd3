"""The request that the kit makes where it asks for nothing in particular."""

from typing import Any

from attrs import evolve

from ..core.provider import Provider
from ..core.request import VideoRequest

PROMPT = "A heron lands on a pond"


def usual_request(provider: Provider, prompt: str = PROMPT, **fields: object) -> VideoRequest:
    """A request with these `fields`; its length and shape are the provider's if others are not."""
    given: dict[str, Any] = {"prompt": prompt, **fields}  # By names that no type checker knows.
    request, limits = VideoRequest(**given), provider.limits
    for name, allowed in (("duration", limits.durations), ("aspect_ratio", limits.aspect_ratios)):
        if allowed and name not in fields and getattr(request, name) not in allowed:
            changes: dict[str, Any] = {name: next(iter(allowed))}
            request = evolve(request, **changes)
    return request
