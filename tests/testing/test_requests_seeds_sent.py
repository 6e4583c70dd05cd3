"""Faults that show when a request is really sent: the suite finds each in a good provider."""

import pytest

#: Begins an edit of the emulator's source.
EMULATOR = "emulator"

BODY_END = "        return body\n"
SOUND = '"audio": request.sound,'
SECONDS = '"seconds": request.duration,'
SHAPE = 'body["shape"] = request.aspect_ratio'
FIRST = 'body["first"] = request.image'
LAST = 'body["last"] = request.end_image'
HOOK = 'body["hook"] = request.callback_url'
PART = '"file": (image.name, image.data, image.mime_type)'
LIMITS = "limits = Limits(text_prompt=1500, image_prompt=1000, image_pixels=300, end_image=True)"
CACHE = """    def upload(self, image):
        known = CACHE.get({key})
        if known is None:
            known = CACHE[{key}] = yield from self._upload(image)
        return known

    def _upload(self, image: ImageFile) -> Flow[str]:"""
UPLOAD = "    def upload(self, image: ImageFile) -> Flow[str]:"


def limits(old: str, new: str) -> tuple[str, str]:
    return LIMITS, LIMITS.replace(old, new)


def cached(key: str) -> tuple[tuple[str, str], ...]:
    return (
        ('BOUNDARY = "beacon-7f3a"', 'BOUNDARY = "beacon-7f3a"\nCACHE = {}'),
        (UPLOAD, CACHE.format(key=key)),
    )


