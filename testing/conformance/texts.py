"""Texts and URLs arrive as they were written, to the last character."""

import re
from collections.abc import Iterator, Mapping

from ...core.options import options_of
from ..samples import TASK
from ..wire_form import WireForm
from .asking import Asked, choices, spelled
from .forms import Forms, uploaded
from .judging import fail

#: What careless code between here and the wire would change.
AWKWARD = (
    'A "heron" – Reiher, 鷺, 🪶 – lands & <b>rests</b>,\n\tthen: {name} %s \\n 50 % of $PATH. '
)
#: A text whose place in a request is looked for.
WORD = "heronry"
OTHER_TASK = f"{TASK[:-1]}0"
#: Texts by what is special about them.
TEXTS: Mapping[str, str] = {
    "with blanks at its ends": "  A heron lands  ",
    "with line breaks at its ends": "\n\tA heron lands\r\n\n",
    "with blanks in a row": "A  heron \t  lands",
    "with the line ends of Windows": "A heron\r\nlands\rhere\nnow",
    "with rare line ends": "A\u2028heron\u2029lands\x85here\x0bnow\x0c.",
    "with quotation marks and backslashes": "\"A 'heron'\" \\n \\u0041 \\\\ `lands`",
    "with braces, dollars and per cent signs": "{name} {{0}} {} %s %(a)s 100% $HOME ${a} $1",
    "with tags and entities": "<b>A heron</b> <br/> &amp; &lt; &#39; & lands",
    "with the marks of URLs": "A+heron%20lands?a=1&b=2#c;d=/e/../f",
    "in capitals": "A HERON Lands: İSTANBUL, STRASSE, ẞ",
    "with emoji and rare letters": "🪶 𠮷 👩‍👩‍👧 🏳️‍🌈 👍🏽",
    "with composed letters": "\u00c5\u00e9\u1ec7\uac00",
    "with letters and accents apart": "A\u030ae\u0301e\u0323\u0302\u1100\u1161",
    "with letters that look like others": "\ufb01 \u00bd \u212b \uff21\uff22 \u2460 \u00b5 \u2026",
    "with typographic marks": "“A heron” – ‘lands’ — it’s… 5\u00a0s\u202fon",
    "with invisible marks": "\ufeffA\u00ad\u200b\u2060 \u200fheron\u200e \u202elands\u202c\ufeff",
    "with control characters": "A\x07 heron\x1b[1m\x7f lands\x01",
    "that looks like a number": "42",
    "that looks like a fraction": "5.0",
    "that looks like a great number": "1e5",
    "that looks like true": "true",
    "that looks like nothing": "null",
    "that looks like Python's nothing": "None",
    "that looks like zero": "0",
    "that looks like false": "false",
    "that looks like False": "False",
    "that is a word for none": "none",
    "that is another word for none": "No",
    "that looks like an unknown number": "nan",
    "that is a mark": "-",
    "that looks like an object": '{"prompt": "A heron", "n": 1}',
    "that looks like a list": "[1, 2]",
    "that looks like a quoted text": '"A heron"',
    "that looks like a URL": "https://pictures.example/heron.png",
    "that looks like an option": "--no birds, @heron /imagine #1",
    "of one letter": "x",
}
#: URLs that careless code between here and the wire would change.
URLS = (
    "https://pictures.example/heron.png",
    "https://me.example/hook?task=1",
    "http://me.example/heron.png",
    "https://pictures.example:8443/a%2Fb/h%C3%A9ron.png?X-Sig=a%2Fb%3D&x=1&y=a+b&e=&z=%7B%7D",
    "https://bücher.example/鷺.png?wo=Köln",
    "https://xn--bcher-kva.example/Heron.PNG;v=1?q=A,B&t=1:2",
    "https://pictures.example",
    "https://pictures.example/heron.png#xywh=1,2",
    "https://pictures.example/a//b/../heron?",
    "https://pictures.example/" + "x" * 1971 + ".png",
)


