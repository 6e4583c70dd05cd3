"""
The test kit for authors of providers; the built-in providers are tested with it too.

`ProviderTests` is the suite that every provider has to pass: subclass it. `kling26.testing.plugin`
is a pytest plug-in with the fixtures `talk` (plays flows by hand), `stage` (runs the real runner
against an emulator) and `replay` (runs it against recorded exchanges)::

    # conftest.py
    pytest_plugins = ["kling26.testing.plugin"]

`cassette` makes rows for `pytest.mark.parametrize`, and `check_wheel` tries the wheel of a plug-in
in an environment of its own. `PICTURE` is a small picture. `VirtualLoop` and `run` let hours of
polling pass in no time. All of it needs ``pip install "kling26[test]"``.
"""

from .clock import VirtualLoop, run
from .conformance import ProviderTests
from .conversation import Conversation
from .picture import PICTURE
from .replay import Replay
from .stage import Stage, Stages
from .tables import cassette
from .wheel import check_wheel

__all__ = [
    "PICTURE",
    "Conversation",
    "ProviderTests",
    "Replay",
    "Stage",
    "Stages",
    "VirtualLoop",
    "cassette",
    "check_wheel",
    "run",
]
