"""Settings: defaults, under config.toml, under the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs
import pytest
from kling26.core import Provider, SettingsError
from kling26.core.hosts import is_loopback
from kling26.core.settings import Settings, is_safe_url, url_variables


@pytest.fixture
def config(home: Path) -> Path:
    home.mkdir()
    return home / "config.toml"


def settings(home: Path, **environ: str) -> Settings:
    return Settings({"KLING26_HOME": str(home), **environ})


def test_nothing_has_to_be_set() -> None:
    here = Settings({})

    assert here.home == Path(platformdirs.user_data_dir("kling26", appauthor=False))
    assert here.journal == here.home / "journal.sqlite3"
    assert (here.provider, here.sandbox, here.load_plugins) == ("kie", False, None)


def test_the_environment_of_the_process_is_used(home: Path) -> None:
    assert Settings().home == home


def test_the_home_folder_may_be_relative_or_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert settings(Path("here")).home == tmp_path / "here"
    assert settings(Path("~/videos")).home == tmp_path / "videos"


def test_the_home_of_nobody_is_reported() -> None:
    with pytest.raises(SettingsError, match='KLING26_HOME is "~nobody-of-that-name/x"'):
        _ = settings(Path("~nobody-of-that-name/x")).home


def test_config_toml_takes_the_names_of_the_variables(home: Path, config: Path) -> None:
    config.write_text(
        'journal = "postgresql://db/kling26"\n'
        'Provider = "runcomfy"\n'
        "sandbox = true\n"
        'load_plugins = ["kling26-acme", "kling26-two"]\n'
        'kie_base_url = "https://proxy.example/kie"\n',
        "utf-8",
    )
    found = settings(home)

    assert found.journal == "postgresql://db/kling26"
    assert (found.provider, found.sandbox) == ("runcomfy", True)
    assert found.load_plugins == ("kling26-acme", "kling26-two")
    assert found.get("KIE_BASE_URL") == "https://proxy.example/kie"


def test_the_environment_comes_first(home: Path, config: Path) -> None:
    config.write_text('provider = "runcomfy"\nsandbox = true\n')
    found = settings(home, KLING26_PROVIDER="cometapi", KLING26_SANDBOX="0")

    assert (found.provider, found.sandbox) == ("cometapi", False)


@pytest.mark.parametrize(
    ("text", "flag"),
    [("1", True), ("true", True), ("YES", True), (" on ", True), ("0", False), ("", False),
     ("off", False), ("No", False), ("false", False)],
)  # fmt: skip
def test_a_flag_has_the_usual_spellings(home: Path, text: str, flag: bool) -> None:
    assert settings(home, KLING26_SANDBOX=text).sandbox is flag


def test_any_other_spelling_is_reported(home: Path) -> None:
    with pytest.raises(SettingsError, match='KLING26_SANDBOX must be 1 or 0; got "perhaps"'):
        _ = settings(home, KLING26_SANDBOX="perhaps").sandbox


@pytest.mark.parametrize(
    ("text", "names"), [("", ()), (" , ", ()), ("a", ("a",)), (" a ,b,", ("a", "b"))]
)
def test_plug_ins_are_a_list_with_commas(home: Path, text: str, names: tuple[str, ...]) -> None:
    """An empty one is not none: it stands for the built-in providers alone."""
    assert settings(home, KLING26_LOAD_PLUGINS=text).load_plugins == names


@pytest.mark.parametrize("content", [b"provider = ", b"\xff\xfe", b"provider = {a = 1}"])
def test_a_damaged_config_is_reported_with_its_path(
    home: Path, config: Path, content: bytes
) -> None:
    config.write_bytes(content)

    with pytest.raises(SettingsError, match=r"config\.toml"):
        _ = settings(home).provider


def test_a_config_that_cannot_be_read_is_reported(home: Path, config: Path) -> None:
    config.mkdir()

    with pytest.raises(SettingsError, match=r"config\.toml cannot be read"):
        _ = settings(home).provider


# -- URLs -------------------------------------------------------------------------------------


def test_each_provider_can_be_moved(providers: Mapping[str, Provider]) -> None:
    variables = {name: url_variables(provider) for name, provider in providers.items()}

    assert variables == {
        "kie": {"base_url": "KIE_BASE_URL", "upload_url": "KIE_UPLOAD_URL"},
        "apikley": {"base_url": "APIKLEY_BASE_URL", "upload_url": "APIKLEY_UPLOAD_URL"},
        "cometapi": {"base_url": "COMETAPI_BASE_URL", "balance_url": "COMETAPI_BALANCE_URL"},
        "runcomfy": {"base_url": "RUNCOMFY_BASE_URL", "balance_url": "RUNCOMFY_BALANCE_URL"},
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://proxy.example/kie",
        "http://127.0.0.1:8026/kie",
        "http://localhost",
        "http://[::1]:1",
    ],
)
def test_a_provider_is_used_at_its_configured_url(
    home: Path, providers: Mapping[str, Provider], url: str
) -> None:
    kie = providers["kie"]
    moved = settings(home, KIE_BASE_URL=f"{url}/").configure(kie)

    assert moved.base_url == url
    assert moved.upload_url == "https://kieai.redpandaai.co"
    assert kie.base_url == "https://api.kie.ai"


def test_nothing_set_changes_nothing(home: Path, providers: Mapping[str, Provider]) -> None:
    assert settings(home, KIE_BASE_URL="").configure(providers["kie"]) is providers["kie"]


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy.example", "proxy.example", "ftp://127.0.0.1", "https://", "http://[",
    ],
)  # fmt: skip
def test_a_key_is_not_sent_to_just_any_url(
    home: Path, providers: Mapping[str, Provider], url: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(home, KIE_BASE_URL=url).configure(providers["kie"])

    required = "KIE_BASE_URL must be an https:// URL, or an http:// URL on this machine; got "
    assert str(caught.value).startswith(required)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://proxy .example", "must not contain blanks"),
        ("https://proxy.exam\u200bple/", "must not contain blanks"),
        ("https://proxy.example/?key=s3cr3t", "must end before any ? or #"),
        ("https://proxy.example/#s3cr3t", "must end before any ? or #"),
        ("https://me:s3cr3t@proxy.example", "must not contain a user name or a password"),
        ("me:s3cr3t@proxy.example", "must be an https:// URL"),
        ("https://proxy..example", "must be a valid URL"),
        (f"https://{'x' * 64}.example", "must be a valid URL"),
        ("https://xn--a/kie", "must be a valid URL"),
        ("https://xn--zz--.example/kie", "must be a valid URL"),
        ("http://127.0.0.1:99999/kie", "has a wrong port, which must be a number from 1 to 65535"),
        ("http://127.0.0.1:x/kie", "has a wrong port"),
        ("https://proxy.example:0", "has a wrong port"),
        ("https://me:s3cr3t@proxy.example:x", "must"),
    ],
)
def test_a_url_that_nothing_can_be_appended_to_is_refused(
    home: Path, providers: Mapping[str, Provider], url: str, problem: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(home, KIE_BASE_URL=url).configure(providers["kie"])

    assert str(caught.value).startswith(f"KIE_BASE_URL {problem}")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("around", [" {} ", "{}\n", '"{}"', "{}/", "\ufeff{}"])
def test_what_is_around_a_url_is_no_part_of_it(
    home: Path, providers: Mapping[str, Provider], around: str
) -> None:
    url = around.format("https://proxy.example/kie")

    assert settings(home, KIE_BASE_URL=url).configure(providers["kie"]).base_url == (
        "https://proxy.example/kie"
    )


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost.", "127.0.0.1", "127.9.9.9", "127.1", "2130706433", "::1",
        "::ffff:127.0.0.1",
    ],
)  # fmt: skip
def test_this_machine_has_several_names(host: str) -> None:
    assert is_loopback(host)
    assert not is_safe_url(f"http://{host}.example")


@pytest.mark.parametrize(
    "host",
    ["", "10.0.0.1", "::ffff:10.0.0.1", "0177.0.0.1", "localhost.x", "0.0.0.0", "kie.ai"],  # noqa: S104
)
def test_other_machines_are_other_machines(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
def test_a_settings_file_that_is_a_pipe_is_not_waited_for(home: Path) -> None:
    home.mkdir()
    os.mkfifo(home / "config.toml")

    with pytest.raises(SettingsError, match=r"config\.toml cannot be read: it is a pipe\."):
        _ = Settings({"KLING26_HOME": str(home)}).provider


def test_a_change_of_the_file_is_noticed_by_a_program_that_runs_on(
    home: Path, config: Path
) -> None:
    settings = Settings({"KLING26_HOME": str(home)})
    config.write_text("max_tasks_per_hour = 30")
    before = settings.budget.max_tasks_per_hour
    config.write_text("max_tasks_per_hour = 100")

    assert (before, settings.budget.max_tasks_per_hour) == (30, 100)
    config.unlink()
    assert settings.budget.max_tasks_per_hour is None
