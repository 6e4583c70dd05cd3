"""Each fault of a plug-in is told once, in a sentence that names it and says what to do."""

import logging
from pathlib import Path

import pytest
from kling26.core.installed import discover
from kling26.core.plugins import Registry, load_providers

from .conftest import Install
from .plug_ins import ACME, acme, having

OPTIONS = "from dataclasses import dataclass\n\n@{}\nclass Own:\n    {}\n\nclass Acme("


def options(kind: str, field: str, given: str = "Own") -> str:
    """The plug-in with own options of a kind."""
    return acme(
        ("class Acme(", OPTIONS.format(kind, field)),
        ("    def submit", f"    Options = {given}\n\n    def submit"),
    )


def hook(*lines: str) -> str:
    """The plug-in with another hook."""
    return f"import pluggy\n{ACME}\n" + "\n".join(lines) + "\n"


STYLE = 'style: str = option("plain", label="Style", help="The look.")'
CHOICE = 'style: str = option("noir", label="Style", help="The look.", choices=("plain", "film"))'

#: What is wrong with a provider; nothing is left of the plug-in.
PROVIDERS: dict[str, tuple[str, str]] = {
    "interface as text": (
        having('interface = "1"'),
        'Acme.interface must be a whole number from 1 up; got "1".',
    ),
    "interface None": (
        having("interface = None"),
        "Acme.interface must be a whole number from 1 up; got None.",
    ),
    "interface True": (
        having("interface = True"),
        "Acme.interface must be a whole number from 1 up; got True.",
    ),
    "interface 1.0": (
        having("interface = 1.0"),
        "Acme.interface must be a whole number from 1 up; got 1.0.",
    ),
    "interface 0": (
        having("interface = 0"),
        "Acme.interface must be a whole number from 1 up; got 0.",
    ),
    "interface 99": (
        having("interface = 99"),
        (
            "it needs version 99 of the plug-in interface, but this kling26 has version 1; "
            "upgrade kling26."
        ),
    ),
    "a plain field": (
        options("frozen", "style: str = 'plain'"),
        "Acme.Options.style must be made with kling26.core.option.",
    ),
    "an instance of options": (
        options("frozen", STYLE, "Own()"),
        (
            "Acme.Options must be an attrs class; got one of Own: write Options = Own, without "
            "brackets."
        ),
    ),
    "a dataclass": (
        options("dataclass", "style: str = 'plain'"),
        (
            "Acme.Options must be an attrs class; got the class Own, a dataclass: decorate it with "
            "@attrs.frozen."
        ),
    ),
    "a dict of options": (
        having('Options = {"style": "plain"}'),
        "Acme.Options must be an attrs class; got {'style': 'plain'}.",
    ),
    "a default that is no choice": (
        options("frozen", CHOICE),
        (
            "Acme.Options.style has a default that does not fit: style must be plain or film; got "
            '"noir".'
        ),
    ),
    "a webhook in words": (
        having('takes_callback_url = "yes"'),
        'Acme.takes_callback_url must be True or False; got "yes".',
    ),
    "late costs in numbers": (
        having("cost_comes_late = 1"),
        "Acme.cost_comes_late must be True or False; got 1.",
    ),
    "charges for failures in words": (
        having('charges_failures = "no"'),
        "Acme.charges_failures must be True, False, or None where it is not documented; got ",
    ),
    "charges in numbers": (
        having("charges = 0.5"),
        "Acme.charges must be a string or None; got 0.5.",
    ),
    "the name of an id": (
        having("task_id_name = 5"),
        "Acme.task_id_name must be a string or None; got 5.",
    ),
    "a unit": (having("cost_unit = 1"), "Acme.cost_unit must be a non-empty string; got 1."),
    "one other variable": (
        having('other_key_variables = "ACME_TOKEN"'),
        (
            'Acme.other_key_variables must be a tuple of names; got "ACME_TOKEN": write '
            '("ACME_TOKEN",).'
        ),
    ),
    "the class of limits": (
        having("limits = Limits"),
        "Acme.limits must be a kling26.core.Limits; got the class Limits: write Limits().",
    ),
    "a rate that is no number": (
        having("usd_per_unit = float('nan')"),
        "Acme.usd_per_unit must be a number above 0, or None; got nan.",
    ),
    "a price that is a number": (having("price = 0.5"), "Acme.price must be a method; got 0.5."),
    "a flow that is async": (
        acme(("    def poll", "    async def poll")),
        'Acme.poll must be a generator: "def" and "yield", without "async".',
    ),
    "a function that is async": (
        having("async def price(self, request, options): return 1"),
        'Acme.price must be a plain function: "def", without "async".',
    ),
    "a flow without options": (
        acme(("def submit(self, request, options)", "def submit(self, request)")),
        "Acme.submit must take request and options after self (too many positional arguments).",
    ),
    "a flow that takes more": (
        having("def balance(self, account): yield"),
        "Acme.balance must take nothing after self (missing a required argument: 'account').",
    ),
    "a capital": (
        acme(('"acme"', '"Acme"')),
        'Acme.name must be a lower-case letter followed by any of a-z, 0-9, - and _; got "Acme".',
    ),
    "both methods left out": (
        acme(("    def poll", "    def pool"), ("    def submit", "    def submits")),
        "Acme has no poll and submit, which every provider needs.",
    ),
    "not a subclass": (
        acme(("class Acme(Provider)", "class Acme")),
        "kling26_providers returned Acme, which is not a Provider.",
    ),
    "a limit as text": (
        having('limits = Limits(text_prompt="2000")'),
        'Limits.text_prompt must be a whole number above 0; got "2000".',
    ),
    "async hook": (
        acme(("def kling26_providers", "async def kling26_providers")),
        'its kling26_providers must be a plain function, "def" without "async".',
    ),
    "another project's hook": (
        "import pluggy\n" + acme(("@hookimpl\n", '@pluggy.HookimplMarker("pytest")\n')),
        'it has hooks of "pytest" only; import hookimpl from kling26.core.',
    ),
    "a specification": (
        "from kling26.core.hookspecs import hookspec\n" + acme(("@hookimpl\n", "@hookspec\n")),
        'its kling26_providers is marked with "@hookspec"; mark it with "@hookimpl".',
    ),
    "pytest's hook": (
        hook("@hookimpl", "def pytest_configure(config): pass"),
        'it has an unknown hook "pytest_configure"; there are kling26_providers, ',
    ),
    "a wrapper that is none": (
        acme(("@hookimpl\n", "@hookimpl(wrapper=True)\n")),
        (
            "its kling26_providers is marked as a wrapper, which needs a yield: "
            '"results = yield", and at the end "return results". Without one, leave out '
            '"wrapper=True".'
        ),
    ),
    "an old wrapper that is none": (
        acme(("@hookimpl\n", "@hookimpl(hookwrapper=True)\n")),
        'Without one, leave out "hookwrapper=True".',
    ),
    "a wrapper twice": (
        hook(
            "@hookimpl(wrapper=True, hookwrapper=True)", "def kling26_ended(task):", "    yield"
        ),
        "its kling26_ended is marked with wrapper and with hookwrapper; wrapper=True is enough.",
    ),
    "a misspelt argument": (
        hook("@hookimpl", "def kling26_before_paying(prices): pass"),
        'its kling26_before_paying has the unknown argument "prices"; did you mean "price"?',
    ),
    "an argument that is none": (
        hook("@hookimpl", "def kling26_before_paying(journal): pass"),
        'has the unknown argument "journal"; it may take request, provider and price.',
    ),
    "an argument by keyword": (
        hook("@hookimpl", "def kling26_before_paying(*, price): pass"),
        'takes "price" after a "*", where pluggy does not give it; leave out the "*".',
    ),
    "a hook that never runs": (
        hook("@hookimpl", "def kling26_ended(task):", "    yield"),
        (
            "its kling26_ended contains a yield, so its body would never run; remove that, or "
            'mark it with "@hookimpl(wrapper=True)".'
        ),
    ),
}  # fmt: skip

