"""Faults that show beside other options, or with large values: the suite finds each of them."""

import pytest

TEXT = '"text": request.prompt,'
LOOK = '"look": options.look,'
STEPS = '"steps": options.steps,'
NOT = 'body["not"] = options.negative_prompt'
FIRST = 'body["first"] = request.image'
LAST = 'body["last"] = request.end_image'
HOOK = 'body["hook"] = request.callback_url'
STRENGTH = 'body["strength"] = options.strength'
SHAPE = 'body["shape"] = request.aspect_ratio'
PART = '"file": (image.name, image.data, image.mime_type)'
URL = 'self.read_url(reply, self.read(reply, dict).get("url"), "reply.url")'

#: The test that finds the fault, the words it finds for it, and the edits of Beacon's source, or,
#: with three parts, of its emulator's.
SEEDS: dict[str, tuple[str, str, *tuple[tuple[str, ...], ...]]] = {
    "a prompt that an option changes": (
        "no_option_changes_another",
        "submit changes the prompt from text when steps is 50: see text.",
        (TEXT, '"text": request.prompt + (" --fast" if options.steps == 50 else ""),'),
    ),
    "a text of its own that an option changes": (
        "no_option_changes_another",
        "submit changes negative_prompt from text when duration is 10: see not.",
        (NOT, f'{NOT} + (", haste" if request.duration == 10 else "")'),
    ),
    "frames that are swapped beside a webhook": (
        "no_option_changes_another",
        (
            "submit changes image from an image with an end_image when callback_url is "
            '"https://me.example/hook?task=1": see first.'
        ),
        (
            LAST,
            (
                'body["last"] = request.end_image\n'
                "            if request.callback_url:\n"
                '                body["first"], body["last"] = request.end_image, request.image'
            ),
        ),
    ),
    "frames that are both the first beside a webhook": (
        "no_option_changes_another",
        "submit changes end_image from an image with an end_image when callback_url is",
        (LAST, 'body["last"] = request.image if request.callback_url else request.end_image'),
    ),
    "an image that is dropped beside an option": (
        "no_option_changes_another",
        "submit changes end_image from an image with an end_image when watermark is",
        ("if request.end_image is not None:", "if request.end_image and not options.watermark:"),
    ),
    "an option that is dropped beside two others": (
        "no_option_changes_another",
        (
            "submit sends steps 50 from text with sound True and watermark True as if it were 20; "
            "send it, or refuse it in check."
        ),
        (STEPS, '"steps": 20 if request.sound and options.watermark else options.steps,'),
    ),
    "an option that is dropped beside two others, with an image": (
        "no_option_changes_another",
        'with sound True and duration 10 as if it were "film"',
        (
            LOOK,
            (
                '"look": options.look if not (request.image and request.sound and '
                'request.duration == 10) else "film",'
            ),
        ),
    ),
    "a number that is rounded": (
        "own_options_keep_their_value",
        "submit sends strength 0.12345678 as 0.1235, in strength from text.",
        (STRENGTH, 'body["strength"] = round(options.strength, 4)'),
    ),
    "odd numbers that are made even": (
        "own_options_keep_their_value",
        "submit sends the same request from text whether steps is 30 or 31; send it as it is.",
        (STEPS, '"steps": options.steps if options.steps < 30 else options.steps // 2 * 2,'),
    ),
    "a number that becomes its neighbour": (
        "own_options_keep_their_value",
        "whether steps is 40 or 41",
        (STEPS, '"steps": 40 if options.steps == 41 else options.steps,'),
    ),
    "a text that is a word for nothing": (
        "own_texts_are_sent_unchanged",
        "submit changes the option negative_prompt, a text that looks like zero from text",
        ("if options.negative_prompt:", 'if options.negative_prompt not in ("", "0", "none"):'),
    ),
    "a text with our own id": (
        "own_texts_are_sent_unchanged",
        "submit sends request.task with negative_prompt, in not from text; send negative_prompt",
        (NOT, f"{NOT} + request.task"),
    ),
    "a prompt with our own id": (
        "the_prompt_is_sent_unchanged",
        "submit sends request.task with prompt, in text from text; send prompt itself.",
        (TEXT, '"text": f"{request.prompt} ({request.task})",'),
    ),
    "a webhook with more in its query": (
        "urls_are_sent_unchanged",
        "submit changes callback_url from text",
        (HOOK, f'{HOOK} + ("&" if "?" in request.callback_url else "?") + "from=beacon"'),
    ),
    "an image without its fragment": (
        "urls_are_sent_unchanged",
        "submit changes image from text: https://pictures.example/heron.png#xywh=1,2 is not",
        (FIRST, 'body["first"] = str(request.image).partition("#")[0]'),
    ),
    "a large picture that is cut": (
        "pictures_arrive_whole",
        "upload sends other bytes than those of a JPEG of 320 x 320 pixels and 9,",
        (PART, PART.replace("image.data", "image.data[:1_000_000]")),
    ),
    "a picture that loses its last zeros": (
        "pictures_arrive_whole",
        "upload sends other bytes than those of a JPEG of 320 x 320 pixels and zeros after it.",
        (PART, PART.replace("image.data", 'image.data.rstrip(b"\\0")')),
    ),
    "pictures that are kept": (
        "equal_requests_are_sent_identically",
        "upload sends nothing for a picture that it has seen before, or takes for one",
        ('BOUNDARY = "beacon-7f3a"', 'BOUNDARY = "beacon-7f3a"\nKEPT = {}'),
        (
            "    def upload(self, image: ImageFile) -> Flow[str]:\n",
            (
                "    def upload(self, image: ImageFile) -> Flow[str]:\n"
                "        if image.size in KEPT:\n            return KEPT[image.size]\n"
            ),
        ),
        (f"return {URL}", f"KEPT[image.size] = {URL}\n        return KEPT[image.size]"),
    ),
    "the URL of an upload without its signature": (
        "the_urls_of_uploads_are_kept",
        "upload returned https://",
        (f"return {URL}", f'return {URL}.split("?")[0]'),
    ),
    "a shape that the service takes for another": (
        "the_service_understands_what_was_asked_for",
        "Videos from text in 9:16 and in 16:9 end in clips of the same shape; is 9:16 spelled as",
        (SHAPE, f'{SHAPE}.replace("9:16", "portrait")'),
        (
            "emulator",
            "        if not isinstance(body, dict):",
            (
                '        if isinstance(body, dict) and body.get("shape") == "portrait":\n'
                '            body["shape"] = "16:9"\n'
                "        if not isinstance(body, dict):"
            ),
        ),
    ),
}
BODY = "    def body(self, request"
SIGN = """    def sign(self, request, key):
        request.headers["x-key"] = key
        {}

"""
TICKET = "return Ticket(task_id)"
REPLIED = 'reply.request.headers["authorization"]'
KEYS: dict[str, tuple[str, str]] = {
    "a key in the name of the client": (
        "sign puts the key into the header user-agent, which is logged; take it out.",
        'request.headers["user-agent"] = "beacon " + key',
    ),
    "a key in a cookie, too": (
        "sign puts the key into the header cookie, which is logged; take it out.",
        'request.headers["cookie"] = f"key={key}"',
    ),
    "a long key that is cut": (
        "sign does not put the key on the request.",
        'request.headers["x-key"] = key[:64]',
    ),
    "a key that is printed as base64": (
        "sign prints, logs or warns of the key, or of a part of it; say nothing of it.",
        'print(__import__("base64").b64encode(key.encode()).decode())',
    ),
    "a key in a warning": (
        "sign prints, logs or warns of the key, or of a part of it; say nothing of it.",
        '__import__("warnings").warn(f"signed with {key}")',
    ),
    "the beginning of a key in the log": (
        "sign prints, logs or warns of the key, or of a part of it; say nothing of it.",
        '__import__("logging").getLogger("beacon").debug("key %s", key[:20])',
    ),
}
SEEDS |= {
    name: ("only_sign_handles_the_key", says, (BODY, SIGN.format(line) + BODY))
    for name, (says, line) in KEYS.items()
} | {
    "a key in the ticket": (
        "only_sign_handles_the_key",
        "submit puts the key into the ticket, which is kept in the journal.",
        (TICKET, f'return Ticket(task_id, {{"auth": {REPLIED}}})'),
    ),
    "a key in the ticket, backwards": (
        "only_sign_handles_the_key",
        "submit puts the key into the ticket, which is kept in the journal.",
        (TICKET, f'return Ticket(task_id, {{"auth": {REPLIED}[::-1]}})'),
    ),
    "a nought that is left out": (
        "every_own_option_is_sent_or_refused",
        "whether steps is",
        (STEPS, '"steps": options.steps or 20,'),
        ("minimum=10,", "minimum=-10,"),
    ),
}


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(finds, name: str) -> None:
    finds(*SEEDS[name])
