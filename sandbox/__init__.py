"""
Emulators of the providers' HTTP APIs, written from the documents that the providers publish.

They check keys and bodies, move tasks through the providers' states, deliver real videos, and
misbehave on demand; in process through `SandboxTransport`, or over real HTTP.
"""

from .conditions import Conditions
from .declaration import Answer
from .declared import DeclaredEmulator, endpoint
from .emulator import Emulator
from .faults import FAULTS, FAULTS_BY_STEP, Fault, FaultName, Step, fault_name
from .fields import Fields
from .in_process import rehearsal
from .multipart import Part, parts
from .refusals import Refusal
from .requests import base_of
from .schema import JSON, Problem, object_of
from .server import Server, Site, build_site, environment, serve
from .store import Base64Upload, FormUpload, PutUpload, StoredFile
from .submission import RefusalReason, Submission
from .tasks import EmulatedTask, TaskPhase
from .transport import SandboxTransport
from .video import Clip

__all__ = [
    "FAULTS",
    "FAULTS_BY_STEP",
    "JSON",
    "Answer",
    "Base64Upload",
    "Clip",
    "Conditions",
    "DeclaredEmulator",
    "EmulatedTask",
    "Emulator",
    "Fault",
    "FaultName",
    "Fields",
    "FormUpload",
    "Part",
    "Problem",
    "PutUpload",
    "Refusal",
    "RefusalReason",
    "SandboxTransport",
    "Server",
    "Site",
    "Step",
    "StoredFile",
    "Submission",
    "TaskPhase",
    "base_of",
    "build_site",
    "endpoint",
    "environment",
    "fault_name",
    "object_of",
    "parts",
    "rehearsal",
    "serve",
]
