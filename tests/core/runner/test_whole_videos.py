"""Which files are whole videos that play, and which are not."""

import io
import tracemalloc
import wave
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import av
import pytest
from kling26.core.runner.video import UnplayableVideo, check_video
from kling26.sandbox.video import Clip, make_video
from kling26.testing.replay import clip
from PIL import Image

from ..videos import SECONDS, box, patched, record, silence

FRAGMENTS = "frag_keyframe+empty_moov"
#: Forms whose containers say where they end.
COMPLETE: Mapping[str, Callable[[], bytes]] = {
    "MP4, index at the end": record,
    "MP4, index in front": lambda: record(movflags="faststart"),
    "MP4 without sound": lambda: record(sound=None, movflags="faststart"),
    "MP4 of HEVC": lambda: record(video="libx265", **{"x265-params": "log-level=none"}),
    "MP4 of VP9": lambda: record(video="libvpx-vp9"),
    "MP4 in fragments": lambda: record(movflags=FRAGMENTS),
    "MP4 in fragments after an index": lambda: record(movflags="frag_keyframe"),
    "MP4 in fragments with an index of them": lambda: record(
        movflags=f"{FRAGMENTS}+default_base_moof+dash+global_sidx+skip_trailer"
    ),
    "MP4 in fragments from a pipe": lambda: record(pipe=True, movflags=FRAGMENTS),
    "MOV": lambda: record("mov"),
    "MOV with uncompressed sound": lambda: record("mov", sound="pcm_s16le"),
    "WebM": lambda: record("webm", "libvpx", "libopus"),
    "Matroska": lambda: record("matroska"),
    "the sandbox's": lambda: make_video(Clip("A heron", sound=True)),
    "the cassettes'": clip,
}
#: Forms that do not.
LIVE: Mapping[str, Callable[[], bytes]] = {
    "MP4 in fragments with no list of them": lambda: record(
        sound=None, movflags=f"{FRAGMENTS}+skip_trailer"
    ),
    "WebM from a pipe": lambda: record("webm", "libvpx", None, pipe=True, cluster_time_limit="400"),
    "WebM from a pipe, clusters of unknown size": lambda: unsized(
        record("webm", "libvpx", None, pipe=True, cluster_time_limit="400")
    ),
}


def unsized(webm: bytes) -> bytes:
    """A WebM whose clusters do not say how long they are, as browsers record them."""
    head, *clusters = webm.split(b"\x1f\x43\xb6\x75")
    result = head
    for cluster in clusters:
        width = 9 - cluster[0].bit_length()
        result += b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + cluster[width:]
    return result


@pytest.fixture
def problem(tmp_path: Path) -> Callable[..., str | None]:
    """What is wrong with a file."""

    def find(content: bytes, seconds: float | None = None) -> str | None:
        path = tmp_path / "video"
        path.write_bytes(content)
        try:
            check_video(path, seconds)
        except UnplayableVideo as error:
            return str(error)
        return None

    return find


Problem = Callable[..., str | None]


def cuts(whole: bytes) -> Iterator[bytes]:
    """The file cut at every 5 % and at many places near its end."""
    lengths = {len(whole) * percent // 100 for percent in range(0, 100, 5)}
    lengths |= {len(whole) - missing for missing in (*range(1, 16), *range(16, 240, 7))}
    for length in sorted(lengths):
        yield whole[:length]


@pytest.mark.parametrize("form", COMPLETE)
def test_a_whole_video_passes_and_a_cut_one_never_does(problem: Problem, form: str) -> None:
    whole = COMPLETE[form]()

    assert problem(whole) is None
    assert [len(cut) for cut in cuts(whole) if problem(cut) is None] == []


@pytest.mark.parametrize("form", LIVE)
def test_a_recording_that_does_not_say_where_it_ends_is_as_long_as_asked_for(
    problem: Problem, form: str
) -> None:
    whole = LIVE[form]()

    assert problem(whole, SECONDS) is None
    assert problem(whole, SECONDS + 1) == "its end is missing"
    assert problem(whole) == "its end is missing"
    assert [len(cut) for cut in cuts(whole) if problem(cut, SECONDS) is None] == []


def test_fragments_are_missed_also_where_the_file_is_cut_between_two(problem: Problem) -> None:
    whole = record(movflags=FRAGMENTS)
    starts = [at - 4 for at in range(len(whole)) if whole.startswith(b"moof", at)]

    assert len(starts) == 4
    assert {problem(whole[:start], SECONDS) for start in starts[1:]} == {"its end is missing"}


@pytest.mark.parametrize(
    "more",
    [box(b"free", b"x" * 99), box(b"uuid", bytes(16) + b"made by a camera"), bytes(5), bytes(512)],
    ids=["free", "uuid", "few zeros", "zeros"],
)
def test_what_players_skip_at_the_end_is_no_harm(problem: Problem, more: bytes) -> None:
    assert problem(record(movflags="faststart") + more) is None


def test_a_video_up_to_the_end_of_the_file_is_measured_by_its_index(problem: Problem) -> None:
    whole = record(movflags="faststart")
    at = whole.index(b"mdat") - 4
    open_ended = whole[:at] + bytes(4) + whole[at + 4 :]

    assert problem(open_ended) is None
    assert problem(open_ended[:-1]) == "its end is missing"


def test_a_video_may_have_a_name_of_strange_letters(problem: Problem) -> None:
    whole = record()
    name = whole.index(b"Lavf")

    assert problem(whole[:name] + b"\xff\xfe\xfd\xfc" + whole[name + 4 :]) is None


def picture(form: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(file, form)
    return file.getvalue()


def sound(form: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, 48_000, layout="mono")
        for number in range(20):
            container.mux(stream.encode(silence(960 * number, stream.format.name)))
        container.mux(stream.encode())
    return file.getvalue()


def wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16000))
    return file.getvalue()


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("video.mp4", record())
    return file.getvalue()


