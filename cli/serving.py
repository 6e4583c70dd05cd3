"""`kling26 sandbox serve`: the emulators over real HTTP, for other tools."""

import errno
from typing import Annotated

from cyclopts import App, Parameter

from ..core.errors import OptionRefused, UsageError
from ..core.plugins import discover, load_sandboxes
from ..core.settings import Settings
from ..core.text import join_words, sanitize
from ..sandbox import FAULTS, Conditions, Fault, addresses, build_site
from ..sandbox import serve as serve_site
from .console import Unwritten, result

_PORT = 8026


serve = App(
    name="serve",
    help_epilogue="The faults:\n\n"
    + "\n".join(f"- {name}: {what}" for name, what in FAULTS.items()),
)


@serve.default
def _serve(
    *,
    port: Annotated[
        int, Parameter(help="The port on 127.0.0.1; 0 takes a free one.", metavar="N")
    ] = _PORT,
    fault: Annotated[
        list[str] | None,
        Parameter(
            help="A fault to show once, at each provider; repeatable, in this order.",
            metavar="NAME",
        ),
    ] = None,
) -> int:
    """
    Serve the emulators over HTTP on this machine, until Ctrl-C.

    The lines that it prints lead kling26, or any other client, to them.
    """
    conditions = Conditions(faults=[_fault(name) for name in fault or []])
    emulators = load_sandboxes(discover(Settings().load_plugins))
    if not 0 <= port < 2**16:
        raise OptionRefused(f"--port takes 0 to 65535; this one is {port}.", option="port")

    def ready(url: str) -> None:
        lines = [
            f"export {variable}={address}"
            for name, emulator in emulators.items()
            for variable, address in addresses(name, url, emulator.uploads).items()
        ]
        lines.append('# Any API key will do, but one with "wrong" in it is refused.')
        result("\n".join(lines))

    try:
        serve_site(build_site(emulators.values(), conditions), port, ready)
    except KeyboardInterrupt:
        pass  # The usual end of a server.
    except Unwritten:
        raise
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken" if taken else f"cannot be used ({error.strerror})"
        raise UsageError(
            f"Port {port} {reason}; choose another with --port, or 0 for a free one."
        ) from error
    return 0


def _fault(name: str) -> Fault:
    known = next((fault for fault in FAULTS if fault == name.replace("-", "_")), None)
    if known is None:
        raise OptionRefused(
            f'There is no fault "{sanitize(name, 60)}". There are {join_words(FAULTS, "and")}.',
            option="fault",
        )
    return Fault(known)
