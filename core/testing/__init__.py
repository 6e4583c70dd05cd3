"""
What tests of providers need, this package's own and those of a plug-in's author.

`ProviderTests` is what every provider has to hold, to be subclassed; `kling26.core.testing.plugin`
is a plug-in of pytest with the fixtures `stage`, the runner over an emulator, and `replay`, the
runner over recorded exchanges (`kling26.core.testing.cassettes`)::

    # conftest.py
    pytest_plugins = ["kling26.core.testing.plugin"]

`kling26.core.testing.clock` lets hours of polling pass in no time.
"""

from typing import TYPE_CHECKING

from .clock import VirtualLoop, run

if TYPE_CHECKING:
    from .conformance import ProviderTests
    from .stage import Stage

__all__ = ["ProviderTests", "Stage", "VirtualLoop", "run"]


def __getattr__(name: str) -> object:
    # Later than this module: the plug-in first tells pytest to rewrite their assertions.
    if name == "ProviderTests":
        from .conformance import ProviderTests

        return ProviderTests
    if name == "Stage":
        from .stage import Stage

        return Stage
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
