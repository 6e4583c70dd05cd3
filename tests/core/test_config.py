"""config.toml as people edit it: read in many forms, and never ignored in silence."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from kling26.core import Provider, SettingsError
from kling26.core.settings import Settings


@pytest.fixture
def config(home: Path) -> Path:
    home.mkdir()
    return home / "config.toml"


def of(config: Path, **environ: str) -> Settings:
    return Settings({"KLING26_HOME": str(config.parent), **environ})


@pytest.mark.skipif(os.name == "nt", reason="links need permission on Windows")
def test_a_file_behind_a_link_that_leads_nowhere_is_not_taken_for_none(config: Path) -> None:
    config.symlink_to(config.parent / "unmounted" / "config.toml")

    with pytest.raises(SettingsError, match="it is a link that leads nowhere"):
        _ = of(config).sandbox


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbfprovider = "runcomfy"',
        b'provider = "runcomfy"\r\n# a comment\r\n',
        b'\tprovider\t=\t"runcomfy"\t\n',
        b'PROVIDER = "runcomfy "',
        b"provider = '\"runcomfy\"'",
    ],
)
def test_editors_write_it_in_many_ways(config: Path, content: bytes) -> None:
    config.write_bytes(content)

    assert of(config).provider == "runcomfy"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("provider = 'kie'".encode("utf-16"), "it is in UTF-16; save it in UTF-8"),
        ("provider = 'kie'".encode("utf-16-le"), "it is in UTF-16; save it in UTF-8"),
        (b"# caf\xe9", "it is not in UTF-8; save it in UTF-8"),
        (b"provider = 'kie'\nprovider = 'kie'", "cannot be read"),
        (b"provider = 'kie'\nProvider = 'kie'", 'sets "provider" twice'),
        (b"[kling26]\nprovider = 'kie'", '"kling26" must be a string.*; it is a table'),
        (b"provider = kie", r"cannot be read: .*line 1"),
        (b"x = " + 3000 * b"[", "cannot be read: it has too many brackets within brackets"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_file(
    config: Path, content: bytes, problem: str
) -> None:
    config.write_bytes(content)

    with pytest.raises(SettingsError, match=problem) as caught:
        _ = of(config).provider
    assert str(config) in str(caught.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("proivder = 'x'", 'there is no setting "proivder"; did you mean "provider"?'),
        ("jornal = 'x'", 'did you mean "journal"?'),
        ("kling26_provider = 'x'", 'did you mean "provider"?'),
        ("kei_base_url = 'x'", 'did you mean "kie_base_url"?'),
        ("runcomfy_upload_url = 'x'", 'did you mean "runcomfy_base_url"?'),
        ("acme_base_url = 'x'", 'because no provider "acme" is installed.'),
        ("kie_api_key = 'k-1'", "API keys belong in keys.toml."),
        ("home = '/x'", "only KLING26_HOME can set that."),
        ("colour = 'x'", 'there is no setting "colour". There are journal, sandbox,'),
    ],
)
def test_a_name_that_means_nothing_is_refused(
    config: Path, providers: Mapping[str, Provider], line: str, problem: str
) -> None:
    config.write_text(line)

    with pytest.raises(SettingsError) as caught:
        of(config).check(providers.values())

    assert str(caught.value).startswith(str(config))
    assert problem in str(caught.value)
    assert "k-1" not in str(caught.value)


def test_every_name_that_means_something_is_taken(
    config: Path, providers: Mapping[str, Provider]
) -> None:
    names = ("journal", "sandbox", "sandbox_faults", "provider", "kie_base_url", "KIE_UPLOAD_URL")
    config.write_text("".join(f"{name} = ''\n" for name in names))

    of(config).check(providers.values())


def test_the_url_of_a_plug_in_that_was_left_out_stops_nobody(
    config: Path, providers: Mapping[str, Provider]
) -> None:
    """A stranger's plug-in that broke must not stop the others."""
    config.write_text("acme_base_url = 'https://acme.example'")

    of(config).check(providers.values(), ["acme is broken"])
    of(config, KLING26_LOAD_PLUGINS="").check(providers.values())


def test_a_bad_value_is_blamed_on_where_it_stands(
    config: Path, providers: Mapping[str, Provider]
) -> None:
    config.write_text("sandbox = 'perhaps'\nkie_base_url = 'https://a b'")

    with pytest.raises(SettingsError) as caught:
        _ = of(config).sandbox
    assert str(caught.value) == f'{config}: sandbox must be 1 or 0; got "perhaps".'
    with pytest.raises(SettingsError, match="KLING26_SANDBOX must be 1 or 0"):
        _ = of(config, KLING26_SANDBOX="perhaps").sandbox
    with pytest.raises(SettingsError, match=r"config\.toml: kie_base_url must not contain blanks"):
        of(config).configure(providers["kie"])


@pytest.mark.skipif(os.name == "nt", reason="Making a link takes a privilege on Windows")
def test_a_file_that_is_at_fault_itself_says_nothing_of_the_home(config: Path) -> None:
    config.symlink_to(config)

    with pytest.raises(SettingsError) as caught:
        _ = of(config).provider

    assert str(caught.value).startswith(f"{config} cannot be read: ")
    assert "KLING26_HOME" not in str(caught.value)
