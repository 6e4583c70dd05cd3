"""Good providers of services that are unlike Beacon raise no alarm."""

import pytest
from kling26.testing.conformance import standard_tests

CLIP = 'clip = Clip(body["prompt"], body["seconds"], body["sound"], *size)'
CHECKED = "for error in Draft202012Validator(VIDEO).iter_errors(body):"
SECONDS = '"seconds": {"type": "integer", "enum": [5, 10]},'
SHAPE = 'body["aspect_ratio"] = request.aspect_ratio'
POST = 'httpx.Request("POST", f"{self.base_url}/v1/videos", json=body)'
FORM = """        from urllib.parse import parse_qs
        from kling26.sandbox.requests import replay
        fields = parse_qs((await request.body()).decode())
        request = Request(request.scope, replay(fields["input"][0].encode()))
        return await self.submit(request, _understand)"""
SPELL = """

def spell(image):
    return image if isinstance(image, str) else f"data:{image.mime_type};base64,{image.base64()}"


class AcmeProvider("""

#: The edits of Acme's source, and those of its emulator's.
OTHERS = {
    "an emulator that looks at nothing": (
        (),
        ((CHECKED, "for error in ():"), (CLIP, 'clip = Clip("A heron")')),
    ),
    "lengths and shapes of its own": (
        (("limits = Limits(", 'limits = Limits(durations=(4, 8), aspect_ratios=("21:9", "4:3"),'),),
        (
            (SECONDS, '"seconds": {"enum": [4, 8]},'),
            ('["16:9", "9:16", "1:1"]', '["21:9", "4:3"]'),
            ('SIZES[body.get("aspect_ratio", "16:9")]', "(320, 180)"),
        ),
    ),
    "many lengths and no shapes, in short clips": (
        (
            ("limits = Limits(", "limits = Limits(durations=range(3, 16), aspect_ratios=(),"),
            (SHAPE, "pass"),
        ),
        (
            (SECONDS, '"seconds": {"enum": list(range(3, 16))},'),
            ('body["seconds"], body', 'min(body["seconds"], 10), body'),
        ),
    ),
    "lengths in milliseconds": (
        (("seconds=request.duration", "seconds=request.duration * 1000"),),
        (("[5, 10]", "[5000, 10000]"), ('body["seconds"], body', 'body["seconds"] // 1000, body')),
    ),
    "nothing that is spelled": (
        (
            (
                "        return body\n",
                '        return {"webhook_url": None, "image_url": None} | body\n',
            ),
        ),
        (
            (
                "    for error in Draft",
                (
                    "    body = {name: each for name, each in body.items() if each is not None}\n"
                    "    for error in Draft"
                ),
            ),
        ),
    ),
    "a body that is a text in a form": (
        ((POST, POST.replace("json=body", 'data={"input": __import__("json").dumps(body)}')),),
        (("        return await self.submit(request, _understand)", FORM),),
    ),
    "a title that is cut, and a key of idempotency": (
        (
            ("prompt=request.prompt,", 'prompt=request.prompt, title=request.prompt[:9] + "…",'),
            (
                POST,
                POST.replace(
                    "json=body", 'json=body, headers={"Idempotency-Key": "k" + request.task}'
                ),
            ),
        ),
        (('"additionalProperties": False,', ""),),
    ),
    "pictures as data": (
        (
            ("image_formats=()", 'image_formats=("png", "jpeg", "webp")'),
            ("assert request.image is None or isinstance(request.image, str)", "pass"),
            ('body["image_url"] = request.image', 'body["image_url"] = spell(request.image)'),
            ("\n\nclass AcmeProvider(", SPELL),
        ),
        (('"image_url": {"type": "string", "pattern": "^https?://"}', '"image_url": {}'),),
    ),
    "options that need one another": (
        (
            (
                "    # Here",
                (
                    "    def check(self, request, options):\n"
                    "        if request.sound and (request.duration == 10 or request.image):\n"
                    '            raise self.option_refused("sound", "no.")\n\n'
                    "    # Here"
                ),
            ),
        ),
        (),
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_good_providers_raise_no_alarm(acme, verdict, name: str) -> None:
    edits, emulator = OTHERS[name]
    suite = acme(*edits, emulator=emulator)

    names = [each.removeprefix("test_") for each in standard_tests() if "goes_wrong" not in each]
    assert {each: said for each in names if (said := verdict(suite, each))} == {}
