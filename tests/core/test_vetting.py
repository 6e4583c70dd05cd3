"""What a provider says of its service's replies, and of itself, is checked when it is loaded."""

import pytest
from kling26.core.plugins import load_providers

from .conftest import Install
from .plug_ins import ACME, acme, having

FAULTS: dict[str, tuple[str, str]] = {
    "an unknown state": (
        having('states = {"done": "finished"}'),
        (
            'Acme.states must be "queued", "running", "succeeded", "failed" or "cancelled" for '
            '"done"; got "finished".'
        ),
    ),
    "a state that is no text": (
        having('states = {"done": ["succeeded"]}'),
        '"cancelled" for "done"; got [\'succeeded\'].',
    ),
    "a word that is no text": (
        having('states = {3: "failed"}'),
        "Acme.states must be a dict whose keys are strings; got 3.",
    ),
    "a list of states": (
        having('states = ["done"]'),
        "Acme.states must be a dict of the service's words and ours; got ['done'].",
    ),
    "the name of an error": (
        having('errors = {402: "OutOfCredit"}'),
        (
            "Acme.errors must be an error of kling26.core, such as Refused, for 402; got "
            '"OutOfCredit".'
        ),
    ),
    "an error of Python": (
        having('errors = {"broke": ValueError}'),
        'such as Refused, for "broke"; got the class ValueError.',
    ),
    "an error for a state": (
        having("errors = {None: ValueError}"),
        "Acme.errors must be a dict whose keys are codes, HTTP statuses or compiled patterns; got",
    ),
    "a list of errors": (
        having("errors = [402]"),
        "Acme.errors must be a dict of codes, HTTP statuses or patterns, and errors; got",
    ),
    "one code": (
        having("success_codes = 0"),
        "Acme.success_codes must be a tuple of strings and whole numbers; got 0: write (0,).",
    ),
    "codes in a list": (
        having("success_codes = [0]"),
        "Acme.success_codes must be a tuple of strings and whole numbers; got [0].",
    ),
    "a broken pattern": (
        having('task_id_pattern = "(["'),
        "Acme.task_id_pattern must be a regular expression (unterminated character set",
    ),
    "a pattern without a group": (
        having('task_id_pattern = "v[0-9]+"'),
        (
            "Acme.task_id_pattern must be a regular expression with one group, which is the id, or "
            'None; got "v[0-9]+".'
        ),
    ),
    "a scheme with a line break": (
        having('key_scheme = "Bearer\\nX:"'),
        'Acme.key_scheme must be the word before the key, such as "Bearer"; got "Bearer X:".',
    ),
    "a header with a blank": (
        having('error_header = "x error"'),
        'Acme.error_header must be the name of a header, such as "x-error-code"; got "x error".',
    ),
    "a title of two lines": (
        acme(('"Acme Video"', '"Acme\\nVideo\\x1b[31m"')),
        'Acme.title must be one line without control characters; got "Acme Video [31m".',
    ),
    "a long name": (
        acme(('"acme"', '"a" * 41')),
        "Acme.name must be at most 40 characters long; got 41.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_said_in_a_sentence(install: Install, fault: str) -> None:
    source, reason = FAULTS[fault]

    registry = load_providers([install(source)])

    assert "acme" not in registry.providers
    (problem,) = registry.problems
    assert reason in problem.reason
    assert problem.reason.endswith(".")


def test_what_is_right_is_taken(install: Install) -> None:
    lines = (
        'states = __import__("types").MappingProxyType({"done": "succeeded"})',
        'errors = {**Provider.errors, __import__("re").compile("broke"): Provider.errors[402]}',
        'success_codes = (0, "ok")',
        'task_id_pattern = r"/videos/([0-9]+)"',
        'key_scheme = "Key"',
        'error_header = "X-Fal-Error"',
        'cost_unit = "crédits"',
    )
    assert not load_providers([install(having(*lines))]).problems


@pytest.mark.parametrize("attribute", ["title", "cost_unit", "charges", "key_page"])
def test_a_key_is_shown_under_no_name(
    install: Install, monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    monkeypatch.setenv("KIE_API_KEY", "sk-12345678")
    line = f"    {attribute} = 'https://' + os.environ['KIE_API_KEY']\n\n    def submit"

    registry = load_providers([install("import os\n" + ACME.replace("    def submit", line))])

    assert [each.reason for each in registry.problems] == [
        f"Acme.{attribute} contains a key; leave it out."
    ]
