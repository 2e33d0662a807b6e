"""Hot gas that rises, curls and cools: a small two-dimensional flow, enough for the look and the flicker of fire.

Semi-Lagrangian advection and a spectral projection (Stam, Stable Fluids, 1999), vorticity confinement (Fedkiw, Stam,
Jensen 2001), buoyancy by temperature and cooling by radiation. The unit of length is a cell, of time a step.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.fire.noise import Field


@dataclass(frozen=True, slots=True)
class Gas:
    """What burns or smokes. Temperatures of 1 leave the source; they rise `buoyancy` cells a step a step."""

    width: int = 96
    height: int = 160
    source_width: float = 0.3
    """Share of the width that burns."""
    buoyancy: float = 0.12
    cooling: float = 0.02
    """Share of the heat lost in a step by what has a temperature of 1; colder gas loses less (radiation)."""
    fading: float = 0.004
    """Share of the soot lost in a step."""
    curl: float = 0.25
    """How strongly small whirls are kept alive against the numerical viscosity."""
    wind: float = 0.0
    """Cells a step at the top of the picture; still air at the ground."""
    restless: float = 0.08
    """Random pushes of the surrounding air."""
    patches: float = 3.0
    """Bumps of fuel across the source."""


class Flow:
    """The state of the gas; `step` goes on."""

    def __init__(self, gas: Gas, rng: np.random.Generator) -> None:
        self.gas = gas
        self._rng = rng
        height, width = gas.height, gas.width
        self._velocity = np.zeros((height, width, 2), np.float32)
        self._carried = np.zeros((height, width, 2), np.float32)
        self._ys, self._xs = np.mgrid[0:height, 0:width].astype(np.float32)
        ky = np.fft.fftfreq(height).astype(np.float32)[:, None]
        kx = np.fft.rfftfreq(width).astype(np.float32)[None, :]
        square = kx * kx + ky * ky
        square[0, 0] = 1
        self._kx, self._ky, self._inverse = kx, ky, 1 / square
        self._air = _air(gas)
        self._fuel_phase = rng.uniform(0, 2 * np.pi, 6)
        self._fuel_rate = rng.uniform(0.05, 0.35, 6)
        self.steps = 0

    @property
    def heat(self) -> Field:
        """(height, width) temperature, 0…1; the last row is the ground."""
        return self._carried[..., 0]

    @property
    def soot(self) -> Field:
        """(height, width) smoke, 0…1."""
        return self._carried[..., 1]

    def step(self, *, feeding: bool = True) -> None:
        """One step on; without `feeding` the source is shut."""
        if feeding:
            self._feed()
        self._push()
        self._project()
        self._advect()
        self.steps += 1

    def _feed(self) -> None:
        gas = self.gas
        across = (self._xs[0] / gas.width - 0.5) / (gas.source_width / 2)
        bumps = np.zeros(gas.width, np.float32)
        for number in range(6):
            frequency = gas.patches * (0.5 + 0.35 * number)
            phase = self._fuel_phase[number] + self.steps * self._fuel_rate[number]
            bumps += np.sin(across * frequency + phase).astype(np.float32) / (1 + 0.3 * number)
        fuel = np.clip(1 - across**4, 0, 1) * np.clip(0.65 + 0.3 * bumps, 0, 1)
        rows = slice(gas.height - 9, gas.height - 4)
        self._carried[rows] = np.maximum(self._carried[rows], fuel[None, :, None])

    def _push(self) -> None:
        gas, velocity = self.gas, self._velocity
        velocity[..., 1] -= gas.buoyancy * self.heat
        u, v = velocity[..., 0], velocity[..., 1]
        whirl = cv2.Sobel(v, cv2.CV_32F, 1, 0, scale=1 / 8) - cv2.Sobel(u, cv2.CV_32F, 0, 1, scale=1 / 8)
        strength = np.abs(whirl)
        gx = cv2.Sobel(strength, cv2.CV_32F, 1, 0, scale=1 / 8)
        gy = cv2.Sobel(strength, cv2.CV_32F, 0, 1, scale=1 / 8)
        length = np.sqrt(gx * gx + gy * gy) + 1e-4
        velocity[..., 0] += gas.curl * gy / length * whirl
        velocity[..., 1] -= gas.curl * gx / length * whirl
        gusts = self._rng.standard_normal((6, 4, 2), np.float32) * gas.restless
        velocity += cv2.resize(gusts, (gas.width, gas.height), interpolation=cv2.INTER_CUBIC)
        height_share = 1 - self._ys / gas.height
        velocity[..., 0] += 0.1 * (gas.wind * height_share - velocity[..., 0]) * (gas.wind != 0)
        velocity *= self._air[..., None]

    def _project(self) -> None:
        fu, fv = np.fft.rfft2(self._velocity[..., 0]), np.fft.rfft2(self._velocity[..., 1])
        along = (self._kx * fu + self._ky * fv) * self._inverse
        shape = self._velocity.shape[:2]
        self._velocity[..., 0] = np.fft.irfft2(fu - self._kx * along, s=shape)
        self._velocity[..., 1] = np.fft.irfft2(fv - self._ky * along, s=shape)

    def _advect(self) -> None:
        back_x, back_y = self._xs - self._velocity[..., 0], self._ys - self._velocity[..., 1]
        everything = np.dstack((self._velocity, self._carried))
        moved = cv2.remap(everything, back_x, back_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self._velocity = np.ascontiguousarray(moved[..., :2])
        heat, soot = moved[..., 2], moved[..., 3]
        heat = heat * (1 - self.gas.cooling * (0.35 + 1.3 * heat * heat))
        soot = soot * (1 - self.gas.fading)
        self._carried = np.clip(np.dstack((heat, soot)), 0, 1) * _shore(self.gas)[..., None]


def _air(gas: Gas) -> NDArray[np.float32]:
    """Velocity kept in a step: little at the borders, for the projection thinks the picture goes round."""
    return np.asarray(0.995 * _shore(gas, 0.75), np.float32)


def _shore(gas: Gas, least: float = 0.0) -> NDArray[np.float32]:
    ys = np.arange(gas.height, dtype=np.float32)
    xs = np.arange(gas.width, dtype=np.float32)
    vertical = np.clip(np.minimum(ys / 10, (gas.height - ys) / 3), 0, 1)
    horizontal = np.clip(np.minimum(xs, gas.width - 1 - xs) / 6, 0, 1)
    return np.asarray(least + (1 - least) * np.outer(vertical, horizontal), np.float32)
