"""Which language the people at each browser read."""

import re
from collections import OrderedDict

from . import routes
from .routes import Answer, BadRequest, Call

#: More than anybody has open; of more, the oldest are forgotten.
_MOST = 1000
_LONGEST = 100

_languages: OrderedDict[str, str] = OrderedDict()


def language_of(client: str | None) -> str | None:
    """The language of a browser, by its id in ComfyUI, as "zh-CN"; None if it has not said."""
    return None if client is None else _languages.get(client)


def add_routes() -> None:
    """Serve ``POST /kling26/client``, with which a page says what its user reads."""
    routes.add("POST", "/kling26/client", _tell)


async def _tell(call: Call) -> Answer:
    client, language = call.text("client", _LONGEST), call.text("language", _LONGEST)
    if not re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", language):
        raise BadRequest(call.words("routes.no_text", name="language", longest=_LONGEST))
    _languages[client] = language
    _languages.move_to_end(client)
    while len(_languages) > _MOST:
        _languages.popitem(last=False)
    return Answer(200, {"client": client, "language": language})
