"""
Emulators of the providers' HTTP APIs, written from the documents that the providers publish.

They check keys and bodies, move tasks through the providers' states, deliver real videos, and
misbehave on demand; in process through `SandboxTransport`, or over real HTTP.
"""

from .conditions import Conditions
from .emulator import Emulator
from .faults import FAULTS, FAULTS_BY_STEP, Fault, FaultName, Step, fault_name
from .in_process import rehearsal
from .multipart import Part, parts
from .requests import base_of
from .server import Server, Site, build_site, environment, serve
from .submission import RefusalReason, Submission
from .tasks import EmulatedTask, TaskPhase
from .transport import SandboxTransport
from .video import Clip

__all__ = [
    "FAULTS",
    "FAULTS_BY_STEP",
    "Clip",
    "Conditions",
    "EmulatedTask",
    "Emulator",
    "Fault",
    "FaultName",
    "Part",
    "RefusalReason",
    "SandboxTransport",
    "Server",
    "Site",
    "Step",
    "Submission",
    "TaskPhase",
    "base_of",
    "build_site",
    "environment",
    "fault_name",
    "parts",
    "rehearsal",
    "serve",
]
