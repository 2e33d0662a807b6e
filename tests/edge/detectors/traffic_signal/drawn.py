"""Small junctions drawn from light: what the sun and street lamps put on housings, what lamps emit, what a lens
spreads and a sensor clips. Two or three heads, pictures of a few hundred pixels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Frame, Region
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.settings import HeadSettings, TrafficSignalSettings
from edge.vision.planes import Planes

FINE = 4
"""Quarter pixels."""
SIZE = PictureSize(384, 216)
MORNING = datetime(2026, 3, 2, 0, tzinfo=UTC)
# What a lamp sends out and what its unlit lens throws back, R, G, B in linear light.
LIGHT = {"red": (1.0, 0.03, 0.06), "amber": (1.0, 0.42, 0.02), "green": (0.02, 1.0, 0.62), "white": (1.0, 0.95, 0.9)}
LENS = {"red": (0.16, 0.03, 0.03), "amber": (0.17, 0.11, 0.03), "green": (0.03, 0.12, 0.09), "white": (0.1, 0.1, 0.1)}


@dataclass(frozen=True)
class Light:
    """How a picture is lit and taken. Linear light: 1 is white paper at noon."""

    ambient: float = 1.0
    """On everything."""
    lamp: float = 2.2
    """What a lamp sends out."""
    gain: float = 0.8
    """Exposure: linear light of 1/gain is white."""
    halo: float = 0.02
    """Share of light that the lens spreads widely."""
    fog: float = 0.0
    """Share of the picture that is airlight."""
    phantom: float = 0.0
    """Sunlight that unlit lenses throw back in their own colour, linear."""
    noise: float = 2.0
    grey: bool = False
    jpeg: int | None = 60
    sky: float = 0.9
    """Of the ambient light."""


DAY = Light()
DUSK = Light(ambient=0.12, gain=3.5, halo=0.03, noise=3)
NIGHT = Light(ambient=0.004, gain=9, halo=0.03, noise=4, sky=0.4)
BLACK_NIGHT = Light(ambient=0.0005, gain=9, halo=0.02, noise=4, sky=0.2)
INFRA_RED = Light(ambient=0.01, gain=10, halo=0.03, noise=4, grey=True)
FOG = Light(fog=0.8)
LOW_SUN = Light(phantom=0.35, lamp=1.0)
LIGHTS = {
    "day": DAY,
    "dusk": DUSK,
    "night": NIGHT,
    "black night": BLACK_NIGHT,
    "infra-red": INFRA_RED,
}


def head(
    x: float, y: float, px: float = 10, colours: Collection[str] = ("red", "amber", "green"), **more: object
) -> dict[str, object]:
    """Settings of a vertical head whose first lamp is at (x, y)."""
    step = 1.25 * px
    lamps = [
        {"colour": colour, "centre": (x, y + n * step), "diameter_px": px, "shape": more.get("shape", "ball")}
        for n, colour in enumerate(colours)
    ]
    left, right = x - 0.85 * px, x + 0.85 * px
    top, bottom = y - 0.8 * px, y + (len(lamps) - 1) * step + 0.8 * px
    box = ((left, top), (right, top), (right, bottom), (left, bottom))
    return {"lamps": lamps, "polygon": box, "group": more.get("group", "a")}


def settings(**heads: Mapping[str, object]) -> TrafficSignalSettings:
    return TrafficSignalSettings.model_validate({"heads": heads})


THREE = settings(near=head(80, 60, 12), far=head(200, 80, 8), other=head(310, 50, 10))


@dataclass(frozen=True)
class Junction:
    """Draws pictures of heads; the same seed gives the same street."""

    settings: TrafficSignalSettings = THREE
    light: Light = DAY
    seed: int = 1
    fill: float = 1.0
    """Share of a lens that shines: 1 a ball; less, a bar across it."""
    before: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None
    """Changes the scene before the camera sees it: what stands before the heads. (h, w, 3) linear light, RGB."""
    _drawn: dict[tuple[tuple[str, tuple[int, ...]], ...], NDArray[np.float32]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What was drawn by what was lit: pictures of one state differ in their noise alone."""

    def under(self, light: Light) -> Junction:
        return replace(self, light=light)

    def scene(self, lit: Mapping[str, Collection[int]]) -> NDArray[np.float32]:
        """Linear light that reaches the camera, (h, w, 3) RGB."""
        light, rng = self.light, np.random.default_rng(self.seed)
        height, width = SIZE.height, SIZE.width
        street = cv2.resize(rng.uniform(0.05, 0.6, (27, 48)).astype(np.float32), (width, height))
        street[: height // 2] = light.sky * (0.8 + 0.2 * street[: height // 2])
        for x in range(0, width, 48):  # houses against the sky, so that there is something behind a head
            top = int(rng.uniform(0.15, 0.5) * height)
            street[top : height // 2, x : x + 40] = rng.uniform(0.08, 0.5)
        picture = np.repeat(street[:, :, None], 3, axis=2) * light.ambient
        for name, one in self.settings.heads.items():
            self._head(picture, one, lit.get(name, ()))
        return picture

    def _head(self, picture: NDArray[np.float32], one: HeadSettings, lit: Collection[int]) -> None:
        light = self.light
        corners = np.rint(np.array(one.polygon) * FINE).astype(np.int32)
        _blend(
            picture,
            lambda m: cv2.fillPoly(m, [corners], 1),
            np.full(3, 0.03 * light.ambient),
            (*(corners.min(axis=0) // FINE - 1), *(corners.max(axis=0) // FINE + 2)),
        )
        for number, lamp in enumerate(one.lamps):
            centre = (round(lamp.centre[0] * FINE), round(lamp.centre[1] * FINE))
            radius = round(lamp.diameter_px / 2 * FINE)
            box = tuple((value + sign * (radius + FINE)) // FINE for sign in (-1, 1) for value in centre)
            lens = np.array(LENS[lamp.colour]) * light.ambient
            lens = lens + np.array(LIGHT[lamp.colour]) * light.phantom * light.ambient
            _blend(picture, lambda m, c=centre, r=radius: cv2.circle(m, c, r, 1, -1), lens, box)
            if number in lit:
                glow = np.array(LIGHT[lamp.colour]) * light.lamp
                _blend(picture, lambda m, c=centre, r=radius: _shining(m, c, r, self.fill), glow, box)

    def levels(self, lit: Mapping[str, Collection[int]]) -> NDArray[np.float32]:
        """What reaches the sensor without its noise, 0-255, (h, w, 3) RGB; not to be written to."""
        state = tuple(sorted((name, tuple(lamps)) for name, lamps in lit.items()))
        if state not in self._drawn:
            self._drawn[state] = self._exposed(lit)
        return self._drawn[state]

    def _exposed(self, lit: Mapping[str, Collection[int]]) -> NDArray[np.float32]:
        light = self.light
        scene = self.scene(lit)
        if self.before is not None:
            scene = self.before(scene)
        spread = cv2.GaussianBlur(scene, (0, 0), 0.7)
        wide = cv2.GaussianBlur(scene, (0, 0), 5)
        seen = (1 - light.halo) * spread + light.halo * wide
        seen = (1 - light.fog) * seen + light.fog * 0.7 * light.ambient
        levels = 255 * np.clip(seen * light.gain, 0, 1) ** (1 / 2.2)
        if light.grey:
            levels = np.repeat(levels.max(axis=2, keepdims=True), 3, axis=2)
        return levels

    def picture(self, lit: Mapping[str, Collection[int]], seed: int = 0) -> NDArray[np.uint8]:
        """(h, w, 3) BGR."""
        light, levels = self.light, self.levels(lit)
        noise = np.random.default_rng((self.seed, seed)).normal(0, light.noise, levels.shape[: 2 if light.grey else 3])
        levels = levels + (noise[:, :, None] if light.grey else noise)
        bgr = np.clip(levels[:, :, ::-1], 0, 255).astype(np.uint8)
        if light.jpeg is not None:
            bgr = cv2.imdecode(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, light.jpeg])[1], cv2.IMREAD_COLOR)
        return np.ascontiguousarray(bgr)

    def frame(self, seconds: float, lit: Mapping[str, Collection[int]]) -> Frame:
        """The picture at a time of its own axis."""
        return frame_of(self.picture(lit, int(seconds * 100)), seconds)


def _shining(mask: NDArray[np.float32], centre: tuple[int, int], radius: int, fill: float) -> None:
    if fill >= 1:
        cv2.circle(mask, centre, radius, 1, -1)
        return
    half, wide = max(round(radius * fill * 0.8), 1), radius * 3 // 4
    cv2.rectangle(mask, (centre[0] - wide, centre[1] - half), (centre[0] + wide, centre[1] + half), 1, -1)


def _blend(
    picture: NDArray[np.float32],
    draw: Callable[[NDArray[np.float32]], object],
    colour: NDArray[np.float64],
    box: tuple[int, int, int, int],
) -> None:
    """Draws at FINE times the size, in the part of the picture that `box` (left, top, right, bottom) covers."""
    height, width = picture.shape[:2]
    left, top, right, bottom = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    if right <= left or bottom <= top:
        return
    whole = np.zeros((bottom * FINE, right * FINE), np.float32)
    draw(whole)
    mask = whole[top * FINE :, left * FINE :]
    share = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_AREA)[:, :, None]
    part = picture[top:bottom, left:right]
    part *= 1 - share
    part += share * colour.astype(np.float32)


def frame_of(bgr: NDArray[np.uint8], seconds: float, planes: bool = True) -> Frame:
    """A frame as a decoder gives it: limited range, colour at half the size."""

    def read(region: Region | None = None) -> NDArray[np.uint8]:
        if region is None:
            return bgr.copy()
        left, top = max(region.x, 0), max(region.y, 0)
        return bgr[top : max(region.y + region.height, 0), left : max(region.x + region.width, 0)].copy()

    height, width = bgr.shape[:2]
    stacked = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)
    luma = stacked[:height]
    half = height * width // 4
    colour = stacked[height:].reshape(-1)
    parts = tuple(colour[n * half : (n + 1) * half].reshape(height // 2, width // 2) for n in (0, 1))
    whole = Planes(luma, parts)
    wall = MORNING + timedelta(seconds=seconds)
    return Frame("camera", int(seconds * 100), seconds, wall, luma, read, (lambda: whole) if planes else None)


def box_before(left: int, top: int, right: int, bottom: int, level: float) -> Callable[..., NDArray[np.float32]]:
    """Something plain of one brightness (linear) that stands before the street; a bus has a window or two."""

    def put(scene: NDArray[np.float32]) -> NDArray[np.float32]:
        scene = scene.copy()
        scene[top:bottom, left:right] = level
        scene[top + (bottom - top) // 5 : top + (bottom - top) // 3, left + 6 : right : 3] = level * 0.6
        return scene

    return put
