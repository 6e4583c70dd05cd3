"""Keys: from the environment or a file of the owner's alone, and never in a text."""

import errno
import os
import stat
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import filelock
import pytest
from kling26.core import MissingKey, Provider, Remedy, SettingsError, locks
from kling26.core.keys import Key, Keys
from kling26.core.settings import Settings


@pytest.fixture
def kie(providers: Mapping[str, Provider]) -> Provider:
    return providers["kie"]


def keys_of(home: Path, **environ: str) -> Keys:
    return Keys(Settings({"KLING26_HOME": str(home), **environ}))


def test_a_key_comes_from_the_environment(home: Path, kie: Provider) -> None:
    key = keys_of(home, KIE_API_KEY=" k-123\n").need(kie)

    assert (key.value, key.source) == ("k-123", "environment")


def test_else_from_the_file(home: Path, kie: Provider) -> None:
    keys = keys_of(home)
    keys.set(kie, " k-456 ")

    key = keys.need(kie)

    assert (key.value, key.source) == ("k-456", "keys.toml")


def test_the_environment_comes_first(home: Path, kie: Provider) -> None:
    keys_of(home).set(kie, "stored")

    found = keys_of(home, KIE_API_KEY="set").find(kie)
    blank = keys_of(home, KIE_API_KEY="  ").find(kie)

    assert (found and found.value, blank and blank.value) == ("set", "stored")


def test_a_new_key_counts_at_once(home: Path, kie: Provider) -> None:
    keys = keys_of(home)

    assert keys.find(kie) is None
    keys_of(home).set(kie, "k-1")
    assert keys.need(kie).value == "k-1"


def test_a_missing_key_says_how_to_give_one_and_where_to_get_it(home: Path, kie: Provider) -> None:
    with pytest.raises(MissingKey) as caught:
        keys_of(home).need(kie)

    assert str(caught.value) == "kie.ai needs an API key."
    assert caught.value.provider == "kie"
    assert caught.value.remedy == Remedy(
        "set_key", variable="KIE_API_KEY", page="https://kie.ai/api-key"
    )


@pytest.mark.parametrize(
    ("name", "variable"),
    [("kie", "KIE_API_KEY"), ("apikley", "APIKLEY_API_KEY"), ("cometapi", "COMETAPI_KEY"),
     ("runcomfy", "RUNCOMFY_TOKEN")],
)  # fmt: skip
def test_each_provider_has_its_variable(
    home: Path, providers: Mapping[str, Provider], name: str, variable: str
) -> None:
    assert keys_of(home, **{variable: "k-1"}).need(providers[name]).value == "k-1"


def test_keys_of_several_providers_live_side_by_side(
    home: Path, providers: Mapping[str, Provider]
) -> None:
    keys = keys_of(home)
    for name, provider in providers.items():
        keys.set(provider, f"key-of-{name}")

    assert keys.unset(providers["kie"])
    assert not keys.unset(providers["kie"])
    assert keys.find(providers["kie"]) is None
    assert keys.need(providers["apikley"]).value == "key-of-apikley"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_the_file_is_for_its_owner_alone(home: Path, kie: Provider) -> None:
    keys = keys_of(home)
    keys.set(kie, "k-1")
    keys.path.chmod(0o644)
    keys.set(kie, "k-2")

    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert sorted(os.listdir(home)) == ["keys.lock", "keys.toml"]


def test_a_key_never_shows_itself() -> None:
    assert "k-123" not in repr(Key("k-123", "environment"))


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "schlüssel", "tab\tbed", "\x1b[31m"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(
    home: Path, kie: Provider, value: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        keys_of(home, KIE_API_KEY=value).find(kie)
    with pytest.raises(SettingsError, match="The key does not contain a usable API key"):
        keys_of(home).set(kie, value)

    assert str(caught.value).startswith("KIE_API_KEY does not contain a usable API key")
    assert value not in str(caught.value)


def test_an_empty_key_is_not_stored(home: Path, kie: Provider) -> None:
    with pytest.raises(SettingsError, match=r"The key is empty\."):
        keys_of(home).set(kie, "  ")

    assert not keys_of(home).path.exists()


def test_a_damaged_file_is_reported_without_its_contents(home: Path, kie: Provider) -> None:
    """The parser's own words would quote the line."""
    home.mkdir()
    (home / "keys.toml").write_text('kie = "sec\nret"')

    with pytest.raises(SettingsError) as caught:
        keys_of(home).find(kie)

    assert (
        str(caught.value) == f"{home / 'keys.toml'} is not valid TOML in line 1; fix or delete it."
    )
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "content",
    [
        b"kie = [",
        b"kie = " + 3000 * b"[",
        b"\xff",
        "kie = 'k'".encode("utf-16"),
        b"kie = 5",
        b"[kie]\nkey = 'k'",
    ],
)
def test_no_keys_are_lost_to_a_damaged_file(home: Path, kie: Provider, content: bytes) -> None:
    home.mkdir()
    (home / "keys.toml").write_bytes(content)

    with pytest.raises(
        SettingsError, match=r"not valid TOML|in UTF-8|too many brackets|must be a key in quotes"
    ):
        keys_of(home).set(kie, "k-1")

    assert (home / "keys.toml").read_bytes() == content


