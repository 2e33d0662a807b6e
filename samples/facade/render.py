"""From a scenario to frames: compose in linear light, then gain, gamma 2, shake, noise, and YUV 4:2:0.

Frame `i` depends on the scenario and `i` alone, so frames can be rendered in any order with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.actors import FallingThing, make_actors
from samples.facade.actors.foliage import SwingingBranch
from samples.facade.canvas import Actor, Canvas, World
from samples.facade.scenario import Branch, Scenario, Shake
from samples.facade.scene import SKY_MARGIN_PX, build_scene
from samples.facade.seeding import stream
from samples.facade.textures import Plane

Picture = NDArray[np.uint8]

BLACK, WHITE = 16, 235
"""Limited range of the Y plane, as cameras send it."""
CHROMA_NOISE = 0.45
"""Chroma noise against luma noise: cameras smooth colour harder."""


LOUDEST_NOISE = 7.0
"""Standard deviation of Y that a camera's own noise reduction lets through."""


class Renderer:
    """Renders one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.world = World(scenario, build_scene(scenario))
        self.actors = make_actors(self.world)
        self._canvas = Canvas(self.world)
        self._backdrop = np.empty_like(self.world.scene.solid)
        self._backdrop_shift: float | None = None
        rng = stream(scenario.seed, "drift")
        self._drift_phases = rng.uniform(0, 2 * pi, 3)
        self._noise_of_luma = _noise_table(scenario)
        shakes = [nuisance for nuisance in scenario.nuisances if isinstance(nuisance, Shake)]
        self._shake_px = max((shake.amplitude_px for shake in shakes), default=0.0)
        self._shake_phases = stream(scenario.seed, "shake").uniform(0, 2 * pi, 6)

    @property
    def scenario(self) -> Scenario:
        return self.world.scenario

    def things(self) -> list[FallingThing]:
        """What falls, in the order of the scenario's `falls`."""
        found = [actor for actor in self.actors if isinstance(actor, FallingThing)]
        return sorted(found, key=lambda thing: self.scenario.falls.index(thing.fall))

    def masked_outlines(self) -> list[list[tuple[int, int]]]:
        """Polygons of pixels around the branches that the scenario says are masked."""
        wanted = [nuisance for nuisance in self.scenario.nuisances if isinstance(nuisance, Branch)]
        branches = [actor for actor in self.actors if isinstance(actor, SwingingBranch)]
        return [actor.outline() for nuisance, actor in zip(wanted, branches, strict=True) if nuisance.masked]

    def frames(self) -> Iterator[Picture]:
        """All frames in order, I420: (height × 3/2, width) uint8."""
        for index in range(self.scenario.frames):
            yield self.frame(index)

    def frame(self, index: int) -> Picture:
        """One frame, I420. Its exposure starts at index / fps seconds."""
        i420 = self._clean(index, self.actors)
        self._add_noise(i420, index)
        if self.scenario.caption:
            _burn_in(i420[: self.scenario.camera.height], self.scenario.caption)
        return i420

    def contrast_to_noise(self, thing: FallingThing, index: int, pixel: tuple[float, float]) -> float:
        """How far the strongest pixel of `thing` stands out from its background, in deviations of the noise there."""
        height, width = self.scenario.camera.height, self.scenario.camera.width
        column, row = min(max(round(pixel[0]), 0), width - 1), min(max(round(pixel[1]), 0), height - 1)
        around = (slice(max(row - 12, 0), row + 13), slice(max(column - 12, 0), column + 13))
        shown = self._clean(index, self.actors)[:height].astype(np.int16)
        hidden = self._clean(index, [actor for actor in self.actors if actor is not thing])[:height]
        noise = max(float(self._noise_of_luma[int(hidden[row, column]), 0]), 0.5)
        return float(np.abs(shown - hidden)[around].max()) / noise

    def _clean(self, index: int, actors: Sequence[Actor]) -> Picture:
        """A frame before noise and caption."""
        scenario = self.scenario
        seconds = index / scenario.fps
        np.copyto(self._canvas.linear, self._sky_and_solid(seconds))
        for actor in actors:
            actor.draw(self._canvas, seconds, scenario.imager.exposure_seconds)
        rgb = self._expose(self._canvas.linear, self._gain(seconds))
        if self._shake_px:
            rgb = self._shaken(rgb, seconds)
        if scenario.light.monochrome:
            grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
            rgb = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)

    def _sky_and_solid(self, seconds: float) -> Plane:
        """The still scene over the drifting sky. Clouds move in tenths of a pixel: most frames reuse the last one."""
        light, scene = self.scenario.light, self.world.scene
        shift = round(min(light.cloud_drift_px_s * seconds, 2.0 * SKY_MARGIN_PX - 2), 1)
        if shift != self._backdrop_shift:
            whole, share = int(shift), np.float32(shift % 1.0)
            width = scene.solid.shape[1]
            sky = (
                scene.sky[:, whole : whole + width] * (1 - share) + scene.sky[:, whole + 1 : whole + 1 + width] * share
            )
            np.multiply(sky, scene.sky_share, out=self._backdrop)
            self._backdrop += scene.solid
            self._backdrop_shift = shift
        return self._backdrop

    def _gain(self, seconds: float) -> float:
        """Light against its mean: slow wander of sun and automatic gain, and the scenario's steps."""
        first, second, third = (float(phase) for phase in self._drift_phases)
        wander = sin(2 * pi * 0.037 * seconds + first) + 0.6 * sin(2 * pi * 0.11 * seconds + second)
        gain = 1 + self.scenario.light.drift * (wander + 0.25 * sin(2 * pi * 0.41 * seconds + third))
        for step in self.scenario.exposure_steps:
            share = float(np.clip((seconds - step.at_seconds) / max(step.over_seconds, 1e-6), 0, 1))
            gain *= 1 + step.share * share * share * (3 - 2 * share)
        return gain

    @staticmethod
    def _expose(linear: Plane, gain: float) -> Picture:
        """Clips at full scale and encodes with gamma 2, (height, width, 3) uint8 red, green, blue."""
        root = cv2.sqrt(np.maximum(linear, 0))
        return np.asarray(cv2.convertScaleAbs(root, alpha=255.0 * gain**0.5), np.uint8)

    def _shaken(self, rgb: Picture, seconds: float) -> Picture:
        """The picture moved by a fraction of a pixel: the pole swings at 1-5 Hz."""
        waves = [(0.9, 0.5), (2.3, 0.35), (4.7, 0.2)]
        x, y = (
            self._shake_px
            * 1.9
            * sum(
                power * sin(2 * pi * hz * seconds + float(self._shake_phases[axis * 3 + k]))
                for k, (hz, power) in enumerate(waves)
            )
            for axis in range(2)
        )
        move = np.array([[1, 0, x], [0, 1, 0.6 * y]], np.float64)
        size = (rgb.shape[1], rgb.shape[0])
        return np.asarray(
            cv2.warpAffine(rgb, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )

    def _add_noise(self, i420: Picture, index: int) -> None:
        """Fresh noise a frame, its strength by brightness, on Y in full and on U and V at their half resolution."""
        rng = stream(self.scenario.seed, "noise", index)
        height = self.scenario.camera.height
        luma, chroma = i420[:height], i420[height:]
        strength = cv2.LUT(luma, self._noise_of_luma)
        noise = rng.standard_normal(luma.shape, dtype=np.float32)
        noise *= strength
        noise += luma
        np.clip(np.rint(noise, out=noise), BLACK, WHITE, out=noise)
        luma[:] = noise
        if not self.scenario.light.monochrome:
            level = np.float32(CHROMA_NOISE * float(strength.mean()))
            blur = rng.standard_normal(chroma.shape, dtype=np.float32) * level + chroma
            chroma[:] = np.clip(np.rint(blur, out=blur), BLACK, 240)


def _noise_table(scenario: Scenario) -> Plane:
    """(256, 1) standard deviation of Y by Y: shot and read noise through gamma 2, none where the pixel is full.

    y = range·√l, so σ_y = range / (2√l) · √(read² + shot·l).
    """
    span = WHITE - BLACK
    share = np.clip((np.arange(256) - BLACK) / span, 0.02, 1.0)
    linear = share**2
    sigma = span / (2 * share) * np.sqrt(scenario.imager.read_noise**2 + scenario.imager.shot_noise * linear)
    sigma = np.minimum(sigma, LOUDEST_NOISE)
    sigma[np.arange(256) >= WHITE - 2] = 0.0
    return np.asarray(sigma[:, None], np.float32)


def _burn_in(luma: Picture, caption: str) -> None:
    """The camera's name in the lower left corner, white with a black rim."""
    size = luma.shape[0] / 900
    spot = (8, luma.shape[0] - 9)
    cv2.putText(luma, caption, spot, cv2.FONT_HERSHEY_SIMPLEX, size, BLACK, 3, cv2.LINE_AA)
    cv2.putText(luma, caption, spot, cv2.FONT_HERSHEY_SIMPLEX, size, WHITE, 1, cv2.LINE_AA)
