"""A "no" that only the HTTP status says: a gateway knows nothing of the forms of the API."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from kling26.cli.exits import exit_status
from kling26.core.errors import KeyRejected, Kling26Error, OutcomeUnknown, OutOfCredit, Refused
from kling26.core.request import VideoRequest

from ..conftest import PROVIDERS, Stage, stage_at

HTML = b"<html><head><title>403 Forbidden</title></head></html>"


def answered(stage: Stage, status: int, body: bytes) -> tuple[Kling26Error, int]:
    """The error after such an answer to every paid request, and how many were sent."""
    paid: list[httpx.Request] = []

    class Gateway(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method != "POST":
                return await inner.handle_async_request(request)
            paid.append(request)
            return httpx.Response(status, content=body, headers={"Location": "https://a.example/"})

    inner = stage.transport()

    async def work() -> None:
        async with stage.runner(sandbox=lambda _: Gateway()) as runner:
            await runner.generate(VideoRequest("A heron"), stage.provider.name, sandbox=True)

    with pytest.raises(Kling26Error) as raised:
        stage.run(work())
    return raised.value, len(paid)


@pytest.fixture(params=PROVIDERS)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    with stage_at(tmp_path / "home", request.param) as stage:
        yield stage


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", KeyRejected),
        (401, b'{"message": "no"}', KeyRejected),
        (402, HTML, OutOfCredit),
        (402, b'{"message": "no"}', OutOfCredit),
        (403, b"error code: 1010", Refused),
        (403, HTML, Refused),
        (404, HTML, Refused),
        (413, HTML, Refused),
        (301, b"", Refused),
        (307, HTML, Refused),
    ],
    ids=str,
)
def test_it_is_a_refusal_that_costs_nothing(
    stage: Stage, status: int, body: bytes, kind: type[Refused]
) -> None:
    error, sent = answered(stage, status, body)

    assert isinstance(error, kind)
    assert exit_status(error) == 3
    assert str(error).endswith("Nothing was paid.")
    assert sent == 1
    assert stage.task().state == "refused"


@pytest.mark.parametrize("status", [200, 408, 409, 499])
def test_what_may_have_been_taken_is_unknown(stage: Stage, status: int) -> None:
    error, _ = answered(stage, status, HTML)

    assert isinstance(error, OutcomeUnknown)
    assert stage.task().state == "unknown"


@pytest.mark.parametrize("status", [401, 402, 404])
def test_an_answer_with_the_id_of_a_task_is_no_refusal(stage: Stage, status: int) -> None:
    answered(stage, status, f'{{"{stage.provider.task_id_name}": "task-1", "code": "?"'.encode())

    assert stage.task().state in ("submitted", "unknown")
