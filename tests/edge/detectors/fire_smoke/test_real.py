"""Real clips and stills, read in place: what burns is found without weights, and streets burn nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.detectors.fire_smoke.settings import Hazard
from edge.detectors.registry import PictureSize
from tests.edge.detectors.fire_smoke.scenes import SHARED, clip, detector, seen, slides

FIRES = SHARED / "fire" / "clips"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")


@pytest.mark.parametrize(
    ("name", "size"),
    [("fire2", (480, 270)), ("sample_01", (768, 432)), ("small_fire", (768, 432))],
    ids=["bonfire before a camera that pans", "ignites on black", "forest edge in smoke"],
)
def test_real_flames_are_found_within_15_seconds_without_weights(name: str, size: tuple[int, int]) -> None:
    made = detector(size=PictureSize(*size))
    found = []
    for frame in clip(FIRES / f"{name}.mp4", fps=8):
        found += [one for one in made.observe(frame) if one.hazard == Hazard.FIRE]
        if found:
            break
    assert found and found[0].media_time <= 15
    assert {one.key for one in found} == {"fire:1"}


def test_real_smoke_on_black_is_found_within_45_seconds() -> None:
    made, found = detector({"hazards": ["smoke"]}, size=PictureSize(768, 432)), []
    for frame in clip(FIRES / "sample_01.mp4", fps=6):
        found += made.observe(frame)
        if found:
            break
    assert found and found[0].media_time <= 30 and found[0].key == "smoke:1"


@pytest.mark.parametrize("path", ["thrown/office1.mp4", "signals/dusk_crossings.mp4"], ids=["office", "crossings"])
def test_nothing_burns_in_real_footage_of_other_things(path: str) -> None:
    size = PictureSize(1280, 720) if "office" in path else PictureSize(1920, 1080)
    assert seen(detector(size=size), clip(SHARED / path, fps=5)) == []


@pytest.mark.parametrize("folder", ["thrown/tower_stills", "streets/dashcam"], ids=["towers", "streets"])
def test_nothing_burns_in_slides_of_real_stills(folder: str) -> None:
    paths = sorted(path for path in Path(SHARED / folder).iterdir() if path.suffix in (".jpg", ".jpeg"))
    assert paths
    assert seen(detector(size=PictureSize(640, 360)), slides(paths[:12], hold=2.0, fps=4)) == []
