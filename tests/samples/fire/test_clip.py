"""The committed clip: small, playable, true, still what the generator makes, and told as what it is."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import yaml

from samples.fire.clip import pictures, truth_of, yard_clip
from samples.fire.judging import judge
from samples.fire.render import Renderer
from samples.fire.running import Variant, Weights, run_show
from samples.fire.shows import Clip, TrueFire
from samples.junction.clip import enter

SCENE = yard_clip()


@pytest.fixture(scope="module")
def clips(root: Path) -> Path:
    return root / "samples" / "clips"


def _listed(clips: Path) -> dict[str, tuple[float, float]]:
    truth = yaml.safe_load((clips / "truth.yaml").read_text(encoding="utf-8"))["clips"]
    (mine,) = [clip for clip in truth if clip["file"] == "yard-1.mp4"]
    return {episode["hazard"]: (episode["start_seconds"], episode["end_seconds"]) for episode in mine["episodes"]}


def test_clip_is_small_and_plays_in_a_browser(clips: Path) -> None:
    path = clips / "yard-1.mp4"
    assert path.stat().st_size < 1_500_000
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height, float(video.average_rate or 0)) == (640, 360, 12)
        assert video.frames == 12 * 66


def test_truth_and_first_flames_are_still_what_the_generator_makes(clips: Path) -> None:
    """Up to 18 s: flames and smoke can be seen by then."""
    renderer = Renderer(SCENE)
    made = pictures(renderer)
    with av.open(str(clips / "yard-1.mp4")) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index >= 18 * 12:
                break
            picture = next(made)
            if index % 60 == 0:
                error = np.mean((frame.to_ndarray(format="yuv420p").astype(np.float64) - picture) ** 2)
                assert error < 40, f"picture {index} differs; run python -m samples.fire --out samples/clips"
    listed = _listed(clips)
    assert {item["hazard"]: item["start_seconds"] for item in truth_of(renderer)["episodes"]} == {
        hazard: start for hazard, (start, _) in listed.items()
    }
    assert set(listed) == {"fire", "smoke"}


def test_entering_the_clip_again_changes_nothing(tmp_path: Path, clips: Path) -> None:
    for name in ("truth.yaml", "calibration.yaml"):
        (tmp_path / name).write_bytes((clips / name).read_bytes())
    truth = yaml.safe_load((clips / "truth.yaml").read_text(encoding="utf-8"))["clips"]
    (mine,) = [clip for clip in truth if clip["file"] == "yard-1.mp4"]
    enter(tmp_path, "yard-1", mine, {"fire_smoke": {}}, "python -m samples.fire")
    for name in ("truth.yaml", "calibration.yaml"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (clips / name).read_text(encoding="utf-8")


def test_the_fire_is_told_in_time_and_neither_the_beacon_nor_the_vests_are(clips: Path) -> None:
    """Without any weights, through the real pipeline."""
    listed = _listed(clips)
    fire = TrueFire(end=52, flame_since=listed["fire"][0], smoke_since=listed["smoke"][0], box=(200, 0, 420, 260))
    result = run_show(Clip(clips / "yard-1.mp4", (640, 360), (fire,)), Weights(), (Variant.CALIBRATION,))
    judged = judge([result], Variant.CALIBRATION)
    assert judged.answered[0].in_time
    assert judged.false == []
    assert {said.hazard for said in result.said[Variant.CALIBRATION]} == {"fire", "smoke"}
