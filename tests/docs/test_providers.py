"""docs/providers.md says what the classes of the providers say."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from kling26.core import ImageFile, Provider, VideoRequest
from kling26.core.money import list_price, pricing_options
from kling26.core.options import options_of
from kling26.core.text import join_words

IMAGE = "https://example.com/fox.png"
END_IMAGE = "https://example.com/den.png"
PICTURE = ImageFile(b"\x89PNG")
DATA_URI = re.compile("data:.*;base64,").match
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
    text = next(iter(field.values()))
    paths = [path for path, value in sent(provider, **field).items() if value == text]
    return f"`{paths[0]}`" if paths else otherwise


def image_file(provider: Provider) -> str:
    if provider.can("upload"):
        return "uploaded first"
    texts = [text for text in sent(provider, image=PICTURE).values() if isinstance(text, str)]
    return "sent as a data URI" if any(map(DATA_URI, texts)) else "sent as base64"


def end_image(provider: Provider) -> str:
    if not provider.limits.end_image:
        return "not supported"
    return field_of(provider, "", end_image=END_IMAGE, image=IMAGE)


def accepted_files(provider: Provider) -> str:
    limits = provider.limits
    formats = join_words((name.upper() for name in limits.image_formats), "or")
    size, unit = (limits.image_bytes / 1e6, "MB")
    if limits.image_bytes % 2**20 == 0:
        size, unit = limits.image_bytes / 2**20, "MiB"
    least = f", at least {limits.image_pixels} pixels" if limits.image_pixels > 1 else ""
    area = limits.image_area
    most = "" if area is None else f" and {area / 1e6:g} megapixels"
    return f"{formats}, up to {size:g} {unit}{most}{least}"


def rate_limit(provider: Provider) -> str:
    if provider.limits.submissions is None:
        return "not published"
    many, seconds = provider.limits.submissions
    return f"{many} new tasks in {seconds:.0f} s"


def key_variables(provider: Provider) -> str:
    return " or ".join(f"`{name}`" for name in provider.key_variables)


def balance(provider: Provider) -> str:
    return f"in {provider.cost_unit}" if provider.can("balance") else "not supported"


def prices(provider: Provider) -> Iterator[str]:
    """A row of list prices, or one for each choice of an own option that they depend on."""
    choices = [(info.name, value) for info, many in pricing_options(provider) for value in many]
    for own in [{name: value} for name, value in choices] or [{}]:
        asked = [
            list_price(provider, VideoRequest("A red fox", sound=sound, duration=duration), own)
            for duration in (5, 10)
            for sound in (False, True)
        ]
        named = "".join(f", `{name}={value}`" for name, value in own.items())
        figures = " | ".join("–" if price is None else f"{price:g}" for price in asked)
        yield f"| {provider.title}{named} | {figures} | {other_price(provider)} |"


def other_price(provider: Provider) -> str:
    """Where a price is from if it is in no list, and what one unit of a cost is worth."""
    if provider.can("quote"):
        return "asked for before each video"
    if provider.usd_per_unit is not None:
        return f"1 {provider.cost_unit.removesuffix('s')} is worth {provider.usd_per_unit:g} USD"
    return (
        "charged in USD" if list_price(provider, VideoRequest("A red fox"), {}) else "not published"
    )


def prompts(provider: Provider) -> str:
    text, image = provider.limits.text_prompt, provider.limits.image_prompt
    return f"{text} / {image}" if text and image else "not published"


def own_options(provider: Provider) -> str:
    return ", ".join(f"`{info.name}`" for info in options_of(provider.Options)) or "none"


FACTS: Mapping[str, Callable[[Provider], str]] = {
    "`--provider`": lambda p: f"`{p.name}`",
    "API key": key_variables,
    "Where to get one": lambda p: f"<{p.key_page}>",
    "Sound on, off": lambda p: spelled(p, "sound", True, False),
    "Duration of 5 s, 10 s": lambda p: spelled(p, "duration", 5, 10),
    "Aspect ratio": lambda p: spelled(p, "aspect_ratio", "16:9", "1:1").partition(":")[0],
    "Image from a URL": lambda p: field_of(p, "", image=IMAGE),
    "Image from a file": image_file,
    "Accepted files": accepted_files,
    "End image": end_image,
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
    "Balance (`kling26 balance`)": balance,
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


def test_the_table_of_prices(guide: Any, providers: Mapping[str, Provider]) -> None:
    """On a mismatch, this is the table to put there."""
    table = "\n".join(
        [
            "| USD | 5 s | 5 s with sound | 10 s | 10 s with sound | |",
            "|---|---|---|---|---|---|",
            *(row for provider in providers.values() for row in prices(provider)),
        ]
    )

    assert table in guide.section("What a video costs"), table


def test_what_is_known_of_the_price_of_a_failure_is_told(
    guide: Any, providers: Mapping[str, Provider]
) -> None:
    known = [provider.charges for provider in providers.values() if provider.charges]

    assert known
    assert [each for each in known if each not in guide.section("What a video costs")] == []


def test_every_own_option_is_explained(guide: Any, providers: Mapping[str, Provider]) -> None:
    explained = [tuple(row[:3]) for row in guide.rows("Own options")]

    assert explained == [
        (provider.title, f"`{info.name}`", info.allowed())
        for provider in providers.values()
        for info in options_of(provider.Options)
    ]
