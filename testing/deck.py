"""What a test's cassette is played or recorded with, and what is looked at afterwards."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Self

from attrs import define, field

from ..core.atomic import replacing
from ..core.installed import discover
from ..core.plugins import load_sandboxes
from ..core.settings import Settings, url_variables
from .cassettes import dump
from .emulated import Emulated
from .keeping import Keeper
from .marker import MarkedCassette
from .reading import BadCassette, read, whole
from .refusing import reason_to_refuse
from .scrubbing import Scrubber
from .secrets import Secrets
from .sources import Source, days_text, is_host_of, played_by, recorded_from
from .tape import Playing, Recording, play, record, shut

#: What to do about a cassette that does not fit, by where it comes from.
_REMEDIES = {
    "recorded": "Correct the provider, or record the cassette again with pytest --record.",
    "written": "Correct the provider, or the cassette by the documents that it was written from.",
    "played": "Correct the provider, or generate it again with pytest --record-emulator.",
}
#: What to do about one that is too old.
_RENEWALS = {
    "recorded": "record it again with pytest --record.",
    "written": "compare it with its documents again, and give it the day's date.",
    "played": "generate it again with pytest --record-emulator.",
}


@define
class Deck:
    """The cassette of one test: it is open in a `with` block, and looked at by `finish`."""

    cassette: MarkedCassette
    tape: Playing | Recording
    _scrubber: Scrubber = field(repr=False)
    #: What a recording comes from.
    source: str = ""
    emulated: Emulated | None = None
    _open: AbstractContextManager[None] | None = field(default=None, init=False, repr=False)

    def __enter__(self) -> Self:
        if isinstance(self.tape, Playing):
            self._open = play(self.tape)
        else:
            self._open = record(self.tape) if self.emulated is None else shut()
        self._open.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        is_open, self._open = self._open, None
        if is_open is not None:
            is_open.__exit__(None, None, None)

    def finish(self) -> str | None:
        """
        Save a recording after its test has passed, or see that everything was asked for.

        Returns a sentence if it cannot be saved, or if the test asked for something else.
        """
        self.__exit__()
        if isinstance(self.tape, Playing):
            return self.tape.mismatch or self.tape.left_over
        problem = self._save(self.tape)
        return None if problem is None else f"{self.cassette.path} is not saved: {problem}."

    def _save(self, tape: Recording) -> str | None:
        """Write the file, or return why not."""
        if self.emulated is not None and self.emulated.broken:
            lost = self.emulated.broken[0]
            return f"the answer to {lost} broke off, and a cassette has whole answers only"
        if tape.mismatch:
            return tape.mismatch.rstrip(".")
        if not tape.exchanges:
            return "the test asked for nothing"
        keeper = Keeper(self._scrubber)
        kept = [
            {
                "request": keeper.request(each["request"]),
                "response": keeper.response(each["response"]),
            }
            for each in tape.exchanges
        ]
        source = self._scrubber.secrets.without(self.source)
        text = dump(source, kept)
        try:
            saved = whole({"metadata": {"source": source}, "interactions": kept})
        except BadCassette as error:
            return f"it {error}"
        provider = self.cassette.provider()
        if reason := reason_to_refuse(saved, self._scrubber.secrets, text, provider):
            return f"it {reason}"
        path = self.cassette.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, 0o644) as file:
            file.write_text(text, "utf-8")
        return None


def stays(cassette: MarkedCassette) -> str | None:
    """Why a cassette is not recorded, if it is not: words that follow its name."""
    if cassette.mode == "record":
        return cassette.never_recorded
    if cassette.mode == "play" or not cassette.path.exists():
        return None
    try:
        said = read(cassette.path)["metadata"].get("source")
    except BadCassette:
        return "it cannot be read; delete it to have it played by the emulator"
    source = Source.read(said)
    if source is not None and source.how == "played":
        return None
    what = f'it is "{source.text}"' if source else "it does not say where it comes from"
    return f"{what}; delete it to have it played by the emulator"


def deck_for(
    cassette: MarkedCassette, environ: Mapping[str, str], tasks: list[str], longest: int | None
) -> Deck:
    """
    What a cassette is played or recorded with; `tasks` are our own ids of the test's tasks.

    Raises `BadCassette` for one that must not be played: with a secret, of no source, or more than
    `longest` days old, unless its marker says how old it may be.
    """
    scrubber = cassette.scrubber(environ, tasks)
    if cassette.mode == "play":
        return Deck(cassette, _playing(cassette, scrubber, longest), scrubber)
    if cassette.mode == "record":
        provider = cassette.provider()
        url = Settings(environ).configure(provider).base_url
        if not is_host_of(provider, url):  # Said before anything is paid for.
            variable = url_variables(provider)["base_url"]
            raise BadCassette(
                f"{cassette.name} is not recorded from {url}, which is no host of {provider.name}: "
                f"unset {variable}."
            )
        return Deck(cassette, Recording(), scrubber, recorded_from(url))
    emulated = _emulated(cassette)
    source = played_by(cassette.emulator(), emulated.documents)
    return Deck(cassette, emulated.tape, scrubber, source, emulated)


def _playing(cassette: MarkedCassette, scrubber: Scrubber, longest: int | None) -> Playing:
    path = cassette.path
    if not path.is_file():
        raise BadCassette(
            f"There is no cassette {path}. Record it with pytest --record, have it played with "
            "pytest --record-emulator, or write it from the documents (kling26.testing.cassettes)."
        )
    content = read(path)
    text = path.read_text("utf-8")
    if reason := reason_to_refuse(content, Secrets(cassette.keys()), text, cassette.provider()):
        raise BadCassette(f"{path} is not played: it {reason}.")
    source = Source.read(content["metadata"]["source"])
    assert source is not None, "It would have been refused."
    if "max_age" in cassette.mark.kwargs:
        longest = cassette.max_age
    if longest is not None and source.days > longest:
        raise BadCassette(
            f"{path} is {days_text(source.days)} old, and may be {days_text(longest)}: "
            f"{_RENEWALS[source.how]}"
        )
    remedy = _REMEDIES[source.how]
    return Playing(str(path), content["interactions"], Keeper(scrubber), remedy)


def _emulated(cassette: MarkedCassette) -> Emulated:
    provider = cassette.provider()
    sandbox = load_sandboxes(discover()).get(provider.name)
    if sandbox is None:
        raise BadCassette(
            f"There is no emulator of {provider.name}: no plug-in returns one from its hook "
            "kling26_sandboxes."
        )
    own_key = cassette.own_key
    # An emulator takes a key with "broke" in it for that of an empty account.
    wrong = own_key is not None and "broke" not in own_key
    try:
        return Emulated.of(provider, sandbox, cassette.faults, wrong)
    except TypeError as error:
        raise BadCassette(f"The emulator of {provider.name}: {error}") from None
