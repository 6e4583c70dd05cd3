"""Where requests go: to the URLs that the provider has at the moment, and to the right task."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qsl, unquote

import httpx

from ...core.errors import Kling26Error
from ...core.provider import Provider
from ...core.status import Ticket
from ..samples import start
from ..spoiling import at, parsed, places
from ..wire_form import wire_form
from .forms import Forms
from .judging import fail, flow_name, show

#: The id of a task, and others that a URL must not take for anything else.
PLAIN_ID = "k26plainid"
ODD_IDS = ("a/b", "a?b=c", "a#b", "a&b=c", "a%2Fb", "a b", "a+b", "a/../b", "/a/", "aé鷺", 'a;"b"')
MOVED = {
    "base_url": "https://moved.example/there",
    "upload_url": "https://moved.example/files",
    "balance_url": "https://moved.example/balance",
}


class Addresses(Forms):
    """Where requests go."""

    def test_the_base_url_can_be_changed(self) -> None:
        """
        All requests go to `base_url`, `upload_url` and `balance_url`, whatever those are.

        What to do: build URLs as f"{self.base_url}/…"; the runner signs only requests there.
        """
        own = _urls(self.provider)
        moved = self.provider.at({name: MOVED[name] for name in own})
        for each in self._starts():
            for asked in self._settled(each) or ():
                options = self._taken(asked)
                before = self._submitting(asked.request, options)
                after = self._submitting(asked.request, options, moved)
                self._check_moved("submit", before, after, own)
        for name in self._sampled():
            before, after = [], []
            self._outcome(name, self._replies(name), self.provider, before)
            self._outcome(name, self._replies(name), moved, after)
            self._check_moved(name, before, after, own)
            if own.get(f"{name}_url") and not any(
                _is_below(str(each.url), own[f"{name}_url"]) for each in before
            ):
                fail(f"{name} goes to {before[0].url} though {name}_url is {own[f'{name}_url']}.")

    def test_ids_are_quoted_in_urls(self) -> None:
        """
        Whatever is in a task's id, the request is about that task, and nothing else.

        What to do: write `quote(ticket.task_id, safe="")` in a path, and `params=` for a query.
        """
        for name in filter(self._sampled().__contains__, ("queued", "cancel", "renew")):
            for data in (self._ticket().data, {}):
                plain = self._first(name, Ticket(PLAIN_ID, data))
                if plain is not None and PLAIN_ID in str(_decoded(plain)):
                    self._check_quoting(name, plain, data)
                    break  # If it is not there, the ticket has a URL of its own.

    def _check_moved(
        self,
        name: str,
        before: Sequence[httpx.Request],
        after: Sequence[httpx.Request],
        own: Mapping[str, str],
    ) -> None:
        given = set(self._given_urls())
        for one, other in zip(before, after, strict=False):
            url = str(one.url)
            names = [each for each in own if _is_below(url, own[each])]
            longest = max((len(own[each]) for each in names), default=0)
            names = [each for each in names if len(own[each]) == longest]
            if not names or any(_is_below(str(other.url), MOVED[each]) for each in names):
                continue
            if any(_is_below(str(other.url), each) for each in given):
                continue  # The service said so.
            fail(f"{flow_name(name)} goes to {other.url} though {names[0]} is {MOVED[names[0]]}.")

    def _given_urls(self) -> Iterator[str]:
        """The URLs that the service itself has given."""
        yield from self._ticket().data.values()
        for replies in self._samples().replies.values():
            for value in map(parsed, replies):
                for text in (at(value, place) for place in places(value)):
                    if isinstance(text, str) and text.startswith(("https://", "http://")):
                        yield text

    def _first(self, name: str, ticket: Ticket) -> httpx.Request | None:
        """The first request of a flow about a task; None if it does not get that far."""
        try:
            request = next(start(self.provider, name, ticket))
        except (Kling26Error, StopIteration):
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged.
            fail(f"{flow_name(name)} raises {show(error)} for the id {show(ticket.task_id)}.")
        request.read()
        return request

    def _check_quoting(self, name: str, plain: httpx.Request, data: Mapping[str, str]) -> None:
        usual = _decoded(plain)
        for odd in ODD_IDS:
            request = self._first(name, Ticket(odd, data))
            if request is None:
                continue
            expected = [text.replace(PLAIN_ID, odd) for text in usual]
            if _decoded(request) != expected:
                fail(
                    f'{flow_name(name)} asks for {request.url} when the id is "{odd}"; '
                    'write quote(ticket.task_id, safe="").'
                )


def _urls(provider: Provider) -> dict[str, str]:
    found = {name: getattr(provider, name) for name in MOVED}
    return {name: url for name, url in found.items() if url is not None}


def _is_below(url: str, base: str) -> bool:
    return url == base or url.startswith((f"{base}/", f"{base}?"))


def _decoded(request: httpx.Request) -> list[str]:
    """Host, segments of the path, query and body of a request, as the service reads them."""
    path, _, query = request.url.raw_path.decode("ascii").partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    body = [str(value) for name, value in wire_form(request).items() if name.startswith("body")]
    segments = [unquote(segment) for segment in path.split("/")]
    return [request.url.host, *segments, *(text for pair in pairs for text in pair), *body]
