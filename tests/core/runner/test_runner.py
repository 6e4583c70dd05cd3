"""The main job: one request, one payment, one video."""

from pathlib import Path

import av

from ..conftest import Stage


def test_a_video_is_paid_once_and_stored(stage: Stage, tmp_path: Path) -> None:
    video = stage.generate(output=tmp_path / "heron.mp4")

    assert video.file == tmp_path / "heron.mp4"
    with av.open(str(video.file)) as container:
        assert container.duration == 5_000_000
    assert stage.paid == 1
    assert stage.task().state == "stored"
