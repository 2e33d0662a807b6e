"""The committed clips: small, playable, true, and still what the generator makes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import yaml

from samples.facade.__main__ import DEMO_SEED
from samples.facade.catalogue import demo_scenarios
from samples.facade.render import Renderer
from samples.facade.truth import facade_settings

NAMES = [scenario.name for scenario in demo_scenarios(DEMO_SEED)]


@pytest.fixture(scope="module")
def clips(root: Path) -> Path:
    return root / "samples" / "clips"


@pytest.fixture(scope="module")
def truth(clips: Path) -> dict[str, list[dict[str, Any]]]:
    entries = yaml.safe_load((clips / "truth.yaml").read_text(encoding="utf-8"))["clips"]
    return {Path(entry["file"]).stem: entry["episodes"] for entry in entries}


def test_truth_names_every_clip_and_two_are_nuisance(clips: Path, truth: dict[str, list[dict[str, Any]]]) -> None:
    assert sorted(truth) == sorted(path.stem for path in clips.glob("*.mp4"))
    assert set(NAMES) <= set(truth)  # the junction's are tested beside its generator
    assert [len(truth[name]) for name in NAMES] == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("name", NAMES)
def test_clip_is_small_and_plays_in_a_browser(clips: Path, name: str) -> None:
    path = clips / f"{name}.mp4"
    assert path.stat().st_size < 1_000_000
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert video.duration is not None
        assert video.time_base is not None
        assert 8 <= float(video.duration * video.time_base) <= 14
        assert 20 <= float(video.average_rate or 0) <= 25


@pytest.mark.parametrize("name", NAMES[:3])
def test_fall_is_visible_and_well_inside_its_clip(
    clips: Path, truth: dict[str, list[dict[str, Any]]], name: str
) -> None:
    track = json.loads((clips / f"{name}.track.json").read_text(encoding="utf-8"))
    (episode,) = track["episodes"]
    assert truth[name][0]["start_seconds"] == pytest.approx(episode["start_seconds"], abs=0.01)
    assert episode["start_seconds"] >= 2
    assert episode["end_seconds"] <= track["frames"] / track["fps"] - 1
    assert episode["seen_drop_m"] >= 8
    assert episode["narrowest_px"] >= 4
    assert episode["contrast_to_noise"] >= 6


@pytest.mark.parametrize("name", NAMES)
def test_generator_still_makes_these_pictures_and_calibrations(clips: Path, name: str) -> None:
    """Up to compression: another processor may round the last bit otherwise, so bytes are compared elsewhere."""
    scenario = next(item for item in demo_scenarios(DEMO_SEED) if item.name == name)
    renderer = Renderer(scenario)
    calibration = yaml.safe_load((clips / "calibration.yaml").read_text(encoding="utf-8"))
    assert calibration[name]["facade"] == facade_settings(renderer)
    wanted = {0, scenario.frames // 2, scenario.frames - 1}
    with av.open(str(clips / f"{name}.mp4")) as container:
        shown = {i: f.to_ndarray(format="yuv420p") for i, f in enumerate(container.decode(video=0)) if i in wanted}
    for index in wanted:
        error = np.mean((shown[index].astype(np.float64) - renderer.frame(index)) ** 2)
        assert error < 40, f"{name}: frame {index} differs; run python -m samples.facade --out samples/clips"
