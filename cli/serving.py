"""`kling26 sandbox serve`: the emulators over real HTTP, for other programs."""

import errno
from typing import Annotated

from cyclopts import App, Parameter

from ..core.errors import OptionRefused
from ..core.plugins import load_installed
from ..core.settings import Settings
from ..sandbox import FAULTS, Conditions, Fault, build_site, environment, fault_name
from ..sandbox import serve as serve_site
from . import usage
from .console import answer
from .parameters import WHOLE, OneObject

_PORT = 8026


serve: App = App(
    name="serve",
    help_epilogue="Example: `kling26 sandbox serve --fault cut_download`\n\nThe faults:\n\n"
    + "\n".join(f"- {name}: {sentence}" for name, sentence in FAULTS.items()),
)


@serve.default
def _serve(
    *,
    port: Annotated[
        int, WHOLE, Parameter(help="The port on 127.0.0.1; 0 picks a free one.", metavar="N")
    ] = _PORT,
    fault: Annotated[
        list[str] | None,
        Parameter(
            help="A fault that each emulator shows once; repeatable, and shown in this order.",
            metavar="NAME",
        ),
    ] = None,
    as_json: OneObject = False,
) -> int:
    """
    Serve the emulators over HTTP on this machine until Ctrl-C.

    Prints the environment variables that point kling26, or any other client, at them.
    """
    conditions = Conditions(faults=[_fault(name) for name in fault or []])
    emulators = load_installed(Settings()).emulators.found()
    if not 0 <= port < 2**16:
        raise usage.bad_port(port)

    def ready(url: str) -> None:
        found = [environment(emulator, url) for emulator in emulators.values()]
        variables = {name: value for each in found for name, value in each.items()}
        lines = [f"export {name}={value}" for name, value in variables.items()]
        lines.append('# Any API key works, unless it contains "wrong".')
        if not answer("\n".join(lines), as_json, lambda: {"url": url, "variables": variables}):
            raise KeyboardInterrupt  # Nobody knows where to find it.

    try:
        serve_site(build_site(emulators.values(), conditions), port, ready)
    except KeyboardInterrupt:
        pass  # The usual end of a server.
    except OSError as error:
        reason = None if error.errno == errno.EADDRINUSE else error.strerror
        raise usage.unusable_port(port, reason) from error
    return 0


def _fault(name: str) -> Fault:
    try:
        return Fault(fault_name(name.replace("-", "_")))
    except ValueError as error:
        raise OptionRefused(str(error), option="fault") from error