def elsewhere() -> bytes:
    """An MP4 whose pictures are in another file."""
    return patched(record(movflags="faststart"), b"url ", 0, 0)


NO_VIDEOS: Mapping[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a JPEG": lambda: picture("JPEG"),
    "a PNG": lambda: picture("PNG"),
    "a GIF": lambda: picture("GIF"),
    "a WebP": lambda: picture("WebP"),
    **({"an AVIF": lambda: picture("AVIF")} if ".avif" in Image.registered_extensions() else {}),
    "a list of files for FFmpeg": lambda: b"ffconcat version 1.0\nfile /tmp/v.mp4\n",
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:5,\n/tmp/v.ts\n#EXT-X-ENDLIST\n",
    "a description of streams": lambda: b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "a web page": lambda: b"<html>Not here</html>",
    "subtitles": lambda: b"1\n00:00:00,000 --> 00:00:05,000\nHello\n",
    "an archive": archive,
    "zeros": lambda: bytes(5000),
    "the name of a format": lambda: b"ftypmp42" * 99,
    "a WAV": wav,
    "an MP4 of sound": lambda: sound("mp4", "aac"),
    "a WebM of sound": lambda: sound("webm", "libopus"),
    "an MP4 without frames": lambda: record(sound=None, frames=0),
    "an MP4 of one frame": lambda: record(sound=None, frames=1),
    "a WebM of one frame": lambda: record("webm", "libvpx", None, frames=1),
    "an MP4 with its pictures elsewhere": elsewhere,
    "an MP4 in a transport stream": lambda: record("mpegts"),
}


@pytest.mark.parametrize("what", NO_VIDEOS)
def test_what_is_no_video_is_refused(problem: Problem, what: str) -> None:
    assert problem(NO_VIDEOS[what](), SECONDS) is not None


def test_pictures_that_cannot_be_decoded_are_refused(problem: Problem, tmp_path: Path) -> None:
    whole = bytearray(clip())
    (tmp_path / "clip").write_bytes(whole)
    with av.open(tmp_path / "clip") as container:
        spans = [(p.pos, p.size) for p in container.demux(video=0) if p.pos is not None]
    for position, size in spans:
        whole[position : position + size] = b"\xff" * size

    assert problem(bytes(whole)) == "it contains no frame that can be decoded"


def many_samples() -> Iterator[bytes]:
    """Small files that claim millions of samples, of no size of their own."""
    plain = record(sound=None, movflags="faststart")
    same = patched(patched(plain, b"stsz", 4, 1), b"stsz", 8, 20_000_000)
    yield same
    yield patched(plain, b"stsz", 8, 20_000_000)
    yield patched(plain, b"stts", 8, 2**31)
    yield patched(record(sound=None, movflags=FRAGMENTS), b"trun", 4, 20_000_000)


@pytest.mark.parametrize("number", range(4))
def test_a_claim_of_more_samples_than_bytes_takes_no_memory(problem: Problem, number: int) -> None:
    claim = list(many_samples())[number]
    tracemalloc.start()
    try:
        said = problem(claim)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert said in ("its index is damaged", "its end is missing")
    assert most < 4_000_000
