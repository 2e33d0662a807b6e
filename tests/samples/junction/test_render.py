from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest

from edge.detectors.interface import Region
from edge.detectors.traffic_signal.findings import Fault
from samples.junction.camera import Camera
from samples.junction.clip import junction_clip
from samples.junction.faults import TrueFault
from samples.junction.heads import lamp_centres
from samples.junction.render import Renderer
from samples.junction.scenario import (
    Away,
    Branch,
    Codec,
    Fog,
    LensRain,
    Moment,
    Scene,
    Shake,
    Sky,
    Vehicle,
)

SCENE = replace(junction_clip(), faults=(), events=(), traffic=0.0)


def _luma(scene: Scene, t: float) -> np.ndarray:
    return Renderer(scene).picture(t, round(t * scene.fps))[: scene.height].astype(float)


def _lens(picture: np.ndarray, x: float, y: float, diameter: float) -> float:
    reach = max(int(diameter / 4), 1)
    return float(picture[int(y) - reach : int(y) + reach + 1, int(x) - reach : int(x) + reach + 1].mean())


@pytest.mark.parametrize("sky", [sky for sky in Sky if sky is not Sky.LOW_SUN])
def test_lit_lamps_outshine_unlit_ones_in_every_light(sky: Sky) -> None:
    scene = replace(SCENE, light=(Moment(0, sky),))
    renderer = Renderer(scene)
    picture = renderer.picture(20.0, 1)[: scene.height].astype(float)
    truth = renderer.states(20.0)
    for head in scene.spec.heads:
        look = scene.looks[head.id]
        shine = [_lens(picture, x, y, look.diameter) for x, y in lamp_centres(head, look)]
        lit = [shine[i] for i in truth[head.id].lit]
        unlit = [value for i, value in enumerate(shine) if i not in truth[head.id].lit]
        assert min(lit) > max(unlit) + 15, (head.id, shine)


def test_low_sun_makes_unlit_lenses_shine() -> None:
    looks = {head: replace(look, phantom=0.9) for head, look in SCENE.looks.items()}
    sunny = replace(SCENE, light=(Moment(0, Sky.LOW_SUN),))
    dark = TrueFault(Fault.DARK, tuple(looks), 0, 200, "junction")
    phantom = _luma(replace(sunny, looks=looks, faults=(dark,)), 20)
    without = _luma(replace(sunny, faults=(dark,)), 20)
    look = looks["e1"]
    assert _lens(phantom, look.x, look.y, 20) > _lens(without, look.x, look.y, 20) + 40


def test_infrared_pictures_are_grey() -> None:
    scene = replace(SCENE, light=(Moment(0, Sky.INFRARED),))
    i420 = Renderer(scene).picture(20.0, 1)
    assert np.abs(i420[scene.height :].astype(int) - 128).max() <= 1


def test_pictures_do_not_depend_on_the_order_of_asking() -> None:
    scene = replace(junction_clip(), light=(Moment(0, Sky.DULL), Moment(100, Sky.DUSK)))
    times = [10.0, 45.0, 90.0, 130.0]
    forward, backward = Renderer(scene), Renderer(scene)
    first = [forward.picture(t, 3) for t in times]
    last = [backward.picture(t, 3) for t in reversed(times)]
    assert all(np.array_equal(a, b) for a, b in zip(first, reversed(last), strict=True))


@pytest.mark.parametrize(
    ("event", "heads", "why"),
    [
        (Vehicle("e1", 10, 50, (0.3, 0.3, 0.3)), {"e1"}, "occluded"),
        (Branch("n2", 0.0, 0.0), {"n2"}, "occluded"),
        (Fog(0, 60, 0.95, ramp=5), {"e1", "e2", "n1", "n2", "w1"}, "fog"),
        (Away(10, 50, 1, 0), {"e1", "e2", "n1", "n2", "w1"}, "moved"),
    ],
    ids=["bus", "branch", "fog", "away"],
)
def test_truth_knows_which_heads_are_hidden(event: Vehicle | Branch | Fog | Away, heads: set[str], why: str) -> None:
    renderer = Renderer(replace(SCENE, events=(event,)))
    hidden = renderer.hidden(30.0)
    assert heads <= set(hidden)
    assert hidden[next(iter(heads))] == why
    shown, free = _luma(renderer.scene, 30.0), _luma(SCENE, 30.0)
    look = SCENE.looks[min(heads)]
    area = slice(int(look.y) - 5, int(look.y) + 30), slice(int(look.x) - 8, int(look.x) + 9)
    assert np.abs(shown[area] - free[area]).mean() > 10


def test_shake_drift_and_a_ptz_that_is_back_move_the_picture() -> None:
    drifting = Renderer(replace(SCENE, drift_px_per_hour=36.0))
    assert drifting.offset(300) == pytest.approx((3.0, 1.8))
    assert Renderer(replace(SCENE, events=(Away(5, 10, 2, -1),))).offset(20) == (2, -1)
    shaking = Renderer(replace(SCENE, events=(Shake(3.0),)))
    offsets = [shaking.offset(t / 4)[0] for t in range(160)]
    assert max(offsets) > 2 > -2 > min(offsets)
    still, moved = _luma(SCENE, 30.0), _luma(replace(SCENE, events=(Away(5, 10, 2, -1),)), 30.0)
    (dx, dy), _ = cv2.phaseCorrelate(still, moved)
    assert (dx, dy) == pytest.approx((2, -1), abs=0.3)


def test_drops_on_the_lens_blur_what_is_behind_them() -> None:
    rainy = _luma(replace(SCENE, events=(LensRain(0, 60, 40),)), 30.0)
    assert 0.7 < np.abs(rainy - _luma(SCENE, 30.0)).mean() < 40


@pytest.mark.parametrize("codec", list(Codec))
def test_frames_read_regions_as_the_whole_picture_has_them(codec: Codec) -> None:
    camera = Camera(Renderer(replace(SCENE, codec=codec, quality=28 if codec is Codec.H264 else 60)))
    for index in range(3):
        frame = camera.frame(index, index / 8)
    whole = frame.read_bgr()
    assert whole.shape == (360, 640, 3)
    region = Region(75, 43, 41, 67)
    part = frame.read_bgr(region)
    assert np.abs(part.astype(int) - whole[43 : 43 + 67, 75 : 75 + 41]).max() <= 1
    clean = camera.renderer.picture(index / 8, index)[:360].astype(float)
    loss = np.abs(clean[43:110, 75:116] - frame.luma[43:110, 75:116]).mean()
    assert 0.1 < loss < 12
    assert frame.wall_time == SCENE.begins_at + timedelta(seconds=0.25)
