"""Whether a file really is a video that plays."""

import wave
from pathlib import Path

import av
import pytest
from kling26.core.runner.video import UnplayableVideo, check_video
from kling26.testing.replay import clip


def test_a_real_video_passes(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(clip())

    check_video(tmp_path / "v.mp4")


def test_half_a_video_lacks_its_end(tmp_path: Path) -> None:
    whole = clip()
    (tmp_path / "v.mp4").write_bytes(whole[: len(whole) * 2 // 3])

    with pytest.raises(UnplayableVideo):
        check_video(tmp_path / "v.mp4")


@pytest.mark.parametrize("junk", [b"", b"<html>Not here</html>", b"\x00" * 5000, b"ftypmp42" * 99])
def test_junk_is_no_video(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "v.mp4").write_bytes(junk)

    with pytest.raises(UnplayableVideo, match="it is not a video file"):
        check_video(tmp_path / "v.mp4")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "v.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))

    with pytest.raises(UnplayableVideo, match="it has no video stream"):
        check_video(tmp_path / "v.wav")


def test_a_video_whose_pictures_cannot_be_decoded_is_none(tmp_path: Path) -> None:
    whole = clip()
    with av.open(str(write(tmp_path, whole))) as container:
        positions = [(p.pos, p.size) for p in container.demux(video=0) if p.pos is not None]
    broken = bytearray(whole)
    for position, size in positions:
        broken[position : position + size] = b"\xff" * size

    with pytest.raises(UnplayableVideo):
        check_video(write(tmp_path, bytes(broken)))


def write(folder: Path, content: bytes) -> Path:
    path = folder / "v.mp4"
    path.write_bytes(content)
    return path
