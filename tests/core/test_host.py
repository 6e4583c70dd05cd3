"""Hooks are called as pluggy documents it, and each plug-in answers for itself alone."""

import logging

import pytest
from kling26.core.plugins import Registry, load_providers

from .conftest import Install
from .plug_ins import ACME, acme

BUILT_IN = ["kie", "apikley", "cometapi", "runcomfy"]


def wrapper(*lines: str, mark: str = "wrapper=True") -> str:
    """A plug-in whose hook wraps the providers of all others."""
    head = f"{ACME.partition('@hookimpl')[0]}\n@hookimpl({mark})\ndef kling26_providers():\n"
    return head + "".join(f"    {line}\n" for line in lines)


@pytest.fixture
def loaded(install: Install) -> "Loading":
    return Loading(install)


class Loading:
    """Loads plug-ins that are installed as one, two and so on."""

    def __init__(self, install: Install) -> None:
        self.install = install

    def __call__(self, *sources: str) -> Registry:
        names = ("one", "two", "three")
        plug_ins = [self.install(*each) for each in zip(sources, names, strict=False)]
        return load_providers(plug_ins)


ANOTHER = acme(('"acme"', '"zenith"'), ("ACME_API", "ZENITH_API"))

#: Wrappers that fail or take away, and what is said of each.
BAD_WRAPPERS = {
    "raises before": (
        ["raise LookupError('no luck')", "yield"],
        "its kling26_providers raised LookupError: no luck",
    ),
    "raises after": (
        ["yield", "raise LookupError('no luck')"],
        "its kling26_providers raised LookupError: no luck",
    ),
    "ends early": (
        ["if False: yield"],
        'its wrapper ended before its "yield".',
    ),
    "yields twice": (
        ["results = yield", "yield", "return results"],
        'its wrapper has a second "yield".',
    ),
    "returns nothing": (
        ["yield"],
        "its wrapper of kling26_providers drops results of other plug-ins",
    ),
    "returns an empty list": (
        ["yield", "return []"],
        "a wrapper may add to that, and takes nothing away.",
    ),
    "keeps one": (
        ["results = yield", "return results[:1]"],
        "a wrapper may add to that, and takes nothing away.",
    ),
    "returns a text": (
        ["yield", "return 'acme'"],
        "a wrapper may add to that, and takes nothing away.",
    ),
    "leaves the process": (
        ["yield", "raise SystemExit(3)"],
        "SystemExit: 3",
    ),
}


@pytest.mark.parametrize("mark", ["wrapper=True", "wrapper=True, tryfirst=True"])
@pytest.mark.parametrize("fault", BAD_WRAPPERS)
def test_a_bad_wrapper_is_named_and_costs_nobody_a_provider(
    loaded: Loading, caplog: pytest.LogCaptureFixture, fault: str, mark: str
) -> None:
    lines, reason = BAD_WRAPPERS[fault]

    registry = loaded(wrapper(*lines, mark=mark), ANOTHER)

    assert list(registry.providers) == [*BUILT_IN, "zenith"]
    told = [each for each in caplog.messages if reason in each]
    assert len(told) == 1
    assert told[0].startswith('The plug-in "kling26-one:one" ')
    others = {each.plugin for each in registry.problems} - {"kling26-one:one"}
    assert not others


def test_an_old_wrapper_that_takes_away_is_named_too(
    loaded: Loading, caplog: pytest.LogCaptureFixture
) -> None:
    source = wrapper("outcome = yield", "outcome.force_result([])", mark="hookwrapper=True")

    assert list(loaded(source, ANOTHER).providers) == [*BUILT_IN, "zenith"]
    assert caplog.messages == [
        (
            'The plug-in "kling26-one:one" has a fault: its wrapper of kling26_providers drops '
            "results of other plug-ins; a wrapper may add to that, and takes nothing away."
        )
    ]


@pytest.mark.parametrize(
    ("mark", "lines"),
    [
        ("wrapper=True", ["results = yield", "return [*results, [Acme()]]"]),
        ("wrapper=True, trylast=True", ["return [*(yield), Acme()]"]),
        (
            "hookwrapper=True",
            ["outcome = yield", "outcome.force_result([*outcome.get_result(), [Acme()]])"],
        ),
        (
            "hookwrapper=True",
            ["outcome = yield", "outcome.get_result().append([Acme()])"],
        ),
    ],
)
def test_what_a_wrapper_adds_is_its_own(
    loaded: Loading, caplog: pytest.LogCaptureFixture, mark: str, lines: list[str]
) -> None:
    registry = loaded(wrapper(*lines, mark=mark), ANOTHER)

    assert list(registry.providers) == [*BUILT_IN, "zenith", "acme"]
    assert registry.origins["acme"] == "kling26-one:one"
    assert caplog.messages == []


