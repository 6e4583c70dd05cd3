"""Faults in ids, addresses and HTTP: the suite finds each of them in a good provider."""

import pytest

OWN = '"own_id": request.task,'
POST = 'httpx.Request("POST", f"{self.base_url}/v1/jobs", json=body)'
URL = "{quote(ticket.task_id, safe='')}"
SUBMIT = "        body = self.body(request, options)\n"
CHECK = "    def check(self, request: VideoRequest, options: BeaconOptions) -> None:\n"
PRICE = "return round(0.05 * request.duration"
UPLOAD_URL = 'return self.read_url(reply, self.read(reply, dict).get("url"), "reply.url")'
MUTABLE = ("@frozen\nclass BeaconOptions", "import attrs\n\n\n@attrs.define\nclass BeaconOptions")


def header(name: str, value: str) -> tuple[str, str]:
    return POST, POST.replace("json=body", f'json=body, headers={{"{name}": {value}}}')


#: The test that finds the fault, the words it finds for it, and the edits of Beacon's source.
OURS = {
    "an id made from the prompt": (
        "tasks_are_told_apart_by_our_own_id",
        "submit sends the same own_id for two tasks; send request.task.",
        (OWN, '"own_id": hashlib.md5(request.prompt.encode()).hexdigest(),'),
    ),
    "an id that is always the same": (
        "tasks_are_told_apart_by_our_own_id",
        "submit sends the same x-idempotency-key for two tasks",
        header("X-Idempotency-Key", '"beacon"'),
    ),
    "a key of idempotency made from the request": (
        "tasks_are_told_apart_by_our_own_id",
        "submit sends the same idempotency-key for two tasks",
        header("Idempotency-Key", "hashlib.sha256(repr(body['text']).encode()).hexdigest()"),
    ),
    "an id that is cut": (
        "tasks_are_told_apart_by_our_own_id",
        "submit sends only a part of request.task as own_id",
        (OWN, '"own_id": request.task[:12],'),
    ),
    "an id that is cut at the front": (
        "tasks_are_told_apart_by_our_own_id",
        "submit sends only a part of request.task as own_id",
        (OWN, '"own_id": request.task[-8:],'),
    ),
    "an id that is a short hash": (
        "tasks_are_told_apart_by_our_own_id",
        "submit sends only a part of request.task as own_id",
        (OWN, '"own_id": hashlib.md5(request.task.encode()).hexdigest()[:8],'),
    ),
    "an id in capitals": (
        "tasks_are_told_apart_by_our_own_id",
        "submit sends only a part of request.task as own_id",
        (OWN, '"own_id": request.task.upper(),'),
    ),
    "an id that is a hash": (
        "tasks_are_told_apart_by_our_own_id",
        "There is a flow find, but submit does not send request.task from text; send it whole.",
        (OWN, '"own_id": hashlib.sha256(request.task.encode()).hexdigest(),'),
    ),
    "an id that is missing with an image": (
        "tasks_are_told_apart_by_our_own_id",
        "submit does not send request.task from an image",
        (OWN, '"own_id": request.task if request.image is None else "",'),
    ),
    "a seed in an id": (
        "equal_requests_are_sent_identically",
        "submit sends the seed, in body.own_id.",
        (OWN, '"own_id": f"{request.task}-{request.seed}",'),
    ),
    "a seed that is sent with an image": (
        "equal_requests_are_sent_identically",
        "submit sends the seed, in body.seed.",
        ('body["first"] = request.image', 'body |= {"first": request.image, "seed": request.seed}'),
    ),
    "a random id with an image": (
        "equal_requests_are_sent_identically",
        "submit sends equal requests differently: see body.nonce.",
        (
            'body["first"] = request.image',
            'body |= {"first": request.image, "nonce": __import__("uuid").uuid4().hex}',
        ),
    ),
}
LEFT = {
    "options that are changed by submit": (
        "requests_and_options_are_left_as_they_are",
        "submit changes the options: steps becomes 30.",
        MUTABLE,
        (SUBMIT, "        options.steps = 30\n" + SUBMIT),
    ),
    "options that are changed by check": (
        "requests_and_options_are_left_as_they_are",
        "check changes the options: negative_prompt becomes 'dark'.",
        MUTABLE,
        (CHECK, CHECK + "        options.negative_prompt = options.negative_prompt or 'dark'\n"),
    ),
    "a request that is changed by submit": (
        "requests_and_options_are_left_as_they_are",
        "submit changes the request: prompt becomes",
        (
            SUBMIT,
            SUBMIT
            + "        object.__setattr__(request, 'prompt', request.prompt.strip() + '.')\n",
        ),
    ),
    "a request that is changed by price": (
        "requests_and_options_are_left_as_they_are",
        "price changes the request: sound becomes False",
        (PRICE, "object.__setattr__(request, 'sound', False)\n        " + PRICE),
    ),
    "a check that counts": (
        "check_and_price_answer_every_request",
        "check does not say the same twice",
        (
            CHECK,
            (
                f"{CHECK}        SEEN.append(1)\n        if len(SEEN) % 2:\n"
                "            raise self.option_refused('sound', 'no.')\n"
            ),
        ),
        ("MAX_AGE = 300.0", "MAX_AGE = 300.0\nSEEN = []"),
    ),
    "a check that refuses what is no option": (
        "check_and_price_answer_every_request",
        'check refuses "power", which is no option.',
        ('option_refused("strength"', 'option_refused("power"'),
    ),
    "a check that breaks beside another option": (
        "check_and_price_answer_every_request",
        "check raises KeyError: 10",
        (CHECK, CHECK + "        _ = {5: 1}[request.duration] if request.sound else None\n"),
    ),
    "a price that breaks with an image": (
        "check_and_price_answer_every_request",
        "price raises KeyError: 'image'",
        (PRICE, '_ = {"text": 1}[request.kind]\n        ' + PRICE),
    ),
    "a price that moves": (
        "check_and_price_answer_every_request",
        "price does not say the same twice",
        (PRICE, PRICE.replace("round", "time.perf_counter() + round")),
    ),
    "a price of nothing beside an option": (
        "check_and_price_answer_every_request",
        "price returned 0",
        (
            PRICE,
            "return 0 if options.watermark and request.sound else round(0.05 * request.duration",
        ),
    ),
    "a quote that breaks with a file": (
        "check_and_price_answer_every_request",
        "quote raises AttributeError",
        ('query = f"seconds', 'query = f"{(request.image or str()).lower()[:0]}seconds'),
    ),
}
SPELLED = {
    "JSON that is called text": (
        "requests_are_well_formed",
        "submit: POST /v1/jobs has a body of JSON, but is called text/plain",
        header("Content-Type", '"text/plain"'),
    ),
    "JSON that is called nothing": (
        "requests_are_well_formed",
        "submit: POST /v1/jobs has a body of JSON, but is called nothing; pass it as json=.",
        (POST, POST.replace("json=body", "content=__import__('json').dumps(body)")),
    ),
    "a body in another encoding": (
        "requests_are_well_formed",
        "submit: POST /v1/jobs has a body that is not UTF-8.",
        (
            POST,
            POST.replace(
                "json=body",
                "content=__import__('json').dumps(body, ensure_ascii=False).encode('utf-16'), "
                "headers={'Content-Type': 'application/json'}",
            ),
        ),
    ),
    "a header with foreign letters": (
        "requests_are_well_formed",
        "submit raises UnicodeEncodeError",
        header("X-Text", "request.prompt"),
    ),
    "a header with bytes of foreign letters": (
        "requests_are_well_formed",
        "has the header X-Text with more than printable ASCII",
        header("X-Text", "request.prompt.encode()"),
    ),
    "a body in a question": (
        "requests_are_well_formed",
        "poll: GET /v1/jobs/",
        (
            'httpx.Request("GET", self._url(ticket))',
            'httpx.Request("GET", self._url(ticket), json={})',
        ),
    ),
    "a form without its boundary": (
        "requests_are_well_formed",
        "upload: POST /v1/files has a form without its boundary",
        ('kind = f"multipart/form-data; boundary={BOUNDARY}"', 'kind = "multipart/form-data"'),
    ),
}
WHERE = {
    f"{flow} that ignores {attribute}": (
        "the_base_url_can_be_changed",
        f"{flow} goes to https://{host}.beacon.example",
        (old, old.replace(f"{{self.{attribute}}}", f"https://{host}.beacon.example")),
    )
    for flow, attribute, host, old in (
        ("poll", "base_url", "api", 'f"{self.base_url}/v1/jobs/{quote'),
        ("find", "base_url", "api", 'f"{self.base_url}/v1/jobs?own_id'),
        ("quote", "base_url", "api", 'f"{self.base_url}/v1/price'),
        ("balance", "base_url", "api", 'f"{self.base_url}/v1/account'),
        ("upload", "upload_url", "files", 'f"{self.upload_url}/v1/files'),
    )
}
WHERE |= {
    "an upload to the other host": (
        "the_base_url_can_be_changed",
        "upload goes to https://api.beacon.example/v1/files though upload_url is https://files",
        ('f"{self.upload_url}/v1/files', 'f"{self.base_url}/v1/files'),
    ),
    "a submit of images elsewhere": (
        "the_base_url_can_be_changed",
        "submit goes to https://api.beacon.example/v1/jobs though base_url is https://moved",
        (
            POST,
            POST.replace("self.", "(Beacon if request.image else self)."),
        ),
    ),
    "an id that is not quoted": (
        "ids_are_quoted_in_urls",
        'asks for https://api.beacon.example/v1/jobs/a/b when the id is "a/b"; write quote(',
        (URL, "{ticket.task_id}"),
    ),
    "an id of which the slash is not quoted": (
        "ids_are_quoted_in_urls",
        'asks for https://api.beacon.example/v1/jobs/a/b when the id is "a/b"; write quote(',
        (URL, "{quote(ticket.task_id)}"),
    ),
    "an id that is quoted twice": (
        "ids_are_quoted_in_urls",
        'asks for https://api.beacon.example/v1/jobs/a%252Fb when the id is "a/b"',
        (URL, "{quote(quote(ticket.task_id, safe=''), safe='')}"),
    ),
    "an id in a query that is not quoted": (
        "ids_are_quoted_in_urls",
        "when the id is",
        (f"/v1/jobs/{URL}", "/v1/jobs?id={ticket.task_id}"),
    ),
    "the URL of an upload without its signature": (
        "the_urls_of_uploads_are_kept",
        "upload returned https://files.beacon.example/v1/files/",
        (UPLOAD_URL, UPLOAD_URL + '.partition("?")[0]'),
    ),
    "the URL of an upload made by hand": (
        "urls_are_sent_unchanged",
        "submit changes the URL that upload returned for image",
        (
            'body["first"] = request.image',
            'body["first"] = request.image.removesuffix("?X-Sig=a%2Fb%3D&x=1")',
        ),
    ),
}
SEEDS = OURS | LEFT | SPELLED | WHERE


@pytest.mark.parametrize("name", SEEDS)
def test_each_fault_is_found_and_named(beacon, verdict, name: str) -> None:
    test, says, *edits = SEEDS[name]

    said = verdict(beacon(*edits), test)

    assert said is not None
    assert says in said
    assert "\n" not in said