#: The test that finds the fault, the words it finds for it, and the edits of Beacon's source, or
#: of its emulator's.
ACCEPTED = {
    "a limit of the prompt that is too wide": (
        "whatever_the_checks_let_pass_is_accepted",
        "A request from text with a prompt of 1501 characters passes",
        limits("text_prompt=1500", "text_prompt=1501"),
    ),
    "a limit of the prompt with an image that is too wide": (
        "whatever_the_checks_let_pass_is_accepted",
        "A request from an image with a prompt of 1500 characters passes",
        limits("image_prompt=1000", "image_prompt=1500"),
    ),
    "a limit of the prompt that is not told": (
        "whatever_the_checks_let_pass_is_accepted",
        "A request from text with a prompt of 5000 characters",
        limits("text_prompt=1500, ", ""),
    ),
    "bounds that are too wide": (
        "whatever_the_checks_let_pass_is_accepted",
        (
            "A request from text with steps 51 passes the checks, but is not accepted: "
            "Refused: Beacon refused the request"
        ),
        ("maximum=50)", "maximum=51)"),
    ),
    "a lower bound that is too wide": (
        "whatever_the_checks_let_pass_is_accepted",
        "with steps 9 passes",
        ("minimum=10,", "minimum=9,"),
    ),
    "a text that may be too long": (
        "whatever_the_checks_let_pass_is_accepted",
        "A request from text with a negative_prompt of 301 characters",
        ("max_length=300", "max_length=301"),
    ),
    "a choice that the service does not know": (
        "whatever_the_checks_let_pass_is_accepted",
        'A request from text with look "oil" passes the checks, but is not accepted: ',
        ('"film", "ink"]', '"film", "ink", "oil"]'),
    ),
    "a choice that is spelled otherwise": (
        "whatever_the_checks_let_pass_is_accepted",
        "'INK' is not one of",
        ('"look": options.look,', '"look": options.look.replace("ink", "INK"),'),
    ),
    "a default that the service refuses": (
        "every_flow_understands_its_replies",
        "submit",
        ('option(20, label="Steps"', 'option(60, label="Steps"'),
        ("maximum=50)", "maximum=60)"),
    ),
    "a pair that the service refuses": (
        "whatever_the_checks_let_pass_is_accepted",
        "strength goes with a look",
        (
            "if options.strength is not None and options.look",
            "if options.strength == 0 and options.look",
        ),
    ),
    "a shape that is sent with an image": (
        "whatever_the_checks_let_pass_is_accepted",
        "A request from an image passes the checks, but is not accepted: ",
        (BODY_END, '        body["shape"] = "16:9"\n' + BODY_END),
    ),
    "a field that only a video from text may have": (
        "whatever_the_checks_let_pass_is_accepted",
        "A request from an image with sound True passes",
        (
            BODY_END,
            '        body |= {"echo": 1} if request.image and request.sound else {}\n' + BODY_END,
        ),
    ),
    "a format that the service does not read": (
        "whatever_the_checks_let_pass_is_accepted",
        "A request from a WEBP file",
        limits("image_pixels=300", 'image_pixels=300, image_formats=("png", "webp")'),
        (EMULATOR, "min(_size(content)) > 0", "content[:4] != b'RIFF' and min(_size(content)) > 0"),
    ),
    "a picture that is too small": (
        "whatever_the_checks_let_pass_is_accepted",
        "A request from a JPEG file of 9 x 9 pixels passes the checks, but is not accepted",
        limits("image_pixels=300", "image_pixels=9"),
        (EMULATOR, "min(_size(content)) > 0", "Image.open(io.BytesIO(content)).width >= 300"),
    ),
    "sound that is refused with an end_image": (
        "whatever_the_checks_let_pass_is_accepted",
        "with an end_image with sound True passes the checks",
        (BODY_END, BODY_END),
        (
            EMULATOR,
            '        if "strength" in body and',
            (
                '        if "last" in body and body["audio"]:\n'
                '            return _invalid("no sound with last")\n'
                '        if "strength" in body and'
            ),
        ),
    ),
    "a check that breaks": (
        "whatever_the_checks_let_pass_is_accepted",
        "check raises TypeError",
        (
            "if options.strength is not None and options.look",
            "if options.strength > 0 and options.look",
        ),
    ),
}
UNDERSTOOD = {
    "sound the other way round": (
        "the_service_understands_what_was_asked_for",
        "From text, no sound was asked for, but the emulator understood sound.",
        (SOUND, '"audio": not request.sound,'),
    ),
    "sound the other way round with an image": (
        "the_service_understands_what_was_asked_for",
        "From an image, no sound was asked for, but the emulator understood sound.",
        (SOUND, '"audio": request.sound != (request.image is not None),'),
    ),
    "lengths that are swapped": (
        "the_service_understands_what_was_asked_for",
        "From text, 5 seconds was asked for, but the emulator understood 10 seconds.",
        (SECONDS, '"seconds": 15 - request.duration,'),
    ),
    "lengths that are swapped with an image and sound": (
        "the_service_understands_what_was_asked_for",
        "with sound True, 5 seconds was asked for, but the emulator understood 10 seconds",
        (
            SECONDS,
            '"seconds": abs(15 * bool(request.image and request.sound) - request.duration),',
        ),
    ),
    "shapes that are swapped": (
        "the_service_understands_what_was_asked_for",
        "From text, 16:9 was asked for, but the emulator understood 9:16.",
        (SHAPE, f'{SHAPE}[::-1].replace("61", "16")'),
    ),
    "shapes that are swapped in long videos": (
        "the_service_understands_what_was_asked_for",
        "was asked for, but the emulator understood",
        (
            SHAPE,
            (
                'shapes = {"16:9": "9:16", "9:16": "16:9"} if request.duration == 10 else {}\n'
                '            body["shape"] = shapes.get(request.aspect_ratio, request.aspect_ratio)'
            ),
        ),
    ),
    "a prompt that is whole in another field": (
        "the_service_understands_what_was_asked_for",
        "the prompt",
        ('"text": request.prompt,', '"text": request.prompt.strip(), "title": request.prompt,'),
        (EMULATOR, '"own_id": {"type": "string"},', '"own_id": {"type": "string"}, "title": {},'),
    ),
    "images that are swapped": (
        "the_first_and_the_last_image_are_not_swapped",
        "submit sends end_image as first from an image with an end_image; are the two images",
        (
            LAST,
            'body["first"], body["last"] = request.end_image, request.image',
        ),
    ),
    "files that are swapped": (
        "the_first_and_the_last_image_are_not_swapped",
        "submit sends end_image as first from a JPEG file",
        (
            LAST,
            (
                'body["last"] = request.end_image\n'
                '            if "files." in request.image:\n'
                '                body["first"], body["last"] = request.end_image, request.image'
            ),
        ),
    ),
    "images that are swapped in a list": (
        "the_first_and_the_last_image_are_not_swapped",
        "With a wide image and a tall end_image, the emulator makes a tall video; are the two",
        (LAST, 'body["frames"] = [request.end_image, body.pop("first")]'),
        (
            EMULATOR,
            "        if not isinstance(body, dict):",
            (
                "        body = dict(zip(('first', 'last'), body.pop('frames', ()))) | body\n"
                "        if not isinstance(body, dict):"
            ),
        ),
    ),
    "another webhook": (
        "the_service_understands_what_was_asked_for",
        "callback_url",
        (
            HOOK,
            'body["hook"] = request.callback_url.replace("m", "y", request.sound)',
        ),
    ),
}
PICTURES = {
    "a picture that is cut": (
        "pictures_arrive_whole",
        "upload sends other bytes than those of a JPEG of 320 x 320 pixels.",
        (PART, PART.replace("image.data", "image.data[:-1]")),
    ),
    "a picture that is too large for one piece": (
        "pictures_arrive_whole",
        "upload sends other bytes than those of a JPEG of",
        (PART, PART.replace("image.data", "image.data[:65536]")),
    ),
    "a picture that is made longer": (
        "pictures_arrive_whole",
        "upload sends other bytes than those of a JPEG of 320 x 320 pixels.",
        (PART, PART.replace("image.data", 'image.data + b"\\0"')),
    ),
    "a picture that is made smaller": (
        "pictures_arrive_whole",
        "upload sends other bytes",
        (
            PART,
            PART.replace("image.data", "image.data if image.length < 1100 else image.data[:1100]"),
        ),
    ),
    "a picture that is known by its length": (
        "pictures_arrive_whole",
        "upload sends other bytes",
        *cached("len(image.data)"),
    ),
    "a picture that is known by its beginning": (
        "pictures_arrive_whole",
        "upload sends other bytes",
        *cached("image.data[:20]"),
    ),
    "a picture that is known by its size": (
        "pictures_arrive_whole",
        "upload sends other bytes",
        *cached("(image.size, image.format)"),
    ),
    "a type that is always the same": (
        "pictures_keep_their_name_and_type",
        "upload calls a JPEG image/png, in the Content-Type of the part file.",
        (PART, PART.replace("image.mime_type", '"image/png"')),
    ),
    "a type that nobody knows": (
        "pictures_keep_their_name_and_type",
        "upload calls a JPEG image/jpg",
        (PART, PART.replace("image.mime_type", 'image.mime_type.replace("jpeg", "jpg")')),
    ),
    "a type of texts": (
        "pictures_keep_their_name_and_type",
        "upload calls a JPEG text/plain",
        (PART, PART.replace("image.mime_type", '"text/plain"')),
    ),
    "a name that is always the same": (
        "pictures_keep_their_name_and_type",
        "upload calls a JPEG picture.png, in the file name of the part file.",
        (PART, PART.replace("image.name", '"picture.png"')),
    ),
}
SEEDS = ACCEPTED | UNDERSTOOD | PICTURES


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(beacon, verdict, name: str) -> None:
    test, says, *edits = SEEDS[name]
    emulator = tuple(edit[1:] for edit in edits if edit[0] == EMULATOR)

    said = verdict(beacon(*(edit for edit in edits if len(edit) == 2), emulator=emulator), test)

    assert said is not None
    assert says in said
    assert "\n" not in said
