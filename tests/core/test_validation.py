"""What is refused before anything is sent, and which provider is not loaded."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve
from kling26.core import (
    ImageFile,
    ImageRefused,
    NoOptions,
    OptionRefused,
    Provider,
    VideoRequest,
)
from kling26.core.validation import validate
from kling26.providers.cometapi import CometAPIOptions
from PIL import Image

PROMPT = "A lighthouse blinks in the fog"


@pytest.fixture
def kie(providers: Mapping[str, Provider]) -> Provider:
    return providers["kie"]


@pytest.fixture(params=["kie", "apikley", "cometapi", "runcomfy"])
def provider(request: pytest.FixtureRequest, providers: Mapping[str, Provider]) -> Provider:
    return providers[request.param]


def refusal(provider: Provider, request: VideoRequest, options: Any = None) -> OptionRefused:
    with pytest.raises(OptionRefused) as caught:
        validate(provider, request, options)

    assert caught.value.provider == provider.name
    return caught.value


def test_a_plain_request_suits_every_provider(provider: Provider) -> None:
    assert isinstance(validate(provider, VideoRequest(PROMPT), None), provider.Options)


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("duration", 7, "5 or 10; got 7."),
        ("duration", "5", '5 or 10; got "5".'),
        ("duration", 5.0, "5 or 10; got 5.0."),
        ("duration", True, "5 or 10; got True."),
        ("aspect_ratio", "4:3", '16:9, 9:16 or 1:1; got "4:3".'),
        ("aspect_ratio", None, "16:9, 9:16 or 1:1; got None."),
        ("sound", "on", 'true or false; got "on".'),
        ("sound", 1, "true or false; got 1."),
        ("seed", -1, "between 0 and 18446744073709551615; got -1."),
        ("seed", 2**64, "between 0 and 18446744073709551615; got 18446744073709551616."),
        ("prompt", 5, "text; got 5."),
        ("callback_url", 5, "text; got 5."),
    ],
)
def test_a_value_beyond_the_vocabulary_is_refused_by_every_provider(
    provider: Provider, option: str, value: object, problem: str
) -> None:
    given: dict[str, Any] = {"prompt": PROMPT, option: value}
    error = refusal(provider, VideoRequest(**given))

    assert str(error) == f"{provider.title}: {option} must be {problem}"
    assert error.option == option


@pytest.mark.parametrize("prompt", ["", "   ", "\n\t"])
def test_an_empty_prompt_is_refused(provider: Provider, prompt: str) -> None:
    error = refusal(provider, VideoRequest(prompt))

    assert str(error) == f"{provider.title}: prompt must not be empty."
    assert error.option == "prompt"


def test_a_provider_may_take_less_than_the_vocabulary(kie: Provider) -> None:
    narrow = kie.at({})
    narrow.limits = evolve(kie.limits, durations=(5,), aspect_ratios=("1:1", "16:9"))

    error = refusal(narrow, VideoRequest(PROMPT, duration=10))
    assert str(error) == "kie.ai: duration must be 5 seconds; got 10."
    error = refusal(narrow, VideoRequest(PROMPT, aspect_ratio="9:16"))
    assert str(error) == 'kie.ai: aspect_ratio must be 1:1 or 16:9; got "9:16".'


@pytest.fixture
def other(kie: Provider) -> Provider:
    """A service whose videos take 4, 8 or 12 seconds, in shapes of its own."""
    other = kie.at({})
    other.limits = evolve(kie.limits, durations=(4, 8, 12), aspect_ratios=("4:3", "21:9"))
    return other


def test_lengths_and_shapes_are_those_of_the_service(other: Provider) -> None:
    validate(other, VideoRequest(PROMPT, duration=12, aspect_ratio="21:9"), None)

    error = refusal(other, VideoRequest(PROMPT, duration=7, aspect_ratio="4:3"))
    assert str(error) == "kie.ai: duration must be 4, 8 or 12 seconds; got 7."
    error = refusal(other, VideoRequest(PROMPT, duration=8, aspect_ratio="4-3"))
    assert str(error) == (
        'kie.ai: aspect_ratio must be 4:3 or 21:9; got "4-3"; did you mean "4:3"?'
    )


def test_a_default_that_a_service_does_not_have_is_neither_sent_nor_changed(
    other: Provider,
) -> None:
    error = refusal(other, VideoRequest(PROMPT, aspect_ratio="4:3"))
    assert str(error) == "kie.ai: duration must be 4, 8 or 12 seconds; got 5, the default."
    assert error.option == "duration"
    error = refusal(other, VideoRequest(PROMPT, duration=4))
    assert str(error) == 'kie.ai: aspect_ratio must be 4:3 or 21:9; got "16:9", the default.'


@pytest.mark.parametrize("duration", [4.0, True, "4", None, [4]])
def test_a_length_is_a_whole_number(other: Provider, duration: Any) -> None:
    error = refusal(other, VideoRequest(PROMPT, duration=duration))

    assert str(error).startswith("kie.ai: duration must be 4, 8 or 12 seconds; got ")


def test_a_service_that_chooses_the_shape_is_asked_for_none(kie: Provider) -> None:
    shapeless = kie.at({})
    shapeless.limits = evolve(kie.limits, aspect_ratios=())
    problem = "kie.ai: aspect_ratio is not supported, because the service chooses the shape itself"

    validate(shapeless, VideoRequest(PROMPT), None)
    error = refusal(shapeless, VideoRequest(PROMPT, aspect_ratio="9:16"))
    assert str(error) == f'{problem}; leave it out, or at its default "16:9".'
    error = refusal(shapeless, VideoRequest(PROMPT, asks_for_shape=True))
    assert str(error) == f"{problem}; leave it out."


def test_the_shape_does_not_matter_beside_an_image(kie: Provider) -> None:
    narrow = kie.at({})
    for shapes in (("1:1",), ("4:3", "21:9"), ()):
        narrow.limits = evolve(kie.limits, aspect_ratios=shapes)
        validate(narrow, VideoRequest(PROMPT, image="https://pictures.example/a.png"), None)


@pytest.mark.parametrize("url", ["https://me.example/hook?x=1", "http://127.0.0.1:8000/"])
def test_a_webhook_is_any_url_of_the_web(kie: Provider, url: str) -> None:
    validate(kie, VideoRequest(PROMPT, callback_url=url), None)


@pytest.mark.parametrize(
    "url", ["", "me.example/hook", "ftp://me.example", "https://", "http://[", "https://a\nb/",
            "https://me.example:99999/", "https://me.example/a b"]
)  # fmt: skip
def test_a_webhook_that_is_not_a_url_is_refused(kie: Provider, url: str) -> None:
    error = refusal(kie, VideoRequest(PROMPT, callback_url=url))

    assert str(error).startswith("kie.ai: callback_url must be an https:// URL; got ")


@pytest.mark.parametrize("option", ["image", "callback_url"])
def test_a_password_in_a_url_is_neither_kept_nor_shown(kie: Provider, option: str) -> None:
    request = VideoRequest(PROMPT, **{option: "https://me:sesame@me.example/a.png"})  # type: ignore[arg-type]

    error = refusal(kie, request)

    assert str(error).endswith("https:// URL without a user name or a password.")


@pytest.mark.parametrize("url", ["https://", "http://[", "https://a\x1b[31mb/", "https://\udcff/"])
def test_an_image_that_is_not_a_url_is_refused(kie: Provider, url: str) -> None:
    error = refusal(kie, VideoRequest(PROMPT, image=url))

    assert isinstance(error, ImageRefused)
    assert str(error).startswith("kie.ai: image must be a valid http:// or https:// URL; got ")
    assert "\x1b" not in str(error)


def drawn(kind: str, size: tuple[int, int] = (400, 400)) -> ImageFile:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind)
    return ImageFile(file.getvalue())


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("kie", ["PNG", "JPEG", "WEBP"]), ("apikley", ["PNG", "JPEG", "WEBP"]),
     ("cometapi", ["PNG", "JPEG"])],
)  # fmt: skip
def test_pictures_are_taken_in_the_formats_of_the_provider(
    providers: Mapping[str, Provider], name: str, kinds: list[str]
) -> None:
    for kind in kinds:
        validate(providers[name], VideoRequest(PROMPT, image=drawn(kind)), None)

    error = refusal(providers[name], VideoRequest(PROMPT, image=drawn("GIF")))
    assert str(error).endswith("; got GIF.")
    assert "PNG" in str(error)


def test_a_file_that_is_no_picture_is_refused(kie: Provider) -> None:
    error = refusal(kie, VideoRequest(PROMPT, image=b"<html>"))

    assert str(error) == (
        "kie.ai: image must be JPEG, PNG or WEBP; this file cannot be read as an image."
    )


def test_a_picture_that_is_too_large_is_refused_with_both_numbers(
    kie: Provider, picture: ImageFile
) -> None:
    large = ImageFile(picture.data + b"\0" * (10_000_001 - len(picture.data)))

    error = refusal(kie, VideoRequest(PROMPT, image=large))

    assert str(error) == "kie.ai: image must be at most 10 MB; got 10.1 MB."


def test_options_come_by_name_or_as_an_instance(providers: Mapping[str, Provider]) -> None:
    comet = providers["cometapi"]
    wanted = CometAPIOptions(mode="pro", cfg_scale=0.5)

    assert validate(comet, VideoRequest(PROMPT), {"mode": "pro", "cfg_scale": "0.5"}) == wanted
    assert validate(comet, VideoRequest(PROMPT), wanted) is wanted


def test_an_instance_of_another_providers_options_is_refused(
    providers: Mapping[str, Provider],
) -> None:
    error = refusal(providers["cometapi"], VideoRequest(PROMPT), NoOptions())

    assert str(error) == (
        "CometAPI: options must be a mapping or an instance of CometAPIOptions; got one of "
        "NoOptions."
    )


def test_an_instance_is_checked_too(providers: Mapping[str, Provider]) -> None:
    error = refusal(providers["cometapi"], VideoRequest(PROMPT), CometAPIOptions(cfg_scale=2))

    assert error.option == "cfg_scale"
