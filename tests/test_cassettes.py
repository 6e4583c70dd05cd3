"""Every cassette: readable, harmless, used, and honest about where it comes from."""

import ast
import copy
import runpy
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from kling26.core import Provider
from kling26.testing import cassettes
from kling26.testing.cassettes import problems

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "cassettes"
NAMES = sorted(
    path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml")
)
PROVIDERS = ("kie", "apikley", "cometapi", "runcomfy")
CASES = (
    "text_to_video_with_sound",
    "image_to_video",
    "refused_key",
    "refused_credit",
    "refused_input",
    "failed_task",
)


@lru_cache
def load(path: Path) -> dict[str, Any]:
    return cassettes.load(path)


@pytest.fixture(scope="module")
def written() -> Mapping[str, str]:
    """What the script would write, by the cassettes' names."""
    script = runpy.run_path(str(ROOT / "tests" / "write_cassettes.py"))
    texts: Mapping[str, str] = script["written"]()
    return texts


def used() -> Iterator[str]:
    """The names in the markers of the tests."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("cassette"):
                yield ast.literal_eval(node.args[0])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_has_its_cases(provider: str) -> None:
    assert {name for name in NAMES if name.startswith(f"{provider}/")} >= {
        f"{provider}/{case}" for case in CASES
    }


def test_there_is_no_other_file_among_them() -> None:
    files = {path for path in FOLDER.rglob("*") if path.is_file()}

    assert {path.suffix for path in files} == {".yaml"}
    assert {path.parent.name for path in files} == set(PROVIDERS)


def test_each_is_played_by_a_test_and_no_test_plays_another() -> None:
    assert sorted(set(used())) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_none_has_a_secret_an_unknown_header_or_no_source(
    name: str, providers: Mapping[str, Provider]
) -> None:
    provider = providers[name.partition("/")[0]]

    assert list(problems(load(FOLDER / f"{name}.yaml"), provider)) == []


@pytest.mark.parametrize("name", NAMES)
def test_none_pretends(
    name: str, written: Mapping[str, str], providers: Mapping[str, Provider]
) -> None:
    """
    What was written is what the script writes; what was recorded came from the provider's API.
    """
    cassette = load(FOLDER / f"{name}.yaml")
    source = cassette["metadata"]["source"]
    how, _, where, *_ = source.split()
    if how == "written":
        assert (FOLDER / f"{name}.yaml").read_text("utf-8") == written.get(name)
    else:
        assert where == providers[name.partition("/")[0]].base_url
        assert f"{cassette['interactions']}" not in written.get(name, "")


@pytest.mark.parametrize("name", NAMES)
def test_each_talks_to_its_provider_alone(name: str, providers: Mapping[str, Provider]) -> None:
    provider = providers[name.partition("/")[0]]
    hosts = tuple(f"{url}/" for url in cassettes.urls(provider).values())

    for each in load(FOLDER / f"{name}.yaml")["interactions"]:
        assert each["request"]["uri"].startswith(hosts)


@pytest.mark.parametrize("name", NAMES)
def test_bodies_are_there_to_be_read(name: str) -> None:
    """JSON, a line for each field, and no binary."""
    for each in load(FOLDER / f"{name}.yaml")["interactions"]:
        for body in (each["request"]["body"], each["response"]["body"]["string"]):
            assert body is None or (isinstance(body, str) and body.startswith("{\n  "))


# -- the check itself -------------------------------------------------------------------------

Spoil = Callable[[dict[str, Any]], None]


def put(part: str, body: str) -> Spoil:
    def spoil(exchange: dict[str, Any]) -> None:
        if part == "request":
            exchange["request"]["body"] = body
        else:
            exchange["response"]["body"]["string"] = body

    return spoil


def moved(uri: str) -> Spoil:
    return lambda exchange: exchange["request"].update(uri=uri)


def header(part: str, name: str) -> Spoil:
    return lambda exchange: exchange[part]["headers"].update({name: ["x"]})


def address(end: str) -> Spoil:
    def spoil(exchange: dict[str, Any]) -> None:
        exchange["request"]["uri"] += end

    return spoil


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (header("request", "authorization"), 'the header "authorization" does not belong in it'),
        (header("request", "user-agent"), 'the header "user-agent" does not belong in it'),
        (header("response", "set-cookie"), 'the header "set-cookie" does not belong in it'),
        (header("response", "cf-ray"), 'the header "cf-ray" does not belong in it'),
        (address("?key=k-123456"), "is not scrubbed"),
        (address("?X-Amz-Signature=abc"), "is not scrubbed"),
        (moved("https://store.example/grey.png?place=abc"), "is not scrubbed"),
        (moved("https://store.example/528618/grey.png"), "is not scrubbed"),
        (put("response", '{\n  "remainedCredits": 2510330\n}'), "is not scrubbed"),
        (put("response", '{\n  "data": {\n    "userId": "528618"\n  }\n}'), "is not scrubbed"),
        (put("response", '{\n  "email": "me@example.org"\n}'), "is not scrubbed"),
        (put("response", '{\n  "url": "https://a.example/v.mp4?Expires=1"\n}'), "is not scrubbed"),
        (put("response", '{\n  "url": "https://a.example/528618/v.mp4"\n}'), "is not scrubbed"),
        (put("response", '{\n  "url": "https://me:pw@a.example/v.mp4"\n}'), "is not scrubbed"),
        (put("response", '{\n  "resultJson": "{\\"u\\": \\"https://a.example/v?s=1\\"}"\n}'),
         "is not scrubbed"),
        (put("response", '{\n  "msg": "Bearer abcdef is wrong"\n}'), "is not scrubbed"),
        (put("response", "<p>sk-abcdefgh12345</p>"), "is not scrubbed"),
        (put("request", '{\n  "token": "abc"\n}'), "is not scrubbed"),
        (put("request", '{\n  "own": "k26-63ff16787aba8534"\n}'), "is not scrubbed"),
    ],
)  # fmt: skip
def test_the_check_finds_what_does_not_belong_there(
    spoil: Spoil, problem: str, providers: Mapping[str, Provider]
) -> None:
    cassette = copy.deepcopy(load(FOLDER / "kie" / "failed_task.yaml"))
    spoil(cassette["interactions"][0])

    (found,) = problems(cassette, providers["kie"])
    assert problem in found


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"metadata": {}},
        {"metadata": {"source": ""}},
        {"metadata": {"source": "the documents"}},
        {"metadata": {"source": "recorded on 2026-11-21"}},
        {"metadata": {"source": "written from the documents on 2026-11-21"}},
        {"metadata": {"source": "written from https://docs.kie.ai"}},
    ],
)
def test_the_check_wants_to_know_where_it_comes_from(
    metadata: dict[str, Any], providers: Mapping[str, Provider]
) -> None:
    cassette = dict(load(FOLDER / "kie" / "failed_task.yaml"))
    del cassette["metadata"]

    (found,) = problems(cassette | metadata, providers["kie"])
    assert "does not say where and when it comes from" in found
