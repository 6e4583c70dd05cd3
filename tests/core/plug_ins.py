"""Plug-ins as third parties write them, each with its fault."""

#: A plug-in that works; the others differ from it by a line or two.
ACME = """
from attrs import frozen
from kling26.core import Limits, Provider, Status, Ticket, hookimpl, option


class Acme(Provider):
    name = "acme"
    title = "Acme Video"
    key_variable = "ACME_API_KEY"
    base_url = "https://api.acme.example"

    def submit(self, request, options):
        yield

    def poll(self, ticket):
        yield


@hookimpl
def kling26_providers():
    return [Acme()]
"""


def acme(*changes: tuple[str, str]) -> str:
    """The source of the plug-in that works, changed."""
    source = ACME
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return source


def having(*lines: str) -> str:
    """The plug-in whose provider has these lines, too."""
    return acme(("    def submit", "".join(f"    {line}\n" for line in lines) + "    def submit"))