def test_a_file_that_cannot_be_read_or_written_is_reported(tmp_path: Path, kie: Provider) -> None:
    (tmp_path / "keys.toml").mkdir()

    with pytest.raises(SettingsError, match=r"keys\.toml cannot be read: "):
        keys_of(tmp_path).find(kie)

    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match="cannot be"):
        keys_of(tmp_path / "file" / "home").set(kie, "k-1")


def test_a_write_that_fails_leaves_the_old_keys_and_no_rest(
    home: Path, kie: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = keys_of(home)
    keys.set(kie, "k-1")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)

    with pytest.raises(SettingsError, match="cannot be written: No space left on device"):
        keys.set(kie, "k-2")

    assert keys.need(kie).value == "k-1"
    assert sorted(os.listdir(home)) == ["keys.lock", "keys.toml"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_file_that_is_a_link_stays_one(home: Path, tmp_path: Path, kie: Provider) -> None:
    """As people have it who keep their settings in a repository."""
    home.mkdir()
    kept = tmp_path / "dotfiles.toml"
    kept.write_text('kie = "k-1"')
    kept.chmod(0o644)
    (home / "keys.toml").symlink_to(Path("..", "dotfiles.toml"))

    keys_of(home).set(kie, "k-2")

    assert (home / "keys.toml").is_symlink()
    assert "k-2" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows has neither")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_neither_read_nor_replaced(home: Path, kie: Provider, kind: str) -> None:
    home.mkdir()
    path = home / "keys.toml"
    make = {"pipe": os.mkfifo, "device": lambda path: path.symlink_to("/dev/zero"),
            "folder": Path.mkdir}  # fmt: skip
    make[kind](path)
    before = path.lstat()

    with pytest.raises(SettingsError, match=rf"keys\.toml cannot be read: it is a {kind}\."):
        keys_of(home).find(kie)
    with pytest.raises(SettingsError, match=f"it is a {kind}"):
        keys_of(home).set(kie, "k-1")

    assert os.path.samestat(path.lstat(), before)


# -- what people paste -------------------------------------------------------------------------

PASTED = [
    ('"k-12345678"', "the quotes"),
    ("\u201ck-12345678\u201d", "the quotes"),
    ("Bearer k-12345678\r\n", '"Bearer"'),
    ("Authorization: bearer k-12345678", '"Bearer"'),
    ("\ufeffk-12345678", "invisible characters"),
    ("k-12\u200b345678", "invisible characters"),
    ("KIE_API_KEY=k-12345678", "the name in front of it"),
    ("export KIE_API_KEY='k-12345678'", "the quotes and the name in front of it"),
    ('  "KIE_API_KEY": "k-12345678",', "the name in front of it"),
    ("$env:KIE_API_KEY = 'k-12345678'", "the name in front of it"),
    ("setx KIE_API_KEY k-12345678", "the name in front of it"),
    ("kie = 'k-12345678'", "the name in front of it"),
    ("k-12345678\\n", "the punctuation after it"),
]


@pytest.mark.parametrize(("text", "left_out"), PASTED)
def test_what_is_plainly_no_part_of_a_key_is_left_out_and_said(
    home: Path, kie: Provider, text: str, left_out: str
) -> None:
    note = keys_of(home).set(kie, text)

    assert note is not None
    assert left_out.casefold() in note.casefold()
    assert note.endswith((" not part of the key and was left out.", " and were left out."))
    assert keys_of(home).need(kie).value == "k-12345678"
    assert keys_of(home, KIE_API_KEY=text).need(kie).value == "k-12345678"


@pytest.mark.parametrize("text", ["k-12345678", " k-12345678\n", "k=12345678", "bearer-k", "a_KEY"])
def test_a_key_as_it_is_takes_no_words(home: Path, kie: Provider, text: str) -> None:
    assert keys_of(home).set(kie, text) is None
    assert keys_of(home).need(kie).value == text.strip()


@pytest.mark.parametrize("text", ['""', "'  '", "Bearer ", "KIE_API_KEY="])
def test_nothing_but_the_wrapping_is_no_key(home: Path, kie: Provider, text: str) -> None:
    assert keys_of(home, KIE_API_KEY=text).find(kie) is None
    with pytest.raises(SettingsError, match=r"The key is empty\."):
        keys_of(home).set(kie, text)


def test_the_line_of_another_variable_is_refused(home: Path, kie: Provider) -> None:
    with pytest.raises(SettingsError, match='begins with "COMETAPI_KEY="') as caught:
        keys_of(home).set(kie, "COMETAPI_KEY=sk-1")

    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("KIE_API_KEY = 'k-1'", 'has "KIE_API_KEY", which has to be "kie"'),
        ("kie = ''", r'In .*keys\.toml, "kie" is empty\.'),
        ("kei = 'k-1'", r'has "kei"; did you mean "kie"\?'),
    ],
)
def test_a_key_that_is_stored_wrongly_is_pointed_out(
    home: Path, kie: Provider, line: str, problem: str
) -> None:
    home.mkdir()
    (home / "keys.toml").write_text(line)
    (home / "keys.toml").chmod(0o600)

    with pytest.raises(MissingKey, match=problem) as caught:
        keys_of(home).need(kie)
    assert "k-1" not in str(caught.value)


