"""The frame being made: what actors draw on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.camera import Camera
from samples.facade.scenario import Light, Scenario
from samples.facade.scene import Scene
from samples.facade.solids import Patch
from samples.facade.textures import Plane


@dataclass(frozen=True, slots=True)
class World:
    """What every actor may know."""

    scenario: Scenario
    scene: Scene

    @property
    def camera(self) -> Camera:
        return self.scenario.camera

    @property
    def light(self) -> Light:
        return self.scenario.light


class Canvas:
    """Linear light of one frame, (height, width, 3) float32, before the camera's gain, noise and gamma."""

    def __init__(self, world: World) -> None:
        self.linear = np.empty_like(world.scene.solid)
        self._blur = world.scenario.imager.blur_px

    def lay(self, patch: Patch | None, *, strength: float = 1.0, mask: Plane | None = None, soft: bool = True) -> None:
        """Lays a patch over the picture; `mask` (height, width) weighs it, `soft` gives it the lens's blur."""
        if patch is None:
            return
        pixels = cv2.GaussianBlur(patch.pixels, (0, 0), self._blur) if soft else patch.pixels
        height, width = self.linear.shape[:2]
        left, top = max(patch.left, 0), max(patch.top, 0)
        right = min(patch.left + pixels.shape[1], width)
        bottom = min(patch.top + pixels.shape[0], height)
        if right <= left or bottom <= top:
            return
        cut = pixels[top - patch.top : bottom - patch.top, left - patch.left : right - patch.left]
        weight = np.float32(strength) if mask is None else mask[top:bottom, left:right, None] * np.float32(strength)
        target = self.linear[top:bottom, left:right]
        target *= 1 - cut[..., 3:] * weight
        target += cut[..., :3] * weight

    def veil(self, cover: NDArray[np.uint8], colour: Plane) -> None:
        """Mixes one colour into the whole picture: `cover` (height, width), 255 hides it all."""
        rows = np.flatnonzero(cover.any(axis=1))
        if not len(rows):
            return
        band = slice(int(rows[0]), int(rows[-1]) + 1)
        share = cv2.merge([cover[band].astype(np.float32) * np.float32(1 / 255)] * 3)
        target = self.linear[band]
        target += share * (colour - target)

    def add(self, patch: Plane, left: int, top: int) -> None:
        """Adds light, (h, w, 3), within the picture."""
        self.linear[top : top + patch.shape[0], left : left + patch.shape[1]] += patch


class Actor(Protocol):
    """Something that moves. Drawing depends on the time alone: the same moment always looks the same."""

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """Draws what the shutter sees from `start_seconds` for `exposure_seconds`."""