#: What is wrong with a part of a plug-in; its provider is there.
PARTS: dict[str, tuple[str, str]] = {
    "the same provider twice": (
        acme(("return [Acme()]", "return [ONE, ONE]"), ("@hookimpl", "ONE = Acme()\n\n@hookimpl")),
        'it returns the provider "acme" twice; the first one counts.',
    ),
    "two providers of one name": (
        acme(("return [Acme()]", "return [Acme(), Acme()]")),
        'it returns a provider called "acme" twice; the first one counts.',
    ),
    "a forgotten marker": (
        hook("def kling26_sandboxes(): return []"),
        'its kling26_sandboxes is not called, because "@hookimpl" is missing above it.',
    ),
    "a foreign marker": (
        hook('@pluggy.HookimplMarker("tox")', "def kling26_ended(task): pass"),
        'its kling26_ended is marked as a hook of "tox"; import hookimpl from kling26.core.',
    ),
}


def sandbox(*arguments: str) -> str:
    """The plug-in with these emulators."""
    made = ", ".join(f"Sandbox({each})" for each in arguments)
    return hook(
        "from kling26.core import Sandbox", "@hookimpl", "def kling26_sandboxes():",
        f"    return [{made}]",
    )  # fmt: skip


#: What is wrong with an emulator.
SANDBOXES: dict[str, tuple[str, str]] = {
    "for nobody": (sandbox('"zenith", dict'), 'its sandbox is for "zenith", and there is no such'),
    "for a misspelt one": (
        sandbox('"Acme", dict'),
        'its sandbox is for "Acme"; did you mean "acme"?',
    ),
    "twice": (
        sandbox('"acme", dict', '"acme", list'),
        'it has a second sandbox for "acme"; the first one counts.',
    ),
    "for one of ours": (
        sandbox('"kie", dict'),
        'its sandbox for "kie" does not count: that provider is built in, and has its own.',
    ),
    "not callable": (
        sandbox('"acme", "AcmeSandbox"'),
        ('Sandbox.build must be what builds the emulator, such as its class; got "AcmeSandbox".'),
    ),
    "uploads in numbers": (
        sandbox('"acme", dict, uploads=5'),
        'Sandbox.uploads must be a path such as "/files", "" or None; got 5.',
    ),
    "uploads at a URL": (
        sandbox('"acme", dict, uploads="https://files.acme.example"'),
        'Sandbox.uploads must be a path such as "/files", "" or None; got "https://files',
    ),
    "one host": (
        sandbox('"acme", dict, hosts="https://files.acme.example"'),
        'Sandbox.hosts must be a tuple of URLs; got "https://files.acme.example": write ("https',
    ),
    "a host that is no URL": (
        sandbox('"acme", dict, hosts=("files.acme.example",)'),
        'Sandbox.hosts must be a tuple of https:// URLs; got "files.acme.example".',
    ),
    "a provider as its name": (
        sandbox("Acme, dict"),
        "Sandbox.provider must be the name of a provider; got <class",
    ),
    "not a sandbox": (
        sandbox().replace("return []", "return [dict]"),
        "kling26_sandboxes returned the class dict, which is not a Sandbox.",
    ),
    "no list": (
        sandbox().replace("return []", "return Sandbox('acme', dict)"),
        "kling26_sandboxes returned Sandbox; it must return a list.",
    ),
}


