"""Faults between a request and the wire: the suite finds each of them in a good provider."""

import pytest
from kling26.testing.conformance import standard_tests

FAULT_TABLE = "test_whatever_goes_wrong_is_paid_once"
TEXT = '"text": request.prompt,'
SOUND = '"audio": request.sound,'
SECONDS = '"seconds": request.duration,'
LOOK = '"look": options.look,'
NOT = 'body["not"] = options.negative_prompt'
HOOK = 'body["hook"] = request.callback_url'
STRENGTH = 'body["strength"] = options.strength'
FIRST = 'body["first"] = request.image'

#: The test that finds the fault, the words it finds for it, and the edit of Beacon's source.
TEXTS = {
    "a prompt without its ends": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt with blanks at its ends from text: see text.",
        (TEXT, '"text": request.prompt.strip(),'),
    ),
    "a prompt stripped only with an image": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt with blanks at its ends from an image: see text.",
        (TEXT, '"text": request.prompt if request.image is None else request.prompt.strip(),'),
    ),
    "a prompt in composed letters": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt with letters and accents apart from text",
        (TEXT, '"text": __import__("unicodedata").normalize("NFC", request.prompt),'),
    ),
    "a prompt in letters taken apart": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt in capitals from text",
        (TEXT, '"text": __import__("unicodedata").normalize("NFD", request.prompt),'),
    ),
    "a prompt in plain letters": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt with letters that look like others from text",
        (
            TEXT,
            '"text": request.prompt.replace("\\ufb01", "fi"),',
        ),
    ),
    "a prompt with its blanks folded": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt",
        (TEXT, '"text": " ".join(request.prompt.split(" ")).replace("  ", " "),'),
    ),
    "a prompt with other line ends": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt with line breaks at its ends",
        (TEXT, '"text": request.prompt.replace("\\r\\n", "\\n"),'),
    ),
    "a prompt without marks of order": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt with invisible marks",
        (TEXT, '"text": request.prompt.replace("\\ufeff", ""),'),
    ),
    "a prompt with entities": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt of 1500 characters",
        (TEXT, '"text": __import__("html").escape(request.prompt, quote=False),'),
    ),
    "a prompt whose entities are read": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt with tags and entities",
        (TEXT, '"text": __import__("html").unescape(request.prompt),'),
    ),
    "a prompt whose escapes are read": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt with the marks of URLs",
        (TEXT, '"text": __import__("urllib.parse").parse.unquote(request.prompt),'),
    ),
    "a prompt that becomes a number": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt that looks like a number",
        (TEXT, '"text": int(request.prompt) if request.prompt.isdigit() else request.prompt,'),
    ),
    "a prompt in small letters": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt",
        (TEXT, '"text": request.prompt.lower(),'),
    ),
    "a long prompt cut with an image": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt of 1000 characters from an image: see text.",
        (TEXT, '"text": request.prompt[: 1500 if request.image is None else 999],'),
    ),
    "a prompt cut beside sound": (
        "the_prompt_is_sent_unchanged",
        "submit changes a prompt of 1500 characters beside sound True from text: see text.",
        (TEXT, '"text": request.prompt[:999] if request.sound else request.prompt,'),
    ),
    "a webhook that is made safe": (
        "urls_are_sent_unchanged",
        "submit changes callback_url from text: http://me.example/heron.png is not in the request.",
        (HOOK, f'{HOOK}.replace("http://", "https://")'),
    ),
    "a negative prompt without its ends": (
        "own_texts_are_sent_unchanged",
        "submit changes the option negative_prompt, a text with blanks at its ends from text",
        (NOT, f"{NOT}.strip()"),
    ),
    "a negative prompt that is cut": (
        "own_texts_are_sent_unchanged",
        "submit changes the option negative_prompt of 300 characters from text: see not.",
        (NOT, f"{NOT}[:299]"),
    ),
    "a negative prompt that is cut with an image": (
        "own_texts_are_sent_unchanged",
        "submit changes the option negative_prompt of 300 characters from an image: see not.",
        (NOT, f"{NOT}[: 300 if request.image is None else 200]"),
    ),
    "a picture's URL without its query": (
        "urls_are_sent_unchanged",
        "submit changes image from text",
        (FIRST, f'{FIRST}.partition("?")[0]'),
    ),
    "a picture's URL quoted once more": (
        "urls_are_sent_unchanged",
        "submit changes image from text",
        (FIRST, f'{FIRST}.replace("%2F", "/")'),
    ),
    "a picture's URL in ASCII": (
        "urls_are_sent_unchanged",
        "submit changes image from text: https://bücher.example",
        (FIRST, f'{FIRST}.replace("ü", "xn--")'),
    ),
    "a webhook without the end of its query": (
        "urls_are_sent_unchanged",
        "submit changes callback_url from text",
        (HOOK, f'{HOOK}.partition("&")[0]'),
    ),
}
COUNTING = {
    "sound dropped in long videos": (
        "every_option_counts_whatever_the_others_are",
        "the same request from text whether sound is False or True beside duration 10; send it,",
        (SOUND, '"audio": request.sound and request.duration == 5,'),
    ),
    "sound dropped with an image": (
        "every_shared_option_is_sent_or_refused",
        "the same request from an image whether sound is False or True; send it,",
        (SOUND, '"audio": request.sound and request.image is None,'),
    ),
    "ten seconds sent as five with an image": (
        "every_shared_option_is_sent_or_refused",
        "the same request from an image whether duration is 5 or 10",
        (SECONDS, '"seconds": request.duration if request.image is None else 5,'),
    ),
    "ten seconds sent as five with sound": (
        "every_option_counts_whatever_the_others_are",
        "whether duration is 5 or 10 beside sound True",
        (SECONDS, '"seconds": 5 if request.sound else request.duration,'),
    ),
    "a negative prompt dropped beside sound": (
        "every_option_counts_whatever_the_others_are",
        'whether negative_prompt is "" or "a word of the suite\'s" beside sound True',
        ("if options.negative_prompt:", "if options.negative_prompt and not request.sound:"),
    ),
    "a negative prompt dropped with an image": (
        "every_own_option_is_sent_or_refused",
        "the same request from an image whether negative_prompt is",
        ("if options.negative_prompt:", "if options.negative_prompt and request.image is None:"),
    ),
    "a webhook dropped with an image": (
        "every_shared_option_is_sent_or_refused",
        "the same request from an image whether callback_url is None or",
        (
            "if request.callback_url is not",
            "if request.image is None and request.callback_url is not",
        ),
    ),
    "a webhook dropped beside a look": (
        "every_option_counts_whatever_the_others_are",
        'whether callback_url is None or "https://me.example/hook?task=1" beside look "film"',
        (
            "if request.callback_url is not",
            "if options.look != 'film' and request.callback_url is not",
        ),
    ),
    "a strength of nothing dropped": (
        "every_own_option_is_sent_or_refused",
        "the same request from text whether strength is None or 0",
        ("if options.strength is not None:", "if options.strength:"),
    ),
    "a strength dropped beside one look of two": (
        "every_option_counts_whatever_the_others_are",
        'beside look "ink"',
        (
            "if options.strength is not None:",
            "if options.strength is not None and options.look != 'ink':",
        ),
    ),
    "steps that are clamped": (
        "every_own_option_is_sent_or_refused",
        "whether steps is 20 or 50",
        ('"steps": options.steps,', '"steps": min(options.steps, 20),'),
    ),
    "a look that is not told from another": (
        "every_own_option_is_sent_or_refused",
        'whether look is "plain" or "ink"',
        (LOOK, '"look": "film" if options.look == "film" else "plain",'),
    ),
    "a shape dropped beside a webhook": (
        "every_option_counts_whatever_the_others_are",
        'whether aspect_ratio is "16:9" or "9:16" beside callback_url',
        (
            '"] = request.aspect_ratio',
            '"] = "16:9" if request.callback_url else request.aspect_ratio',
        ),
    ),
    "a prompt dropped beside steps": (
        "every_option_counts_whatever_the_others_are",
        "whether prompt is",
        (TEXT, '"text": request.prompt if options.steps < 50 else "A heron",'),
    ),
}
VALUES = {
    "choices that are mixed up": (
        "own_options_keep_their_value",
        "submit sends look 'film' as 'ink', in look from text.",
        (LOOK, '"look": {"film": "ink", "ink": "film"}.get(options.look, options.look),'),
    ),
    "a mark the other way round with an image": (
        "own_options_keep_their_value",
        "submit sends watermark False as True, in watermark from an image.",
        (
            '"watermark": options.watermark,',
            '"watermark": options.watermark != bool(request.image),',
        ),
    ),
    "a strength that is halved": (
        "own_options_keep_their_value",
        "submit sends strength 1 as 0.5, in strength from text.",
        (STRENGTH, f"{STRENGTH} / 2"),
    ),
    "a strength that is rounded": (
        "own_options_keep_their_value",
        "submit sends strength 0.25 as 0.2, in strength from text.",
        (STRENGTH, 'body["strength"] = round(options.strength, 1)'),
    ),
    "sound that is a number with an image": (
        "numbers_and_booleans_keep_their_json_type",
        "submit sends sound as 0 in audio, which is not a JSON boolean.",
        (SOUND, '"audio": request.sound if request.image is None else int(request.sound),'),
    ),
    "steps that are a fraction with an image": (
        "numbers_and_booleans_keep_their_json_type",
        "submit sends steps as 20.0 in steps, which is not a JSON integer.",
        (
            '"steps": options.steps,',
            '"steps": options.steps if request.image is None else float(options.steps),',
        ),
    ),
    "a webhook that is the word None": (
        "numbers_and_booleans_keep_their_json_type",
        'submit sends callback_url as the text "None" in hook when it is not set; leave it out.',
        ("        return body\n", '        return {"hook": str(request.callback_url)} | body\n'),
    ),
    "a time in a header": (
        "equal_requests_are_sent_identically",
        "submit sends equal requests differently: see header.x-time.",
        ("json=body)", 'json=body, headers={"X-Time": str(int(time.time()))})'),
    ),
}
SEEDS = TEXTS | COUNTING | VALUES


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(beacon, verdict, name: str) -> None:
    test, says, edit = SEEDS[name]

    said = verdict(beacon(edit), test)

    assert said is not None
    assert says in said
    assert "\n" not in said


def test_the_good_providers_pass(acme, beacon, verdict) -> None:
    for suite in (acme(), beacon()):
        tests = [name.removeprefix("test_") for name in standard_tests() if name != FAULT_TABLE]
        assert {name: said for name in tests if (said := verdict(suite, name))} == {}
