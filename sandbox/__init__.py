"""
Emulators of the providers' HTTP APIs, written from the documents that the providers publish.

They check keys and bodies, move tasks through the providers' states, deliver real videos, and
misbehave on demand; in process through `SandboxTransport`, or over real HTTP.
"""

from ._conditions import Conditions
from ._emulator import Emulator, Order, Reason
from ._faults import FAULTS, Fault, FaultName
from ._rehearsal import rehearsal
from ._serve import Server, Site, addresses, build_site, serve
from ._tasks import Phase, Task
from ._transport import SandboxTransport
from ._video import Clip

__all__ = [
    "FAULTS",
    "Clip",
    "Conditions",
    "Emulator",
    "Fault",
    "FaultName",
    "Order",
    "Phase",
    "Reason",
    "SandboxTransport",
    "Server",
    "Site",
    "Task",
    "addresses",
    "build_site",
    "rehearsal",
    "serve",
]
