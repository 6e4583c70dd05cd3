"""
What tests of providers need, this package's own and those of a plug-in's author.

`kling26.core.testing.clock` lets hours of polling pass in no time; `kling26.core.testing.cassettes`
is a plug-in of pytest that replays recorded exchanges through the real runner::

    # conftest.py
    pytest_plugins = ["kling26.core.testing.cassettes"]
"""

from .clock import VirtualLoop, run

__all__ = ["VirtualLoop", "run"]
