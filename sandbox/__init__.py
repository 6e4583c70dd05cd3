"""
Emulators of the providers' HTTP APIs, written from the documents that the providers publish.

They check keys and bodies, move tasks through the providers' states, deliver real videos, and
misbehave on demand; in process through `SandboxTransport`, or over real HTTP.
"""

from ._conditions import Conditions
from ._emulator import Emulator
from ._faults import FAULTS, Fault, FaultName
from ._rehearsal import rehearsal
from ._serve import Server, Site, addresses, build_site, serve
from ._transport import SandboxTransport

__all__ = [
    "FAULTS",
    "Conditions",
    "Emulator",
    "Fault",
    "FaultName",
    "SandboxTransport",
    "Server",
    "Site",
    "addresses",
    "build_site",
    "rehearsal",
    "serve",
]
