"""`KLING26_TRACE_PLUGINS` shows each call of a hook, and never a key."""

import asyncio
import re

import pytest
from kling26.core import Price, SettingsError, VideoRequest
from kling26.core.events import Events
from kling26.core.host import Host
from kling26.core.plugins import load_providers
from kling26.core.settings import Settings
from kling26.core.tracing import brief

from .conftest import Install
from .plug_ins import ACME, acme

KEY = "sk-recognisable-0123456789"
LEDGER = """
from kling26.core import hookimpl

@hookimpl(wrapper=True)
def kling26_before_paying(request):
    return (yield)

@hookimpl
def kling26_ended(task):
    raise LookupError(f"no such ledger: {__import__('os').environ['ACME_API_KEY']}")
"""


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the trace shows, without the times."""
    shown = [each for each in caplog.records if each.name == "kling26.plugins"]
    return [re.sub(r"after \d+\.\d ms", "after 0 ms", each.getMessage()) for each in shown]


def test_each_call_is_shown_with_what_it_returns(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    load_providers([install(ACME)], traced=True)

    assert lines(caplog)[0] == (
        'kling26_providers() of "kling26-acme:acme" returned ["acme"] after 0 ms.'
    )
    assert 'kling26_providers() of "providers.kie" returned ["kie"] after 0 ms.' in lines(caplog)


def test_what_is_raised_is_shown_and_the_arguments_are_short(
    install: Install, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY", KEY)
    registry = load_providers([install(LEDGER, "ledger")], traced=True)
    caplog.clear()
    request = VideoRequest("A red fox trots through fresh snow, far from any road")

    asyncio.run(registry.events.before_paying(request, registry["kie"], Price(usd=0.28)))
    asyncio.run(registry.events.ended(None))

    facts = (
        '(request="A red fox trots through fresh snow, far…", provider="kie", price=0.28 USD) of '
        '"kling26-ledger:ledger"'
    )
    assert lines(caplog) == [
        f"kling26_before_paying{facts}, before the others came to its yield after 0 ms.",
        f"kling26_before_paying{facts}, after the others returned None after 0 ms.",
        (
            'kling26_ended(task=None) of "kling26-ledger:ledger" raised LookupError: no such '
            "ledger: [key] after 0 ms."
        ),
    ]
    assert KEY not in caplog.text


def test_what_does_not_return_is_shown_too(
    install: Install, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kling26.core.events._PATIENCE", 0.01)
    source = """
    import time
    from kling26.core import hookimpl

    @hookimpl
    def kling26_ended():
        time.sleep(0.1)
    """
    registry = load_providers([install(source, "slow")], traced=True)
    caplog.clear()

    asyncio.run(registry.events.ended(None))

    assert lines(caplog) == [
        'kling26_ended(task=None) of "kling26-slow:slow" has not returned yet.'
    ]


def test_nothing_is_shown_unless_it_is_asked_for(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    load_providers([install(ACME)])

    assert lines(caplog) == []
    assert not Host().traced
    assert not Events().asked


@pytest.mark.parametrize(
    ("value", "traced"), [("1", True), ("true", True), ("Yes", True), ("0", False), ("", False)]
)
def test_it_is_set_like_any_switch(value: str, traced: bool) -> None:
    settings = Settings({"KLING26_HOME": "nowhere", "KLING26_TRACE_PLUGINS": value})

    assert settings.trace_plugins is traced


def test_another_value_is_refused() -> None:
    settings = Settings({"KLING26_HOME": "nowhere", "KLING26_TRACE_PLUGINS": "all"})

    with pytest.raises(SettingsError, match='KLING26_TRACE_PLUGINS must be 1 or 0; got "all"'):
        _ = settings.trace_plugins


def test_of_a_value_that_is_not_known_only_the_type_is_shown(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY", KEY)

    assert brief({"key": KEY}) == "dict"
    assert brief(f"key={KEY}") == '"key=[key]"'
    assert brief(list(range(9))) == "[0, 1, 2, 3, 4, 5, …]"
    provider = load_providers([install(acme())])["acme"]
    assert brief([provider, None, True]) == '["acme", None, True]'
