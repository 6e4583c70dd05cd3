"""A rehearsal in process: emulators take the providers' place, with no port and no network."""

from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp

from ..core.errors import SettingsError
from ..core.home import advise, make_private
from ..core.hookspecs import Sandbox
from ..core.provider import Provider
from ..core.settings import Settings
from ..core.text import sanitize
from .conditions import Conditions
from .faults import Fault, fault_name
from .transport import SandboxTransport

#: The names of the faults to rehearse, separated by commas; each shows once, in this order.
FAULTS_VARIABLE = "KLING26_SANDBOX_FAULTS"


def rehearsal(
    providers: Mapping[str, Provider], emulators: Mapping[str, Sandbox], settings: Settings
) -> SandboxTransport:
    """
    A transport that sends requests for the providers' own URLs to their emulators.

    Tasks are kept in the home folder, so that another process can continue them. Raises
    SettingsError if a fault's name is unknown, or if the folder of the tasks cannot be made.
    """
    apps: dict[str, ASGIApp] = {}
    faults, folder = _faults(settings), _folder(settings)
    for name, sandbox in emulators.items():
        provider = providers.get(name)
        if provider is None:
            continue
        app = sandbox.build(Conditions(folder=folder, faults=list(faults)))
        for url in (provider.base_url, provider.upload_url, *sandbox.hosts):
            if url is not None:
                apps[url] = app
    return SandboxTransport(apps)


def _folder(settings: Settings) -> Path:
    folder = settings.home / "sandbox"
    try:
        make_private(folder)
    except OSError as error:
        raise SettingsError(advise(f"{sanitize(folder)} cannot be made", error)) from error
    return folder


def _faults(settings: Settings) -> list[Fault]:
    names = (name.strip() for name in (settings.get(FAULTS_VARIABLE) or "").split(","))
    try:
        return [Fault(fault_name(name)) for name in names if name]
    except ValueError as error:
        raise SettingsError(f"{settings.where(FAULTS_VARIABLE)}: {error}") from error
