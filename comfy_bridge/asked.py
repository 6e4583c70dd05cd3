"""What one item of a node's inputs asks for."""

from attrs import frozen

from ..core.request import VideoRequest
from .given import Given


@frozen
class Asked:
    """A request, and what was given with it; `item` says which of several it is."""

    request: VideoRequest
    given: Given
    item: str | None = None

    @property
    def sandbox(self) -> bool | None:
        """Off leaves it to the settings, which can turn the sandbox on for everything."""
        return True if self.given.shared["sandbox"] else None
