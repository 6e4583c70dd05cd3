"""Who can make videos, and with which key."""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from kling26.cli.provider_pages import provider_page
from kling26.core import Limits, Provider, VideoRequest
from kling26.core.plugins import load_providers
from kling26.core.settings import Settings

NO_KEYS = dict.fromkeys(("KIE_API_KEY", "APIKLEY_API_KEY", "COMETAPI_KEY", "RUNCOMFY_TOKEN"))
ACME = """
import httpx
from kling26.core import Provider, Status, Ticket, hookimpl

class Acme(Provider):
    name, title, key_variable = "acme", "Acme Video", "ACME_API_KEY"
    base_url = "https://api.acme.example"

    def check(self, request, options):
        raise RuntimeError("Illegal header value 'Bearer sk-recognisable-0123456789'")

    def submit(self, request, options):
        return Ticket((yield httpx.Request("POST", self.base_url)).json()["id"])

    def poll(self, ticket):
        return Status((yield httpx.Request("GET", self.base_url)).json()["state"])

@hookimpl
def kling26_providers():
    return [Acme()]
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """Two installed plug-ins: one that works, and one that is broken."""
    folder = tmp_path / "installed"
    folder.mkdir()
    (folder / "kling26_acme.py").write_text(ACME)
    (folder / "kling26_broken.py").write_text("import kling26_nowhere")
    for name in ("acme", "broken"):
        info = folder / f"kling26_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: kling26-{name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[kling26]\n{name} = kling26_{name}\n")
    return folder


def rows(text: str) -> dict[str, str]:
    """The lines of a list by their first word."""
    return {line.split()[0]: " ".join(line.split()) for line in text.splitlines() if line.strip()}


def test_providers_are_listed_with_their_keys_and_images(user: Any) -> None:
    user.call("keys", "set", "apikley", stdin="stored-key\n")
    ran = user.call("providers", **NO_KEYS | {"KIE_API_KEY": "set"})

    assert (ran.status, ran.err) == (0, "")
    assert rows(ran.out) == {
        "PROVIDER": "PROVIDER TITLE KEY IMAGES FROM",
        "kie": "kie kie.ai KIE_API_KEY JPEG, PNG, WEBP, https:// built in",
        "apikley": "apikley Apikley keys.toml JPEG, PNG, WEBP, https:// built in",
        "cometapi": "cometapi CometAPI not set JPEG, PNG, https:// built in",
        "runcomfy": "runcomfy RunComfy not set PNG, https:// built in",
        "auto:": (
            "auto: whoever has a key and takes the request, the cheapest first; KLING26_PREFER "
            "names whom to ask instead."
        ),
    }


def test_plug_ins_are_listed_with_their_origin_and_broken_ones_named(
    user: Any, plugins: Path
) -> None:
    path = os.pathsep.join([str(plugins), os.environ.get("PYTHONPATH", "")])
    ran = user.run("providers", PYTHONPATH=path)

    assert (ran.status, ran.err) == (0, "")
    assert rows(ran.out)["acme"].endswith("JPEG, PNG, https:// kling26-acme:acme")
    skipped, _, about_auto = ran.out.splitlines()[-3:]
    assert about_auto.startswith("auto: ")
    assert skipped == (
        'The plug-in "kling26-broken:broken" was skipped: ModuleNotFoundError: No module named '
        "'kling26_nowhere'"
    )

    elsewhere = user.call("keys", "show", "kie", PYTHONPATH=path)
    assert elsewhere.said == skipped
    assert "acme" not in user.call("providers", PYTHONPATH=path, KLING26_LOAD_PLUGINS="").out


def test_a_bug_is_a_sentence_and_a_traceback_only_when_asked_for(user: Any, plugins: Path) -> None:
    path = os.pathsep.join([str(plugins), os.environ.get("PYTHONPATH", "")])
    line = ("generate", "x", "--provider", "acme")
    ran = user.run(*line, "--json", PYTHONPATH=path, KLING26_LOAD_PLUGINS="kling26-acme")

    assert ran.status == 1
    assert (
        ran.said
        == ran.object["error"]
        == (
            "This is a bug in kling26: RuntimeError: Illegal header value 'Bearer (key)'. Run it "
            "again with --verbose to see where."
        )
    )

    verbose = user.call(*line, "--verbose", PYTHONPATH=path)
    assert "Traceback (most recent call last):" in verbose.err
    assert "'Bearer (key)'" in verbose.err


def priced(lengths: Iterable[int], loud: float) -> Provider:
    """A provider that charges a cent for each second, and more for sound."""
    provider = load_providers()["kie"].at({})
    provider.limits = Limits(durations=lengths)

    def price(request: VideoRequest, options: object) -> float:
        return request.duration * (loud if request.sound else 0.01)

    provider.price = price  # type: ignore[method-assign]
    return provider


@pytest.mark.parametrize(
    ("lengths", "loud", "said"),
    [
        (range(3, 16), 0.01, "0.03 USD for 3 s, 0.15 USD for 15 s"),
        ((12, 4, 8), 0.01, "0.04 USD for 4 s, 0.08 USD for 8 s, 0.12 USD for 12 s"),
        ((2, 3, 5, 9), 0.02, "0.02 USD for 2 s, 0.04 USD for 2 s with sound, 0.09 USD for 9 s, "),
    ],
)
def test_list_prices_are_those_of_the_ends_of_many_lengths_and_of_sound_if_it_matters(
    tmp_path: Path, lengths: Iterable[int], loud: float, said: str
) -> None:
    text = " ".join(
        provider_page(priced(lengths, loud), Settings({"KLING26_HOME": str(tmp_path)})).split()
    )

    assert f"List price {said}" in text
    assert text.count(" USD for ") == said.rstrip(", ").count(" USD for ") + said.endswith(", ")


def test_one_provider_is_shown_whole(user: Any) -> None:
    ran = user.call("providers", "cometapi", COMETAPI_BASE_URL="https://proxy.example/comet")
    text = " ".join(ran.out.split())

    assert ran.status == 0
    for fact in (
        "CometAPI (cometapi)",
        "environment variable COMETAPI_KEY",
        "https://proxy.example/comet (set COMETAPI_BASE_URL to change it)",
        "Prompt up to 500 characters",
        "Duration 5 or 10 seconds",
        "Aspect ratio 16:9, 9:16 or 1:1",
        "JPEG or PNG files of up to 10 MB and at least 300 x 300 pixels; or an https:// URL",
        "Cost in USD",
        'mode std or pro (default: "std"). pro looks better and costs more',
        "End image together with an image",
        "https://query.cometapi.com (set COMETAPI_BALANCE_URL to change it)",
        "List price mode std: 0.21 USD for 5 s, 0.42 USD for 10 s; mode pro: 0.35 USD for 5 s, ",
        "0.70 USD for 5 s with sound, 0.70 USD for 10 s, 1.40 USD for 10 s with sound",
        "negative_prompt up to 200 characters. What the video must not show.",
        "cfg_scale 0 to 1.",
    ):
        assert fact in text


def test_the_list_price_and_the_way_to_a_key_are_shown(user: Any) -> None:
    text = " ".join(user.call("providers", "kie", KIE_API_KEY=None).out.split())

    assert "Key none. Set KIE_API_KEY, or run: kling26 keys set kie Get a key" in text
    assert "Get a key https://kie.ai/api-key" in text
    assert "Cost in credits, 0.005 USD each" in text
    assert "0.275 USD for 5 s, 0.55 USD for 5 s with sound" in text
    assert "Charges A failed task costs nothing" in text
    assert "End image not supported" in text
    assert "up to 2500 characters; with an image up to 1000 characters" in text
    assert "No options of its own." in text


def test_the_size_of_a_picture_is_told_with_its_pixels_and_in_the_units_of_the_limit(
    user: Any,
) -> None:
    text = " ".join(user.call("providers", "runcomfy").out.split())
    kie = " ".join(user.call("providers", "kie").out.split())

    assert (
        "Images PNG files of up to 6 MiB and at most 32 million pixels; or an https:// URL" in text
    )
    assert "Images JPEG, PNG or WEBP files of up to 10 MB; or an https:// URL" in kie


def test_a_price_that_is_asked_for_is_no_list_price(user: Any) -> None:
    text = " ".join(user.call("providers", "runcomfy").out.split())

    assert "Price asked for before each video" in text
    assert "List price" not in text


def test_any_provider_is_shown_too(user: Any) -> None:
    keys = NO_KEYS | {"KIE_API_KEY": "set", "COMETAPI_KEY": "set"}
    text = " ".join(user.call("providers", "auto", **keys).out.split())
    preferred = user.call("providers", "auto", KLING26_PREFER="kie,runcomfy").out

    assert "Any provider (auto)" in text
    assert "the cheapest first" in text
    assert "With a key kie and cometapi Goes on" in text
    assert "kie, then runcomfy, as KLING26_PREFER says" in preferred


def test_another_variable_may_have_the_key(user: Any) -> None:
    other = NO_KEYS | {"RUNCOMFY_API_TOKEN": "sk-of-the-other"}
    listed = rows(user.call("providers", **other).out)
    stored = user.call("keys", "set", "runcomfy", stdin="sk-of-mine\n", **other)
    shown = user.call("keys", "show", "runcomfy", **other)
    unset = user.call("keys", "unset", "runcomfy", **other)

    assert listed["runcomfy"].startswith("runcomfy RunComfy RUNCOMFY_API_TOKEN ")
    assert stored.said.startswith("RUNCOMFY_API_TOKEN is set as well")
    assert shown.out == "RunComfy: environment variable RUNCOMFY_API_TOKEN\n"
    assert unset.said.startswith("RUNCOMFY_API_TOKEN is still set")


def test_a_key_is_stored_for_its_owner_alone_and_never_shown(user: Any) -> None:
    alone = NO_KEYS
    ran = user.call("keys", "set", "kie", stdin="sk-of-mine\n", **alone)
    path = user.home / "keys.toml"

    assert ran.out == f"The key for kie.ai is stored in {path}, which only you can read.\n"
    assert (ran.status, ran.err) == (0, "")
    assert "sk-of-mine" in path.read_text()
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert user.call("keys", "show", "kie", **alone).out == f"kie.ai: keys.toml ({path})\n"


def test_the_environment_counts_before_a_stored_key(user: Any) -> None:
    both = NO_KEYS | {"KIE_API_KEY": "sk-of-the-environment"}
    stored = user.call("keys", "set", "kie", stdin="sk-of-mine\n", **both)
    shown = user.call("keys", "show", "kie", **both)
    unset = user.call("keys", "unset", "kie", **both)

    assert stored.said == "KIE_API_KEY is set as well, and takes precedence over the stored key."
    assert shown.out == "kie.ai: environment variable KIE_API_KEY\n"
    assert unset.out == "Deleted the stored key for kie.ai.\n"
    assert unset.said == "KIE_API_KEY is still set, so that key is used."
    assert "sk-of" not in stored.out + shown.out + unset.out + (user.home / "keys.toml").read_text()


def test_a_key_that_is_not_set_comes_with_the_way_to_one(user: Any) -> None:
    assert user.call("keys", "show", "runcomfy", **NO_KEYS).out == (
        "RunComfy: none. Set RUNCOMFY_TOKEN or RUNCOMFY_API_TOKEN, or run: kling26 keys set "
        "runcomfy (keys: https://www.runcomfy.com/profile)\n"
    )
    assert user.call("keys", "unset", "runcomfy", **NO_KEYS).out == (
        "No key is stored for RunComfy.\n"
    )


def test_a_key_on_the_command_line_is_refused_and_not_repeated(user: Any) -> None:
    for line in (("kie", "sk-typed-1234"), ("sk-typed-1234",), ("kie", "--key=sk-typed-1234")):
        ran = user.call("keys", "set", *line)

        assert ran.status == 2
        assert "sk-typed" not in ran.out + ran.err
    assert not (user.home / "keys.toml").exists()


def test_no_key_is_no_key(user: Any) -> None:
    ran = user.call("keys", "set", "kie", stdin="\n")

    assert ran.status == 2
    assert ran.said == "The key is empty."
    assert not (user.home / "keys.toml").exists()
