"""A task whose plug-in is gone names the distribution that made it, and waits for it."""

from collections.abc import Callable
from types import MappingProxyType

import pytest
from attrs import evolve
from kling26.core import VideoRequest, hookimpl
from kling26.core.errors import NotDelivered
from kling26.core.host import Host
from kling26.core.installed import PlugIn
from kling26.core.journal.task import Task
from kling26.core.plugins import Registry
from kling26.core.problems import Problem
from kling26.core.runner.absence import absence
from kling26.core.runner.results import Outcome
from kling26.core.runner.runner import Runner

from ..conftest import Stage

ACME = PlugIn("kling26-acme", "acme", lambda: None, "0.1.0", "kling26_acme")
NOBODY = Registry(MappingProxyType({}), MappingProxyType({}))


def task(
    state: str = "submitted", plugin: str | None = "kling26-acme 0.1.0", **more: object
) -> Task:
    facts = {
        "id": "k26-1", "provider": "acme", "plugin": plugin, "realm": "live", "fingerprint": "",
        "state": state, "prompt": "A fox", "sound": False, "duration": 5, "aspect_ratio": "16:9",
        "seed": 0, "options": {}, "created": 0.0, "updated": 0.0,
    }  # fmt: skip
    return Task(**facts | more)  # type: ignore[arg-type]


MADE = 'The provider "acme" is not here; the plug-in "kling26-acme 0.1.0" made this task.'


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (task(), f"{MADE} Install it again to fetch the video."),
        (task("succeeded"), f"{MADE} Install it again to fetch the video."),
        (task("stored"), f"{MADE} Install it again to fetch the video again."),
        (task("unknown"), f"{MADE} Install it again to find out what became of the video."),
        (task("submitting"), f"{MADE} Install it again to send the request."),
        (task("failed"), MADE),
        (
            task(plugin=None),
            ('The provider "acme" is not installed. Install its plug-in again to fetch the video.'),
        ),
    ],
)
def test_it_is_said_what_the_plug_in_is_needed_for(given: Task, said: str) -> None:
    assert absence(given, NOBODY) == said


@pytest.mark.parametrize("plugin", ["kling26-acme 0.1.0", "KLING26_Acme 0.0.9", None])
def test_one_that_a_setting_leaves_out_need_not_be_installed(plugin: str | None) -> None:
    registry = evolve(NOBODY, left_out=(ACME,))

    assert str(absence(task(plugin=plugin), registry)).endswith(
        'KLING26_LOAD_PLUGINS is set, and does not name "kling26-acme".'
    )


@pytest.mark.parametrize("plugin", ["kling26-acme 0.1.0", None])
def test_one_that_was_skipped_has_the_reason(plugin: str | None) -> None:
    problem = Problem("kling26-acme:acme", "Acme.title must be a non-empty string.")
    registry = evolve(NOBODY, problems=(problem,))

    assert str(absence(task(plugin=plugin), registry)).endswith(str(problem))


class Ledger:
    """Any hook makes a plug-in."""

    @hookimpl
    def kling26_ended(self) -> None:
        pass


def of_plug_in(stage: Stage) -> Registry:
    """The stage's provider, as if a distribution had brought it."""
    host = Host()
    host.register("kling26-acme:acme", Ledger(), ACME)
    name = stage.provider.name
    origins = MappingProxyType({name: "kling26-acme:acme"})
    return Registry(MappingProxyType({name: stage.provider}), origins, host=host)


def runner(stage: Stage, registry: Registry) -> Runner:
    """A runner of the stage's, with these plug-ins installed."""
    usual = stage.runner()
    return Runner(
        settings=usual.settings, registry=registry, sandbox=usual.sandbox, journal=usual.journal
    )


def resumed(stage: Stage, registry: Registry) -> Outcome:
    async def work() -> Outcome:
        async with runner(stage, registry) as resuming:
            (outcome,) = [each async for each in resuming.resume()]
            return outcome

    return stage.run(work())


def test_a_paid_task_names_its_plug_in_until_that_is_back(
    stage_of: Callable[[str], Stage],
) -> None:
    stage = stage_of("kie")

    async def submit() -> None:
        async with runner(stage, of_plug_in(stage)) as made:
            await made.submit(VideoRequest("A fox"), "kie", sandbox=True)

    stage.run(submit())
    assert stage.task().plugin == "kling26-acme 0.1.0"
    gone = resumed(stage, NOBODY)
    there = resumed(stage, of_plug_in(stage))

    assert isinstance(gone.error, NotDelivered)
    assert str(gone.error) == (
        'The provider "kie" is not here; the plug-in "kling26-acme 0.1.0" made this task. '
        "Install it again to fetch the video. The video is paid for."
    )
    assert there.error is None
    assert (stage.task().state, stage.paid) == ("stored", 1)


def test_a_task_of_ours_has_no_plug_in(stage_of: Callable[[str], Stage]) -> None:
    stage = stage_of("kie")
    stage.generate()

    assert stage.task().plugin is None
