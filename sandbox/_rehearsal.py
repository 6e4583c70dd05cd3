"""A rehearsal in process: the emulators where the providers would be."""

from collections.abc import Mapping

from starlette.types import ASGIApp

from ..core.errors import SettingsError
from ..core.hookspecs import Sandbox
from ..core.provider import Provider
from ..core.settings import Settings
from ..core.text import join_words, sanitize
from ._conditions import Conditions
from ._faults import FAULTS, Fault
from ._transport import SandboxTransport

#: Faults to rehearse, as a comma list of names; each strikes once, in this order.
FAULTS_VARIABLE = "KLING26_SANDBOX_FAULTS"


def rehearsal(
    providers: Mapping[str, Provider], emulators: Mapping[str, Sandbox], settings: Settings
) -> SandboxTransport:
    """
    The emulators at the providers' own addresses.

    Tasks are kept in the home folder, so that another process can go on with them.
    """
    apps: dict[str, ASGIApp] = {}
    faults = _faults(settings)
    for name, sandbox in emulators.items():
        provider = providers.get(name)
        if provider is None:
            continue
        folder = settings.home / "sandbox"
        app = sandbox.build(Conditions(folder=folder, faults=list(faults)))
        for address in (provider.base_url, provider.upload_url, *sandbox.hosts):
            if address is not None:
                apps[address] = app
    return SandboxTransport(apps)


def _faults(settings: Settings) -> list[Fault]:
    wanted = settings.get(FAULTS_VARIABLE) or ""
    return [_fault(name.strip()) for name in wanted.split(",") if name.strip()]


def _fault(name: str) -> Fault:
    known = next((fault for fault in FAULTS if fault == name), None)
    if known is None:
        raise SettingsError(
            f'{FAULTS_VARIABLE} names the fault "{sanitize(name, 60)}"; there are '
            f"{join_words(FAULTS, 'and')}."
        )
    return Fault(known)
