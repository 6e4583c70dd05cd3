"""What code of a plug-in changes that is not its own is put back, and it is named for it."""

import asyncio
import threading
from typing import Any

import pytest
from kling26.core import Provider, VideoRequest
from kling26.core.hookspecs import Sandbox
from kling26.core.money import Price
from kling26.core.plugins import load_providers
from kling26.providers import kie as kie_module

from .conftest import Install
from .plug_ins import ACME, acme

HEAD = "from kling26.core import hookimpl\n"
WRAPPER = f"""{HEAD}
@hookimpl(wrapper=True)
def kling26_providers():
    results = yield
    for p in [p for some in results for p in some if p.name == "kie"]:
        {{}}
    return results
"""
GUARD = f"""{HEAD}
@hookimpl
def kling26_before_paying(request, provider, price):
    {{}}
"""
URL = "https://evil.example"


def facts(provider: Provider) -> tuple[object, ...]:
    """What decides where a key goes, and what is sent."""
    return (
        provider.base_url, type(provider).base_url, provider.limits, dict(provider.states),
        dict(provider.errors), type(provider).submit, Provider.submit, type(provider).sign,
    )  # fmt: skip


CHANGES = {
    f"type(p).base_url = '{URL}'": "it changed base_url of kie.ai, which was put back.",
    "type(p).sign = lambda *a: None": "it changed sign of kie.ai, which was put back.",
    "type(p).submit = type(p)._other = lambda *a: None": (
        "it changed submit of kie.ai and _other of kie.ai, which were put back."
    ),
    "type(p).limits.__class__.prompt = None": "it changed prompt of Limits, which was put back.",
    "type(p).errors.clear()": "it changed errors of kie.ai, which was put back.",
    "object.__setattr__(type(p).limits, 'durations', (7,))": (
        "it changed limits.durations of kie.ai, which was put back."
    ),
    "__import__('kling26').core.Provider.submit = None": (
        "it changed submit of Provider, which was put back."
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_wrapper_changes_nothing_that_is_shared(install: Install, change: str) -> None:
    before = facts(load_providers()["kie"])

    registry = load_providers([install(WRAPPER.format(change))])

    assert facts(registry["kie"]) == before
    (problem,) = registry.problems
    assert (problem.plugin, problem.reason) == ("kling26-acme:acme", CHANGES[change])


@pytest.mark.parametrize(
    "change",
    [
        f"p.base_url = '{URL}'",
        "object.__setattr__(p.limits, 'durations', (7,))",
        "p.states.clear()",
        "p.errors.clear()",
    ],
)
def test_its_copies_are_its_own(install: Install, change: str) -> None:
    before = facts(load_providers()["kie"])

    registry = load_providers([install(WRAPPER.format(change))])

    assert facts(registry["kie"]) == before
    assert not registry.problems


def test_neither_does_the_code_of_a_module(install: Install) -> None:
    before = facts(load_providers()["kie"]), kie_module.Kie, VideoRequest
    source = f"""
        import kling26.core
        from kling26.providers import kie
        kie.Kie.base_url = "{URL}"
        kie.Kie = kling26.core.VideoRequest = None
        {HEAD}
        @hookimpl
        def kling26_ended(task): pass
    """

    registry = load_providers([install(source)])

    assert (facts(registry["kie"]), kie_module.Kie, VideoRequest) == before
    (problem,) = registry.problems
    assert "base_url of kie.ai" in problem.reason
    assert "Kie of kling26.providers.kie" in problem.reason


def test_one_plug_in_changes_nothing_of_another_but_of_itself(install: Install) -> None:
    meddling = f"""
        import kling26_acme
        kling26_acme.Acme.base_url = "{URL}"
        {HEAD}
        @hookimpl
        def kling26_ended(task): pass
    """
    moving = acme(
        ('"acme"', '"zenith"'), ("ACME_API", "ZENITH_API"),
        ("    return", "    Acme.base_url = 'https://eu.acme.example'\n    return"),
    )  # fmt: skip

    plug_ins = [install(ACME), install(meddling, "bad"), install(moving, "zenith")]
    registry = load_providers(plug_ins)

    assert registry["acme"].base_url == "https://api.acme.example"
    assert registry["zenith"].base_url == "https://eu.acme.example"
    assert [str(each) for each in registry.problems] == [
        (
            'The plug-in "kling26-bad:bad" has a fault: it changed base_url of Acme Video, '
            "which was put back."
        )
    ]


def test_an_emulator_stays_as_it_is(install: Install) -> None:
    stealing = f"""
        from kling26.core import Sandbox
        {HEAD}
        @hookimpl(wrapper=True)
        def kling26_sandboxes():
            results = yield
            Sandbox.balance = None
            for each in [each for some in results for each in some]:
                object.__setattr__(each, "build", None)
            return results
    """
    before: Any = Sandbox.balance

    emulators = load_providers([install(stealing)]).emulators

    assert all(callable(each.build) for each in emulators.found().values())
    assert Sandbox.balance is before
    (problem,) = emulators.problems
    assert problem.reason == "it changed balance of Sandbox, which was put back."


def test_a_guard_in_its_thread_changes_nothing_either(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    change = (
        f"type(provider).base_url = '{URL}'; object.__setattr__(request, 'prompt', 'Another'); "
        "object.__setattr__(provider.limits, 'durations', (7,))"
    )
    registry, request = load_providers([install(GUARD.format(change))]), VideoRequest("A red fox")
    before = facts(registry["kie"])

    asyncio.run(registry.events.before_paying(request, registry["kie"], Price()))

    assert facts(registry["kie"]) == before
    assert request.prompt == "A red fox"
    assert caplog.messages == [
        (
            'The plug-in "kling26-acme:acme" has a fault: it changed base_url of kie.ai, '
            "which was put back."
        )
    ]


def test_while_a_guard_runs_the_key_still_goes_to_its_own_provider(install: Install) -> None:
    registry = load_providers([install(GUARD.format("pass"))])
    kie = registry["kie"]

    type(kie).base_url = URL
    assert kie.base_url == kie.at({}).base_url == "https://api.kie.ai"
    registry.host.put_back("kling26-acme:acme")

    assert type(kie).base_url == "https://api.kie.ai"


def test_whoever_still_runs_may_have_done_it(install: Install) -> None:
    registry = load_providers([install(GUARD.format("pass"))])
    belongings, began, done = registry.host.belongings, threading.Event(), threading.Event()

    def hang() -> None:
        with belongings.running("kling26-slow:slow"):
            type(registry["kie"]).base_url = URL
            began.set()
            done.wait(60)

    thread = threading.Thread(target=hang)
    thread.start()
    began.wait(60)
    changed = belongings.put_back("kling26-acme:acme")
    done.set()
    thread.join()

    assert changed == (
        'it, or "kling26-slow:slow", changed base_url of kie.ai, which was put back.'
    )
