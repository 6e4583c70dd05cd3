"""
What tests of providers need, this package's own and those of a plug-in's author.

`ProviderTests` is what every provider has to hold, to be subclassed; `kling26.testing.plugin`
is a plug-in of pytest with the fixtures `talk`, flows played by hand, `stage`, the runner over an
emulator, and `replay`, the runner over recorded exchanges::

    # conftest.py
    pytest_plugins = ["kling26.testing.plugin"]

`kling26.testing.clock` lets hours of polling pass in no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .clock import VirtualLoop, run

if TYPE_CHECKING:
    from .conformance import ProviderTests
    from .conversation import Conversation
    from .replay import Replay
    from .stage import Stage

__all__ = ["Conversation", "ProviderTests", "Replay", "Stage", "VirtualLoop", "run"]

_LATER = {
    "Conversation": ".conversation",
    "ProviderTests": ".conformance",
    "Replay": ".replay",
    "Stage": ".stage",
}


def __getattr__(name: str) -> object:
    # Later than this module: the plug-in first tells pytest to rewrite their assertions.
    if name in _LATER:
        return getattr(import_module(_LATER[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
