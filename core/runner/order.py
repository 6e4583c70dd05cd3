"""A request that has passed every check that can be made without asking anyone."""

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from attrs import frozen

from .. import validation
from ..journal.files import check_output
from ..journal.task import Realm, Task, fingerprint, new_task_id, write_options, write_request
from ..provider import Provider
from ..request import VideoRequest
from ..settings import is_loopback


@frozen
class Wish:
    """What is wanted, of whom, and where to."""

    request: VideoRequest
    provider: Provider
    options: object
    realm: Realm
    output: Path | None

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.provider.name, self.realm, self.request, self.options)

    def draft(self, image: str | None, worker: str, clock: Callable[[], float]) -> Task:
        """A new row for the journal; `image` is the name under which the picture was kept."""
        moment = clock()
        return Task(
            id=new_task_id(),
            provider=self.provider.name,
            realm=self.realm,
            fingerprint=self.fingerprint,
            state="submitting",
            request=write_request(self.request),
            options=write_options(self.options),
            image=image,
            created=moment,
            updated=moment,
            worker=worker,
        )


def make_wish(
    request: VideoRequest,
    provider: Provider,
    options: Mapping[str, object] | object | None,
    output: str | Path | None,
    sandbox: bool,
) -> Wish:
    """Check everything; raises a `UsageError` with nothing sent and nothing written."""
    chosen = validation.validate(provider, request, options)
    path = None if output is None else check_output(Path(output))
    return Wish(request, provider, chosen, realm_of(provider, sandbox), path)


def realm_of(provider: Provider, sandbox: bool) -> Realm:
    """Where a task of the provider is paid at its present address."""
    if sandbox:
        return "sandbox"
    return "loopback" if is_loopback(httpx.URL(provider.base_url).host) else "live"
