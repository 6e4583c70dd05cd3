"""Commands in an environment with a proxy or certificates that cannot be used."""

from collections.abc import Mapping
from typing import Any

import pytest

BROKEN = [
    {"HTTPS_PROXY": "http://me:secret@proxy.corp:port"},
    {"ALL_PROXY": "socks4://me:secret@127.0.0.1:7890"},
    {"HTTP_PROXY": "http://me:secret@127.0.0.1:1"},
    {"NO_PROXY": "http://[::1"},
    {"SSL_CERT_FILE": "/nowhere/ca.pem"},
    {"SSLKEYLOGFILE": "/nowhere/keys.log"},
]
each_setting = pytest.mark.parametrize("setting", BROKEN, ids=lambda setting: next(iter(setting)))


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, user_of: Any, server: Any) -> Any:
    unset = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    user = user_of(tmp_path_factory.mktemp("user"), **server)
    for name in unset:
        user.environ.pop(name, None)
        user.environ.pop(name.lower(), None)
    return user


@pytest.fixture(scope="module")
def paid(user: Any) -> str:
    """The id of a task that RunComfy works on, which could still be cancelled."""
    made = user.call(
        "generate", "A heron", "--provider", "runcomfy", "--timeout", "1", "--json"
    ).object
    assert made["state"] == "submitted"
    return str(made["task"])


def named(said: str, setting: Mapping[str, str]) -> bool:
    """Whether the sentence names the variable, and no password."""
    (name,) = setting
    return name in said and "secret" not in said and "bug" not in said


@each_setting
def test_a_question_ends_in_one_sentence(user: Any, setting: Mapping[str, str]) -> None:
    ran = user.call("balance", **setting)

    assert (ran.status, ran.out) == (2, "")
    assert named(ran.said, setting)


@each_setting
def test_a_new_video_is_not_paid_for(user: Any, setting: Mapping[str, str]) -> None:
    ran = user.call("generate", "An egret", "--json", **setting)

    assert ran.status == 2
    assert ran.object["state"] in (None, "refused")
    assert named(ran.err, setting)


@pytest.mark.parametrize("setting", [BROKEN[0], BROKEN[2]], ids=["seen at once", "seen when used"])
@pytest.mark.parametrize("command", ["resume", "cancel", "generate"])
def test_a_task_that_is_paid_for_ends_with_its_id(
    user: Any, paid: str, command: str, setting: Mapping[str, str]
) -> None:
    line = {"generate": ("A heron", "--provider", "runcomfy")}.get(command, (paid,))

    ran = user.call(command, *line, **setting)

    assert ran.status == 5
    assert named(ran.out + ran.err, setting)
    assert f"kling26 resume {paid}" in ran.out + ran.err
