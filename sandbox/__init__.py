"""
Emulators of the providers' HTTP APIs, written from the documents that the providers publish.

They check keys and bodies, move tasks through the providers' states, deliver real videos, and
misbehave on demand; in process through `SandboxTransport`, or over real HTTP.
"""

from ._conditions import Conditions
from ._emulator import Emulator, Order, Reason
from ._faults import FAULTS, Fault, FaultName
from ._multipart import Part, parts
from ._rehearsal import rehearsal
from ._requests import base_of
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
    "Part",
    "Phase",
    "Reason",
    "SandboxTransport",
    "Server",
    "Site",
    "Task",
    "addresses",
    "base_of",
    "build_site",
    "parts",
    "rehearsal",
    "serve",
]
