"""A broken plug-in is named in one line, and costs nobody else anything."""

import logging
import textwrap

import pytest
from attrs import evolve
from kling26.core import UnknownProvider
from kling26.core.installed import discover
from kling26.core.plugins import Registry, load_providers, load_sandboxes
from kling26.core.settings import Settings

from .conftest import Install
from .plug_ins import ACME, acme

BUILT_IN = ["kie", "apikley", "cometapi", "runcomfy"]

ODD_OPTION = """
from typing import Literal


@frozen
class Odd:
    style: {} = option({}, label="Style", help="The look.", {})


class Acme("""


BROKEN: dict[str, tuple[str, str]] = {
    "import": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax": ("def (:", "SyntaxError: "),
    "exit": ("import sys; sys.exit('run me')", "SystemExit: run me"),
    "misspelt": (
        acme(("def kling26_providers", "def kling26_provider")),
        'it has an unknown hook "kling26_provider"; did you mean "kling26_providers"?',
    ),
    "unmarked": (
        acme(("@hookimpl\n", "")),
        'its kling26_providers is not called, because "@hookimpl" is missing above it.',
    ),
    "empty": ("", 'it has no hook; is "@hookimpl" missing?'),
    "argument": (
        acme(("def kling26_providers()", "def kling26_providers(settings)")),
        'its kling26_providers has the unknown argument "settings"; it takes none.',
    ),
    "raising": (
        acme(("return [Acme()]", "raise LookupError('no\\n\\x1b[31mluck')")),
        "LookupError: no [31mluck",
    ),
    "none": (
        acme(("return [Acme()]", "return None")),
        "kling26_providers returned None; it must return a list.",
    ),
    "one": (
        acme(("return [Acme()]", "return Acme()")),
        "kling26_providers returned Acme; it must return a list.",
    ),
    "texts": (
        acme(("return [Acme()]", "return ['acme']")),
        "kling26_providers returned str, which is",
    ),
    "class": (
        acme(("return [Acme()]", "return [Acme]")),
        "returned the class Acme, which is not a Provider. Return an instance: Acme().",
    ),
    "abstract": (
        acme(("    def poll(self, ticket):\n        yield\n", "")),
        "Acme has no poll, which every provider needs.",
    ),
    "nameless": (acme(('    name = "acme"\n', "")), "Acme.name must be a non-empty string."),
    "worthless": (
        acme(('    name = "acme"\n', '    name, usd_per_unit = "acme", 0\n')),
        "Acme.usd_per_unit must be a number above 0, or None; got 0.",
    ),
    "wordy": (
        acme(('    name = "acme"\n', '    name, usd_per_unit = "acme", "0.01"\n')),
        'Acme.usd_per_unit must be a number above 0, or None; got "0.01".',
    ),
    "untitled": (acme(('"Acme Video"', "None")), "Acme.title must be a non-empty string."),
    "keyless": (
        acme(('    key_variable = "ACME_API_KEY"\n', "")),
        "Acme.key_variable must be a non-empty string.",
    ),
    "nowhere": (
        acme(('    base_url = "https://api.acme.example"\n', "")),
        "Acme.base_url must be a non-empty string.",
    ),
    "unsafe": (
        acme(('"https://api', '"http://api')),
        'Acme.base_url must be an https:// URL without a trailing slash; got "http://api.',
    ),
    "spaced": (
        acme(('"acme"', '"Acme Video"')),
        "Acme.name must be a lower-case letter followed by any of a-z, 0-9, - and _",
    ),
    "taken": (acme(('"acme"', '"kie"')), 'the name "kie" already belongs to "providers.kie".'),
    "thief": (
        acme(('"ACME_API_KEY"', '"KIE_API_KEY"')),
        'the variable KIE_API_KEY belongs to "kie".',
    ),
    "windows": (
        acme(('"ACME_API_KEY"', '"runcomfy_token"')),
        'the variable runcomfy_token belongs to "runcomfy".',
    ),
    "searching": (
        acme(('"ACME_API_KEY"', '"PATH"')),
        (
            "Acme.key_variable must be the variable of a key, such as ACME_API_KEY or "
            'ACME_TOKEN; got "PATH".'
        ),
    ),
    "monkey": (
        acme(('"ACME_API_KEY"', '"ACME KEY"')),
        "Acme.key_variable must be the variable of a key, such as ACME_API_KEY or ACME_TOKEN; got ",
    ),
    "setting": (
        acme(('"ACME_API_KEY"', '"KLING26_API_KEY"')),
        "KLING26_API_KEY would be a setting of kling26, not of a provider.",
    ),
    "ours": (
        acme(('name = "acme"', 'name = "kling26"')),
        "KLING26_BASE_URL would be a setting of kling26, not of a provider.",
    ),
    "plain": (
        acme(
            ("class Acme(", "@frozen\nclass Odd:\n    a: str = 'x'\n\nclass Acme("),
            ("    def submit", "    Options = Odd\n    def submit"),
        ),
        "Acme.Options.a must be made with kling26.core.option.",
    ),
    "shared": (
        acme(
            ("class Acme(", ODD_OPTION.format("str", "''", "").replace("style", "prompt")),
            ("    def submit", "    Options = Odd\n    def submit"),
        ),
        "Acme.Options.prompt must be called otherwise: every provider has an option of that name",
    ),
    "failing": (
        acme(('    name = "acme"', "    @property\n    def name(self): raise OSError('x')")),
        "OSError: x",
    ),
    "optionless": (
        acme(("    def submit", "    Options = dict\n    def submit")),
        "Acme.Options must be an attrs class; got the class dict.",
    ),
    "required": (
        acme(
            (
                "class Acme(",
                "@frozen\nclass Needy:\n    style: str = option(label='', help='')\n\nclass Acme(",
            ),
            ("    def submit", "    Options = Needy\n    def submit"),
        ),
        "Acme.Options.style needs a default.",
    ),
    "unreadable": (
        acme(
            (
                "class Acme(",
                "@frozen\nclass Odd:\n    a: 'No' = option(1, label='', help='')\n\nclass Acme(",
            ),
            ("    def submit", "    Options = Odd\n    def submit"),
        ),
        "Acme.Options cannot be read: name 'No' is not defined",
    ),
    "unlimited": (
        acme(("    def submit", "    limits = {}\n    def submit")),
        "Acme.limits must be a kling26.core.Limits; got {}.",
    ),
    "timeless": (
        acme(("    def submit", "    limits = Limits(durations=(0,))\n    def submit")),
        "ValueError: Limits.durations must be one or more whole numbers of seconds from 1 to 3600",
    ),
    "slashed": (
        acme(('acme.example"', 'acme.example/"')),
        'Acme.base_url must be an https:// URL without a trailing slash; got "https://api.',
    ),
    "ftp": (
        acme(("    def submit", "    upload_url = 'ftp://acme.example'\n    def submit")),
        'Acme.upload_url must be an https:// URL without a trailing slash; got "ftp://',
    ),
    "blank": (
        acme(('"Acme Video"', '" "')),
        "Acme.title must be a non-empty string.",
    ),
    "pageless": (
        acme(("    def submit", "    key_page = 7\n    def submit")),
        "Acme.key_page must be a string or None; got 7.",
    ),
    "boundless": (
        acme(
            ("class Acme(", ODD_OPTION.format("float", "1.0", "maximum=float('inf')")),
            ("    def submit", "    Options = Odd\n    def submit"),
        ),
        "ValueError: maximum must be a finite number; got inf.",
    ),
    "chosen": (
        acme(
            ("class Acme(", ODD_OPTION.format("Literal[True, None]", "True", "")),
            ("    def submit", "    Options = Odd\n    def submit"),
        ),
        "Acme.Options.style must be a choice of strings or whole numbers.",
    ),
    "quitting": (
        acme(("    return [Acme()]", "    raise SystemExit('bye')")),
        "SystemExit: bye",
    ),
    "newer": (
        acme(("    def submit", "    interface = 2\n    def submit")),
        "it needs version 2 of the plug-in interface, but this kling26 has version 1; upgrade",
    ),
}


def skipped(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings; each is a line."""
    assert all("\n" not in message for message in caplog.messages)
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_the_built_in_providers_come_in_the_order_of_the_menu() -> None:
    registry = load_providers()

    assert list(registry.providers) == BUILT_IN
    assert registry.origins["kie"] == "providers.kie"
    assert registry.problems == ()


def test_a_plug_in_comes_after_them(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    registry = load_providers([install(ACME)])

    assert list(registry.providers) == [*BUILT_IN, "acme"]
    assert registry["acme"].title == "Acme Video"
    assert registry.origins["acme"] == "kling26-acme:acme"
    assert skipped(caplog) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plug_in_is_named_in_one_line_and_left_out(
    install: Install, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    source, reason = BROKEN[name]

    registry = load_providers([install(source, name)])

    assert list(registry.providers) == BUILT_IN
    (warning,) = skipped(caplog)
    assert warning.startswith(f'The plug-in "kling26-{name}:{name}" was skipped: ')
    assert reason in warning
    assert len(warning) < 450
    assert [str(problem) for problem in registry.problems] == [warning]


def test_all_of_them_at_once_cost_nobody_anything(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    broken = [install(source, name) for name, (source, _) in BROKEN.items()]

    registry = load_providers([*broken, install(ACME)])

    assert list(registry.providers) == [*BUILT_IN, "acme"]
    assert len(skipped(caplog)) == len(BROKEN)


def test_the_good_part_of_a_plug_in_is_kept(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    both = install(acme(("return [Acme()]", "return ['acme', Acme()]")))

    assert "acme" in load_providers([both]).providers
    assert len(skipped(caplog)) == 1


def test_the_first_of_two_equal_names_keeps_it(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    first = install(ACME, "one")
    second = install(acme(('"Acme Video"', '"Another"')), "two")

    registry = load_providers([first, second])

    assert registry["acme"].title == "Acme Video"
    (warning,) = skipped(caplog)
    assert warning == (
        'The plug-in "kling26-two:two" was skipped: '
        'the name "acme" already belongs to "kling26-one:one".'
    )


ANOTHER = acme(('name = "acme"', 'name = "zenith"'))


def test_a_variable_belongs_to_the_first_that_has_it(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    """Else the second would be sent the key of the first."""
    install(ANOTHER, "two")
    install(ACME, "one")

    registry = load_providers(discover(("kling26-one", "kling26-two")))

    assert list(registry.providers) == [*BUILT_IN, "acme"]
    assert skipped(caplog) == [
        'The plug-in "kling26-two:two" was skipped: the variable ACME_API_KEY belongs to "acme".'
    ]


def test_names_that_share_their_variables_are_too_similar(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    first = install(acme(('name = "acme"', 'name = "ac-me"')), "one")
    second = install(acme(('name = "acme"', 'name = "ac_me"'), ("ACME_API", "OTHER_API")), "two")

    registry = load_providers([first, second])

    assert list(registry.providers) == [*BUILT_IN, "ac-me"]
    assert skipped(caplog) == [
        (
            'The plug-in "kling26-two:two" was skipped: the name "ac_me" is too similar to "ac-me" '
            'of "kling26-one:one".'
        )
    ]


@pytest.mark.parametrize("order", ["tryfirst", "trylast"])
@pytest.mark.parametrize("name", ["kie", "acme"])
def test_a_built_in_provider_keeps_its_own_whenever_a_plug_in_is_called(
    install: Install, order: str, name: str
) -> None:
    source = acme(
        ("@hookimpl\n", f"@hookimpl({order}=True)\n"),
        ('"ACME_API_KEY"', '"KIE_API_KEY"'),
        ('name = "acme"', f'name = "{name}"'),
    )

    registry = load_providers([install(source)])

    assert list(registry.providers) == BUILT_IN
    assert registry["kie"].title == "kie.ai"


@pytest.mark.parametrize(
    "variable", ["ACME_KEY", "ACME_APIKEY", "ACME_TOKEN", "ACME_CLIENT_SECRET", "ACME_API_KEY_2"]
)
def test_the_variable_of_a_key_has_many_forms(install: Install, variable: str) -> None:
    registry = load_providers([install(acme(('"ACME_API_KEY"', f'"{variable}"')))])

    assert "acme" in registry.providers


def test_the_same_plug_in_twice_is_one(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    entry = install(ACME)
    alias = evolve(entry, name="alias")

    registry = load_providers([entry, entry, alias])

    assert list(registry.providers) == [*BUILT_IN, "acme"]
    again, under_another_name = skipped(caplog)
    assert again == (
        'A part of the plug-in "kling26-acme:acme" was skipped: its entry point is declared '
        "twice; only the first one is used."
    )
    assert under_another_name == (
        'The plug-in "kling26-acme:alias" was skipped: it is already loaded, as '
        '"kling26-acme:acme".'
    )


def test_an_object_that_cannot_even_be_shown_is_named_by_its_type(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    source = "class Shy:\n    def __repr__(self): raise OSError\n\n" + acme(
        ("return [Acme()]", "return [Shy()]")
    )
    load_providers([install(source)])

    assert "returned Shy, which is not a Provider" in skipped(caplog)[0]


def test_an_unknown_name_lists_the_installed_ones() -> None:
    with pytest.raises(UnknownProvider) as caught:
        load_providers()["kei\x1b[31m"]

    assert str(caught.value) == (
        'There is no provider "kei [31m". Installed: kie, apikley, cometapi and runcomfy.'
    )


@pytest.mark.parametrize(
    ("setting", "loaded"),
    [
        (None, {"one", "two"}),
        ("", set()),
        ("kling26-one", {"one"}),
        ("KLING26_One", {"one"}),
        (" kling26.two , kling26-one,", {"one", "two"}),
        ("kling26-three", set()),
    ],
)
def test_the_distributions_to_load_can_be_named(
    install: Install, setting: str | None, loaded: set[str]
) -> None:
    """As they are on the package index, where case, dots and underscores do not count."""
    for name in ("one", "two"):
        install(acme(('"acme"', f'"{name}"'), ("ACME_API", f"{name.upper()}_API")), name)
    environ = {} if setting is None else {"KLING26_LOAD_PLUGINS": setting}

    found = discover(Settings({"KLING26_HOME": "nowhere", **environ}).load_plugins)

    names = {entry.name for entry in found}
    assert names & {"one", "two"} == loaded
    assert set(load_providers(found).providers) >= {*BUILT_IN, *loaded}


def test_a_plug_in_may_bring_an_emulator(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    source = """
    from kling26.core import Sandbox

    @hookimpl
    def kling26_sandboxes():
        return [Sandbox("acme", build=dict), Sandbox("kie", build=dict), "nonsense"]
    """
    sandboxes = load_sandboxes([install(ACME + textwrap.dedent(source))])

    assert list(sandboxes) == [*BUILT_IN, "acme"]
    assert sandboxes["kie"].build is not dict
    assert skipped(caplog) == [
        (
            'A part of the plug-in "kling26-acme:acme" was skipped: its sandbox for "kie" does not '
            "count: that provider is built in, and has its own."
        ),
        (
            'A part of the plug-in "kling26-acme:acme" was skipped: kling26_sandboxes returned '
            "str, which is not a Sandbox."
        ),
    ]


def test_a_registry_keeps_no_global_state(install: Install) -> None:
    load_providers([install(ACME)])

    registry: Registry = load_providers()
    assert "acme" not in registry.providers
