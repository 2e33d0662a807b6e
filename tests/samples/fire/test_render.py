"""Rendered clips: fires that flicker and can be seen from a known moment, look-alikes that stay in their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samples.fire.burning import Burning
from samples.fire.camera import Camera
from samples.fire.lookalikes.making import an_actor
from samples.fire.lookalikes.shared import Lookalike, Surroundings
from samples.fire.places import picture_of_place
from samples.fire.render import Renderer
from samples.fire.scenario import FireSpec, Light, Scene, Setting

FIRE = FireSpec(start=1.0, end=9.0, x=0.5, y=0.9, flame_px=18, smoke_px=70, grow_seconds=3, strength=6, density=6)
STILL_KINDS = {Lookalike.TAIL_LIGHTS}
"""Brakes are pressed every few seconds only."""


YARD = Scene(name="s", seed=3, fps=15, seconds=10, setting=Setting.YARD, width=224, height=126)


@pytest.mark.parametrize("seed", [1, 2])
def test_pixels_of_a_fire_flicker_over_a_band_and_not_in_one_line(seed: int) -> None:
    scene, spec = replace(YARD, seed=seed), replace(FIRE, start=0, end=30, smoke_px=0, grow_seconds=0.1)
    fire = Burning(scene, spec, 0, np.full((126, 224, 3), 0.3, np.float32), 0.5)
    shape = fire.box.bottom - fire.box.top, fire.box.right - fire.box.left, 3
    series = []
    for index in range(30, 126):
        light = np.full(shape, 0.1, np.float32)
        fire.lay(light, index / 15)
        series.append(np.clip(light[..., 2], 0, 1))
    assert fire.flames.since is not None
    shown = np.array(series).reshape(len(series), -1)
    spectrum = (np.abs(np.fft.rfft((shown - shown.mean(0)) * np.hanning(96)[:, None], axis=0)) ** 2).sum(1)
    hertz = np.fft.rfftfreq(96, 1 / 15)
    band = spectrum[hertz >= 0.8]
    assert band.sum() > 0.45 * spectrum.sum()
    assert band.max() < 0.4 * band.sum()


@pytest.mark.parametrize("light", [Light.DAY, Light.NIGHT, Light.INFRARED])
def test_a_fire_is_seen_while_it_burns_and_leaves_nothing(light: Light) -> None:
    scene = replace(YARD, fires=(FIRE,), light=light)
    renderer, empty = Renderer(scene), picture_of_place(scene)[0]
    assert np.array_equal(renderer.bgr(0.5), empty)
    seen = [renderer.bgr(t) for t in np.arange(1.0, 8.0, 0.2)]
    assert np.array_equal(renderer.bgr(9.5), empty)
    (fire,) = renderer.fires
    assert fire.flames.since is not None
    assert 1 <= fire.flames.since < 5
    box = fire.flames.box
    assert box is not None
    difference = np.abs(seen[-1].astype(int) - empty).max(axis=2)
    assert difference[box.slices].max() > 60
    if light is Light.INFRARED:
        assert np.ptp(seen[-1].astype(int), axis=2).max() == 0


def test_smoke_alone_has_no_flames_and_is_seen_later() -> None:
    scene = replace(YARD, fires=(FireSpec(start=1, end=20, x=0.5, y=0.95, smoke_px=110, grow_seconds=6, density=6),))
    renderer = Renderer(scene)
    for t in np.arange(1.0, 12.0, 0.25):
        renderer.bgr(float(t))
    (fire,) = renderer.fires
    assert fire.flames.since is None
    assert fire.smoke.since is not None
    assert fire.smoke.since > 1.2


@pytest.mark.parametrize("kind", list(Lookalike), ids=lambda kind: kind.value)
def test_lookalikes_are_the_same_again_and_move(kind: Lookalike) -> None:
    inside = Surroundings(
        224, 126, dark=kind in (Lookalike.COBWEB, Lookalike.INFRARED_BLOOM), infrared=False, white=0.5
    )

    def shown() -> list[np.ndarray]:
        actor = an_actor(np.random.default_rng(8), kind, inside)
        assert 0 <= actor.box.left < actor.box.right <= 224
        assert 0 <= actor.box.top < actor.box.bottom <= 126
        made = []
        for t in (0.0, 0.31, 1.7, *range(4, 46, 3)):  # dust is stirred up once in 43 s
            light = np.full((126, 224, 3), 0.2, np.float32)
            actor.lay(light[actor.box.slices], float(t))
            made.append(light)
        return made

    one, again = shown(), shown()
    for first, second in zip(one, again, strict=True):
        assert np.array_equal(first, second)
        assert np.isfinite(first).all()
        assert first.min() >= 0
    assert any(np.abs(light - 0.2).max() > 0.02 for light in one)
    if kind not in STILL_KINDS and kind is not Lookalike.LAMP:  # a sodium lamp may burn still
        assert any(not np.array_equal(one[0], light) for light in one[1:])


def test_frames_are_what_a_decoder_gives() -> None:
    scene = replace(YARD, fires=(FIRE,), seconds=2, fps=12.5, noise=2.0)
    frames = [(f.media_time, f.luma.copy(), f.read_bgr()) for f in Camera(Renderer(scene)).frames()]
    assert len(frames) >= 23
    assert [t for t, _, _ in frames] == sorted({t for t, _, _ in frames})
    assert frames[0][1].shape == (126, 224)
    assert frames[0][2].shape == (126, 224, 3)
    assert not np.array_equal(frames[3][1], frames[4][1])