def test_a_wrapper_sees_what_the_others_return_and_what_other_wrappers_add(
    loaded: Loading, capfd: pytest.CaptureFixture[str]
) -> None:
    looking = wrapper(
        "results = yield",
        "print(sorted(each.name for some in results for each in some))",
        "return results",
        mark="wrapper=True, tryfirst=True",
    )
    adding = wrapper("return [*(yield), [Acme()]]")

    loaded(looking, adding, ANOTHER)

    assert "['acme', 'apikley', 'cometapi', 'kie', 'runcomfy', 'zenith']" in capfd.readouterr().err


def test_a_wrapper_cannot_change_or_replace_a_provider_of_ours(
    loaded: Loading, caplog: pytest.LogCaptureFixture
) -> None:
    """Its URL says where the user's key is sent."""
    changing = wrapper(
        "results = yield",
        "for some in results:",
        "    for each in some:",
        "        each.base_url = 'https://thief.example'",
        "return results",
    )
    replacing = wrapper("thief = Acme()", "thief.name = 'kie'", "return [*(yield), [thief]]")

    registry = loaded(changing, replacing)

    assert list(registry.providers) == BUILT_IN
    assert registry["kie"].base_url == "https://api.kie.ai"
    assert 'the name "kie" already belongs to "providers.kie".' in caplog.text


def test_a_hook_may_have_another_name_in_its_module(loaded: Loading) -> None:
    source = acme(
        ("@hookimpl\ndef kling26_providers", "@hookimpl(specname='kling26_providers')\ndef mine")
    )

    registry = loaded(source)

    assert registry.origins["acme"] == "kling26-one:one"
    (hook,) = registry.host.plug_ins["kling26-one:one"].hooks
    assert str(hook) == "kling26_providers"


def test_a_hook_of_another_version_may_be_optional(
    loaded: Loading, caplog: pytest.LogCaptureFixture
) -> None:
    source = f"{ACME}\n@hookimpl(optionalhook=True)\ndef kling26_tomorrow(weather): pass\n"

    assert "acme" in loaded(source).providers
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("first", "second", "title"),
    [
        ("", "", "First"),
        ("(trylast=True)", "", "Second"),
        ("", "(tryfirst=True)", "Second"),
        ("(tryfirst=True)", "(tryfirst=True)", "First"),
    ],
)
def test_who_asks_to_be_first_gets_the_name(
    loaded: Loading, first: str, second: str, title: str
) -> None:
    registry = loaded(
        acme(("@hookimpl", f"@hookimpl{first}"), ("Acme Video", "First")),
        acme(("@hookimpl", f"@hookimpl{second}"), ("Acme Video", "Second")),
    )

    assert registry["acme"].title == title
    assert len(registry.problems) == 1


def test_a_plug_in_that_is_unregistered_is_called_no_more(loaded: Loading) -> None:
    host = loaded(ACME, ANOTHER).host

    host.manager.unregister(name="kling26-one:one")
    names = [each.plugin for each in host.gather("kling26_providers", [])]

    assert names[-1] == "kling26-two:two"
    assert "kling26-one:one" not in names


def test_a_module_is_loaded_once_and_its_hooks_are_called_once(
    loaded: Loading, capfd: pytest.CaptureFixture[str]
) -> None:
    source = acme(("    return [Acme()]", "    print('asked')\n    return [Acme()]"))

    registry = loaded(f"print('loaded')\n{source}")
    registry.emulators.found()
    registry.emulators.found()

    assert capfd.readouterr().err.split() == ["loaded", "asked"]


def test_an_emulator_that_cannot_be_built_is_in_nobody_elses_way(
    loaded: Loading, caplog: pytest.LogCaptureFixture
) -> None:
    source = f"""
{ACME}
from kling26.core import Sandbox

def build(conditions):
    raise RuntimeError("no clock")

@hookimpl
def kling26_sandboxes():
    return [Sandbox("acme", build)]
"""
    emulators = loaded(source).emulators

    emulators.found()["acme"].build(None)

    assert emulators.broken == {
        "acme": (
            'Acme Video has no emulator: that of the plug-in "kling26-one:one" cannot be built '
            "(RuntimeError: no clock)."
        )
    }
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    "source",
    [
        acme(("return [Acme()]", "while True: yield Acme()")),
        wrapper("yield", "one = Acme()", "return (one for _ in iter(int, 1))"),
    ],
    ids=["hook", "wrapper"],
)
def test_a_hook_without_an_end_is_taken_at_its_first_results(loaded: Loading, source: str) -> None:
    registry = loaded(source, ANOTHER)

    assert sorted(registry.providers) == sorted([*BUILT_IN, "acme", "zenith"])
    reasons = [each.reason for each in registry.problems]
    assert (
        "its kling26_providers returned more than 300 results; only the first 300 count." in reasons
    )
    assert len(reasons) <= 3
