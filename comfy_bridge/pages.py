"""All routes."""

from ..core.plugins import Registry
from . import clients, keys_page, money_page, routes, tasks_page
from .routes import Answer, Call


def add_routes(registry: Registry) -> None:
    """Serve what the page in ComfyUI asks for."""
    keys_page.add_routes(registry)
    money_page.add_routes(registry)
    tasks_page.add_routes()
    clients.add_routes()
    routes.add("GET", "/kling26/words", _words)


async def _words(call: Call) -> Answer:
    return Answer(200, dict(call.words.all()))