# -- the file, and who else is there -----------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_file_that_others_can_read_is_mended_and_told(
    home: Path, kie: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    keys = keys_of(home)
    keys.set(kie, "k-1")
    keys.path.chmod(0o644)

    assert keys.need(kie).value == keys.need(kie).value == "k-1"

    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert caplog.messages == [f"Other users could read or change {keys.path}; now only you can."]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_file_whose_mode_cannot_be_changed_is_refused(
    home: Path, kie: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk without modes, or somebody else's file."""
    keys = keys_of(home)
    keys.set(kie, "k-1")
    keys.path.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)

    with pytest.raises(SettingsError, match="cannot be changed to 0600: its file system has no"):
        keys.find(kie)
    assert keys_of(home, KIE_API_KEY="k-2").need(kie).value == "k-2"


def test_keys_that_are_set_at_once_are_all_kept(
    home: Path, providers: Mapping[str, Provider]
) -> None:
    for _ in range(5):
        together = threading.Barrier(len(providers) + 1)

        def change(work: Callable[[], object], together: threading.Barrier = together) -> None:
            together.wait()
            work()

        keys_of(home).set(providers["kie"], "k-old")
        others = {name: each for name, each in providers.items() if name != "kie"}
        works = [
            partial(keys_of(home).set, each, f"key-of-{name}") for name, each in others.items()
        ]
        works += [partial(keys_of(home).unset, providers["kie"]), lambda: None]
        threads = [threading.Thread(target=change, args=[work]) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        found = {name for name, each in providers.items() if keys_of(home).find(each)}
        assert found == set(others)
        keys_of(home).path.unlink()


def test_a_file_that_somebody_else_is_changing_is_not_waited_for_for_ever(
    home: Path, kie: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys_of(home).set(kie, "k-1")
    monkeypatch.setattr(locks, "_PATIENCE", 0.01)

    with filelock.FileLock(home / "keys.lock"), pytest.raises(SettingsError, match="try again"):
        keys_of(home).set(kie, "k-2")

    assert keys_of(home).need(kie).value == "k-1"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_key_can_be_stored_where_there_are_no_locks(
    home: Path, kie: Provider, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def acquire(*_: object, **__: object) -> None:
        raise OSError(number, "no locks")

    monkeypatch.setattr(filelock.FileLock, "_acquire", acquire)

    keys_of(home).set(kie, "k-1")

    assert keys_of(home).need(kie).value == "k-1"
