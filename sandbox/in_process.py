"""A rehearsal in process: emulators take the providers' place, with no port and no network."""

import os
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp

from ..core.atomic import try_file
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
    SettingsError if a fault's name is unknown, or if the folder of the tasks cannot be used.
    """
    faults, folder = _faults(settings), settings.home / "sandbox"
    try:
        _try_folder(folder)
        return SandboxTransport(_apps(providers, emulators, folder, faults))
    except OSError as error:
        raise SettingsError(advise(f"{sanitize(folder)} cannot be used", error)) from error


def _try_folder(folder: Path) -> None:
    """Raise `OSError` if a folder cannot be used; it is made with the first task in it."""
    while not os.path.lexists(folder):
        folder = folder.parent
    make_private(folder)  # Which is there, but may be no folder.
    try_file(folder / f"{os.urandom(8).hex()}.part")


def _apps(
    providers: Mapping[str, Provider],
    emulators: Mapping[str, Sandbox],
    folder: Path,
    faults: list[Fault],
) -> dict[str, ASGIApp]:
    """The emulators by the URLs that they answer for; a URL is the first one's that has it."""
    apps: dict[str, ASGIApp] = {}
    for name, sandbox in emulators.items():
        provider = providers.get(name)
        if provider is None:
            continue
        app = sandbox.build(Conditions(folder=folder, faults=list(faults)))
        own = (provider.base_url, provider.upload_url, provider.balance_url)
        for url in (*own, *sandbox.hosts):
            if url is not None:
                apps.setdefault(url, app)
    return apps


def _faults(settings: Settings) -> list[Fault]:
    names = (name.strip() for name in (settings.get(FAULTS_VARIABLE) or "").split(","))
    try:
        return [Fault(fault_name(name)) for name in names if name]
    except ValueError as error:
        raise SettingsError(f"{settings.where(FAULTS_VARIABLE)}: {error}") from error
