"""`gridsentry-edge overlay` draws the track where and when it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.evidence.clip import remuxed
from tests.edge.evidence.streams import cut_of, encode

SIZE = (320, 240)


def track(**changes: Any) -> dict[str, Any]:
    """A thing that falls down the middle from 3 s to 4 s of media time, counted in a picture of half the size."""
    points = [[3 + n / 10, 80.0, 20.0 + 8 * n] for n in range(11)]
    return {
        "format": "gridsentry.track.v1",
        "size": [160, 120],
        "tracks": [{"label": "thrown_object 0.9", "points": points, "box": [76.0, 96.0, 8.0, 8.0]}],
        **changes,
    }


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """From 2.0 s of media time on."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(remuxed(cut_of(encode(tmp_path / "c.mp4", size=SIZE), 2.2, 5.9)).content)
    return path


def run(*arguments: Any) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["overlay", *map(str, arguments)])
    return result.exit_code, result.output


def written(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "track.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def drawn_rows(picture: np.ndarray) -> tuple[int, int] | None:
    """First and last row in which colour is: the wall is grey."""
    rows = np.flatnonzero((picture.max(axis=2).astype(int) - picture.min(axis=2) > 90).any(axis=1))
    return (int(rows[0]), int(rows[-1])) if len(rows) else None


def test_a_clip_shows_the_track_as_far_as_it_had_come(tmp_path: Path, clip: Path) -> None:
    out = tmp_path / "out.mp4"
    assert run(clip, written(tmp_path, track()), "--out", out) == (0, "")
    with av.open(str(out)) as video:
        shown = {
            round(float(frame.time), 1): drawn_rows(frame.to_ndarray(format="bgr24")) for frame in video.decode(video=0)
        }
    assert len(shown) == 40
    assert shown[0.5] is None, "2.5 s: nothing falls yet"
    half, whole = shown[1.5], shown[2.3]
    assert half is not None
    assert half == (pytest.approx(40, abs=8), pytest.approx(40 + 5 * 16, abs=10)), "3.5 s: half-way down"
    assert whole is not None
    assert whole[1] == pytest.approx(104 * 2 + 8, abs=10), "4.3 s: the box is there"
    assert shown[3.9] is not None, "5.9 s: it stays for a moment"


def test_a_still_shows_all_of_it(tmp_path: Path) -> None:
    picture, out = tmp_path / "snapshot.jpg", tmp_path / "drawn.png"
    cv2.imwrite(str(picture), np.full((240, 320, 3), 128, np.uint8))
    assert run(picture, written(tmp_path, track()), "--out", out) == (0, "")
    drawn = cv2.imread(str(out))
    assert drawn is not None
    found = drawn_rows(drawn)
    assert found is not None
    assert found[0] < 60
    assert found[1] > 180


def test_a_clip_that_does_not_say_where_it_begins(tmp_path: Path) -> None:
    old, out = encode(tmp_path / "old.mp4", size=SIZE), tmp_path / "out.mp4"
    code, said = run(old, written(tmp_path, track()), "--out", out)
    assert code == 2
    assert "give --start SECONDS" in said
    assert run(old, written(tmp_path, track()), "--out", out, "--start", 0)[0] == 0
    code, said = run(old, written(tmp_path, track()), "--out", out, "--start", 500)
    assert code == 1
    assert "no picture shows the track" in said


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "is no JSON"),
        ({"format": "gridsentry.telemetry.v1"}, "found 'gridsentry.telemetry.v1', expected 'gridsentry.track.v1'"),
        (track(tracks=[{"points": [[1, 2]]}]), "expected points of [t, x, y]"),
    ],
    ids=["no-json", "other-kind", "bad-points"],
)
def test_what_is_no_track_is_refused(tmp_path: Path, clip: Path, document: Any, message: str) -> None:
    code, said = run(clip, written(tmp_path, document), "--out", tmp_path / "out.mp4")
    assert code == 1
    assert message in said
    assert not (tmp_path / "out.mp4").exists()


def test_what_is_no_video_is_refused(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no video")
    code, said = run(tmp_path / "no.mp4", written(tmp_path, track()), "--out", tmp_path / "out.mp4", "--start", 0)
    assert code == 1
    assert "cannot be opened" in said
    code, said = run(clip, written(tmp_path, track()), "--out", tmp_path / "out.jpg")
    assert code == 2
    assert "expected an .mp4" in said
