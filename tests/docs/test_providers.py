"""docs/providers.md says what the classes of the providers say."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from kling26.core import Provider, VideoRequest
from kling26.core.options import options_of
from kling26.core.text import join_words

IMAGE = "https://example.com/fox.png"
CALLBACK = "https://example.com/done"


@pytest.fixture(scope="module")
def guide(page: Any) -> Any:
    return page("docs/providers.md")


def sent(provider: Provider, **fields: Any) -> dict[str, object]:
    """The fields of the paid request, each under its dotted path."""
    request = VideoRequest(**({"prompt": "A red fox"} | fields))
    body = json.loads(next(provider.submit(request, provider.Options())).content)
    return dict(flat("", body))


def flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from flat(f"{path}[{index}]", inner)
    else:
        yield path, value


def spelled(provider: Provider, option: str, *values: object) -> str:
    """The field that an option becomes, and what each of its values becomes there."""
    bodies = [sent(provider, **{option: value}) for value in values]
    (path,) = (path for path in bodies[0] if bodies[0][path] != bodies[1].get(path))
    return f"`{path}`: " + ", ".join(f"`{json.dumps(body[path])}`" for body in bodies)


def field_of(provider: Provider, otherwise: str, **field: str) -> str:
    """The field that carries a text as it is."""
    (text,) = field.values()
    paths = [path for path, value in sent(provider, **field).items() if value == text]
    return f"`{paths[0]}`" if paths else otherwise


def image_file(provider: Provider) -> str:
    if not provider.limits.image_formats:
        return "not supported: public `https://` URLs only"
    return "uploaded first" if provider.can("upload") else "sent as base64"


def accepted_files(provider: Provider) -> str:
    limits = provider.limits
    if not limits.image_formats:
        return "–"
    formats = join_words((name.upper() for name in limits.image_formats), "or")
    least = f", at least {limits.image_pixels} pixels" if limits.image_pixels > 1 else ""
    return f"{formats}, up to {limits.image_bytes / 1e6:.0f} MB{least}"


def rate_limit(provider: Provider) -> str:
    if provider.limits.submissions is None:
        return "not published"
    many, seconds = provider.limits.submissions
    return f"{many} new tasks in {seconds:.0f} s"


def prices(provider: Provider) -> str:
    asked = [
        provider.price(
            VideoRequest("A red fox", sound=sound, duration=duration), provider.Options()
        )
        for duration in (5, 10)
        for sound in (False, True)
    ]
    return " / ".join(f"{price:g}" for price in asked if price is not None) or "not published"


def prompts(provider: Provider) -> str:
    text, image = provider.limits.text_prompt, provider.limits.image_prompt
    return f"{text} / {image}" if text and image else "not published"


def own_options(provider: Provider) -> str:
    return ", ".join(f"`{info.name}`" for info in options_of(provider.Options)) or "none"


FACTS: Mapping[str, Callable[[Provider], str]] = {
    "`--provider`": lambda p: f"`{p.name}`",
    "API key": lambda p: f"`{p.key_variable}`",
    "Where to get one": lambda p: f"<{p.key_page}>",
    "Sound on, off": lambda p: spelled(p, "sound", True, False),
    "Duration of 5 s, 10 s": lambda p: spelled(p, "duration", 5, 10),
    "Aspect ratio": lambda p: spelled(p, "aspect_ratio", "16:9", "1:1").partition(":")[0],
    "Image from a URL": lambda p: field_of(p, "", image=IMAGE),
    "Image from a file": image_file,
    "Accepted files": accepted_files,
    "Webhook (`--callback-url`)": lambda p: field_of(p, "not supported", callback_url=CALLBACK),
    "Takes an id of ours": lambda p: field_of(p, "no", task="k26-1"),
    "If the connection breaks while submitting": lambda p: (
        "the task is looked up by that id"
        if p.can("find")
        else "you decide (`kling26 adopt` or `resubmit`)"
    ),
    "Own options (`--option`)": own_options,
    "Max prompt (text / image)": prompts,
    "Rate limit": rate_limit,
    "Cancelling": lambda p: "while the task is queued" if p.can("cancel") else "not supported",
    "USD for 5 s / with sound / 10 s / with sound": prices,
}


def test_the_table_of_providers(guide: Any, providers: Mapping[str, Provider]) -> None:
    """On a mismatch, this is the table to put there."""
    everyone = providers.values()
    table = "\n".join(
        [
            "| | " + " | ".join(provider.title for provider in everyone) + " |",
            "|---" * (len(everyone) + 1) + "|",
            *(
                f"| {fact} | " + " | ".join(tell(provider) for provider in everyone) + " |"
                for fact, tell in FACTS.items()
            ),
        ]
    )

    assert table in guide.section("What each provider accepts"), table


def test_every_own_option_is_explained(guide: Any, providers: Mapping[str, Provider]) -> None:
    explained = [tuple(row[:3]) for row in guide.rows("Own options")]

    assert explained == [
        (provider.title, f"`{info.name}`", info.allowed())
        for provider in providers.values()
        for info in options_of(provider.Options)
    ]