def told(caplog: pytest.LogCaptureFixture) -> str:
    """The one warning."""
    (warning,) = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert "\n" not in warning
    return warning


@pytest.mark.parametrize("fault", PROVIDERS)
def test_a_faulty_plug_in_is_left_out(
    install: Install, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    source, reason = PROVIDERS[fault]

    registry = load_providers([install(source)])

    assert "acme" not in registry.providers
    assert told(caplog).startswith('The plug-in "kling26-acme:acme" was skipped: ')
    assert reason in told(caplog)
    assert told(caplog).endswith((".", "?"))


@pytest.mark.parametrize("fault", PARTS)
def test_the_rest_of_a_plug_in_is_used(
    install: Install, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    source, reason = PARTS[fault]

    registry = load_providers([install(source)])

    assert "acme" in registry.providers
    assert told(caplog) == f'A part of the plug-in "kling26-acme:acme" was skipped: {reason}'


@pytest.mark.parametrize("fault", SANDBOXES)
def test_a_faulty_emulator_is_left_out_when_it_is_needed(
    install: Install, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    source, reason = SANDBOXES[fault]

    registry = load_providers([install(source)])
    assert caplog.messages == []
    found = registry.emulators.found()

    assert set(found) - {"acme"} == {"kie", "apikley", "cometapi", "runcomfy"}
    assert ("acme" in found) == (fault in ("twice",))
    assert told(caplog).startswith('A part of the plug-in "kling26-acme:acme" was skipped: ')
    assert reason in told(caplog)
    assert registry.emulators.found() is found


def test_the_emulator_of_the_providers_own_plug_in_counts(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    other = """
    from kling26.core import Sandbox, hookimpl

    @hookimpl(tryfirst=True)
    def kling26_sandboxes():
        return [Sandbox("acme", list)]
    """
    plug_ins = [install(other, "aaa"), install(sandbox('"acme", dict'))]

    emulators = load_providers(plug_ins).emulators
    emulators.found()

    assert emulators.origins["acme"] == "kling26-acme:acme"
    assert told(caplog) == (
        'The plug-in "kling26-aaa:aaa" was skipped: its sandbox for "acme" does not count: '
        '"kling26-acme:acme" has one.'
    )


def test_uploads_for_nothing_are_told_and_do_no_harm(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    registry = load_providers([install(sandbox('"acme", dict, uploads="/files"'))])

    assert "acme" in registry.emulators.found()
    assert told(caplog) == (
        'The plug-in "kling26-acme:acme" has a fault: its sandbox has uploads, but "acme" has no '
        "upload_url."
    )


def test_of_a_provider_that_is_left_out_the_emulator_is_not_told_of_too(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    faulty = sandbox('"acme", dict').replace('"Acme Video"', "None")

    assert "acme" not in load_providers([install(faulty)]).emulators.found()

    assert "Acme.title must be a non-empty string." in told(caplog)


# -- the entry point -------------------------------------------------------------------------------

POINTS = {
    "a function": (
        "kling26_acme:kling26_providers",
        "its entry point names the function kling26_providers; name its module: kling26_acme.",
    ),
    "a provider's class": (
        "kling26_acme:Acme",
        (
            "its entry point names a provider; name the module with the hook kling26_providers, "
            "which returns it."
        ),
    ),
    "a class with hooks": (
        "kling26_acme:Hooks",
        "its entry point names the class Hooks; name an instance of it, or a module.",
    ),
    "nothing": (
        "kling26_acme:nothing",
        "AttributeError: module 'kling26_acme' has no attribute 'nothing'",
    ),
}


@pytest.mark.parametrize("what", POINTS)
def test_an_entry_point_names_a_module(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    value, reason = POINTS[what]
    install(hook("class Hooks:", "    @hookimpl", "    def kling26_ended(self, task): pass"))
    points = tmp_path / "kling26_acme-1.0.dist-info" / "entry_points.txt"
    points.write_text(f"[kling26]\nacme = {value}\n")

    load_providers(discover(["kling26-acme"]))

    assert told(caplog) == f'The plug-in "kling26-acme:acme" was skipped: {reason}'


@pytest.mark.parametrize("group", ["kling26.plugins", "Kling-26", "kling26_providers"])
def test_a_misspelt_group_of_entry_points_is_told(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture, group: str
) -> None:
    install(ACME)
    info = tmp_path / "kling26_acme-1.0.dist-info"
    (info / "entry_points.txt").write_text(f"[{group}]\nacme = kling26_acme\n")

    registry: Registry = load_providers(discover())

    assert "acme" not in registry.providers
    reason = f'its entry points are in the group "{group}", not "kling26": {info}'
    assert reason in [each.reason for each in registry.problems]
