"""A rehearsal in process: emulators take the providers' place, with no port and no network."""

import os
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve
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
#: How many seconds a task is queued, for instance to try how it is cancelled there.
QUEUED_VARIABLE = "KLING26_SANDBOX_QUEUED"
_DAY = 86_400.0


def rehearsal(
    providers: Mapping[str, Provider], emulators: Mapping[str, Sandbox], settings: Settings
) -> SandboxTransport:
    """
    A transport that sends requests for the providers' own URLs to their emulators.

    Tasks are kept in the home folder, so that another process can continue them. Raises
    SettingsError if a setting is wrong, or if the folder of the tasks cannot be used.
    """
    folder = settings.home / "sandbox"
    usual = Conditions(folder=folder, faults=_faults(settings))
    usual.queued = _queued(settings, usual.queued)
    try:
        _try_folder(folder)
        return SandboxTransport(_apps(providers, emulators, usual))
    except OSError as error:
        raise SettingsError(advise(f"{sanitize(folder)} cannot be used", error)) from error


def _try_folder(folder: Path) -> None:
    """Raise `OSError` if a folder cannot be used; it is made with the first task in it."""
    while not os.path.lexists(folder):
        folder = folder.parent
    make_private(folder)  # Which is there, but may be no folder.
    try_file(folder / f"{os.urandom(8).hex()}.part")


def _apps(
    providers: Mapping[str, Provider], emulators: Mapping[str, Sandbox], usual: Conditions
) -> dict[str, ASGIApp]:
    """The emulators by the URLs that they answer for; a URL is the first one's that has it."""
    apps: dict[str, ASGIApp] = {}
    for name, sandbox in emulators.items():
        provider = providers.get(name)
        if provider is None:
            continue
        app = sandbox.build(evolve(usual, faults=list(usual.faults)))
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


def _queued(settings: Settings, usual: float) -> float:
    text = settings.get(QUEUED_VARIABLE)
    if not text:
        return usual
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _DAY:
        raise SettingsError(
            f"{settings.where(QUEUED_VARIABLE)} must be a number of seconds from 0 to {_DAY:.0f}; "
            f'got "{sanitize(text, 60)}".'
        )
    return seconds