class Texts(Forms):
    """What users write."""

    def test_the_prompt_is_sent_unchanged(self) -> None:
        """
        Any text arrives as it is, up to the last character that `limits` allows.

        What to do: send `request.prompt` itself; `limits` refuses a prompt that is too long.
        """
        for start in self._starts():
            asked = start.but("prompt", WORD)
            limit = self.provider.limits.prompt(start.request.kind) or 2000
            self._check_unmixed(asked.but("task", TASK), "prompt")
            self._check_text(asked, "prompt", _of_length(limit), f"a prompt of {limit} characters")
            for special, text in TEXTS.items():
                self._check_text(asked, "prompt", text[:limit], f"a prompt {special}")
            for choice in choices(self.provider, start.request):
                for value in choice.thinned().values[1:]:
                    beside = asked.but(choice.name, value)
                    what = f"a prompt of {limit} characters beside {spelled(choice.name, value)}"
                    if choice.name != "prompt":
                        self._check_text(beside, "prompt", _of_length(limit), what)

    def test_own_texts_are_sent_unchanged(self) -> None:
        """
        The texts of the provider's own options arrive as they are, such as a negative prompt.

        What to do: send the option itself; `max_length` refuses a text that is too long.
        """
        for info in options_of(self.provider.Options):
            if info.type is not str or info.choices:
                continue
            limit = info.bounds.max_length or 2000
            for start in self._starts()[:2]:
                asked = start.but(info.name, WORD[:limit])
                what = f"the option {info.name}"
                self._check_text(
                    asked, info.name, _of_length(limit), f"{what} of {limit} characters"
                )
                self._check_unmixed(asked.but("task", TASK), info.name)
                for special, text in TEXTS.items():
                    self._check_text(asked, info.name, text[:limit], f"{what}, a text {special}")

    def test_urls_are_sent_unchanged(self) -> None:
        """
        The URLs of the images and of the user's webhook arrive whole, and those of uploads.

        What to do: send `request.image`, `request.end_image` and `request.callback_url` themselves.
        """
        for start in self._starts():
            for name in ("image", "end_image", "callback_url"):
                if name == "end_image" and start.request.image is None:
                    continue
                for url in URLS:
                    form = self._form(start.but(name, url))
                    if form is not None and not _has_whole(form, url):
                        fail(f"submit changes {name} {start.source}: {url} is not in the request.")
            self._check_uploaded(start)

    def _check_uploaded(self, start: Asked) -> None:
        """The URLs of uploaded pictures are sent as `upload` returned them."""
        form = self._form(start) if self.provider.can("upload") else None
        for name, file in start.request.files.items():
            if form is not None and not _has_whole(form, uploaded(file)):
                fail(
                    f"submit changes the URL that upload returned for {name}: {uploaded(file)} is "
                    "not in the request."
                )

    def _check_unmixed(self, asked: Asked, name: str) -> None:
        """Nothing of the task is added to a text."""
        forms = self._forms(asked, asked.but("task", OTHER_TASK))
        word = str(asked.value(name))
        for path, value in _places(forms[0], word) if forms is not None else ():
            if forms is not None and value != forms[1].get(path):
                fail(
                    f"submit sends request.task with {name}, in {path.removeprefix('body.')} "
                    f"{asked.source}; send {name} itself."
                )

    def _check_text(self, asked: Asked, name: str, text: str, what: str) -> None:
        """Wherever a word of this option is sent, so is this text."""
        forms = self._forms(asked, asked.but(name, text))
        if forms is None:
            return
        plain, awkward = forms
        word = str(asked.value(name))
        places = dict(_places(plain, word))
        if places and not any(
            awkward.get(path) == value.replace(word, text) for path, value in places.items()
        ):
            fail(f"submit changes {what} {asked.source}: see {_where(places)}.")


def _places(form: WireForm, word: str) -> Iterator[tuple[str, str]]:
    """Where a word is sent as a text of its own, or in a longer one."""
    for path, value in form.items():
        # A list may be made of a text's words, and the path of a URL is quoted.
        if isinstance(value, str) and word in value and not path.endswith("]") and path != "url":
            yield path, value


def _has_whole(form: WireForm, url: str) -> bool:
    """Whether a URL is sent, and nothing was added to it; it may stand among other words."""
    texts = [value for value in form.values() if isinstance(value, str)]
    return any(re.search(rf"{re.escape(url)}(?![^\s,;|\"')\]}}>])", text) for text in texts)


def _where(places: Mapping[str, str]) -> str:
    return next(iter(places)).removeprefix("body.")


def _of_length(limit: int) -> str:
    return ((AWKWARD * (limit // len(AWKWARD) + 1))[: limit - 1] + ".")[-limit:]
