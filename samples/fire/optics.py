"""Light into pictures: linear light, bloom, exposure, night, infra-red, sensor and compression. Channels are BGR."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.fire.noise import Field, cloudy

Picture = NDArray[np.uint8]
Linear = NDArray[np.float32]
"""(height, width, 3) BGR in linear light; 1.0 is the camera's white."""

LEVELS = 1 << 14
"""Steps of light below white: fewer would show as bands in the dark, where the eye of a camera is finest."""
_TO_LINEAR = np.asarray((np.arange(256) / 255.0) ** 2.2, np.float32)
_FROM_LINEAR = np.full(1 << 16, 255, np.uint8)
_FROM_LINEAR[:LEVELS] = np.round(255 * (np.arange(LEVELS) / (LEVELS - 1)) ** (1 / 2.2))
_LUMINANCE = np.array([[0.07, 0.72, 0.21]], np.float32)
SILICON = np.array([0.3, 0.3, 0.4], np.float32)
"""What a camera without its infra-red filter makes of daylight's BGR."""


def linear_of(picture: Picture) -> Linear:
    """Light of a picture."""
    return np.asarray(cv2.LUT(picture, _TO_LINEAR), np.float32)


def picture_of(light: Linear) -> Picture:
    """What the sensor shows: each channel clips by itself, which is what turns orange light yellow and then white."""
    height, width = light.shape[:2]
    flat = np.ascontiguousarray(light).reshape(height, -1)
    # OpenCV converts to 16 bits in one pass and holds what is too dark or too bright at the ends of the range.
    levels = np.asarray(cv2.addWeighted(flat, LEVELS - 1, flat, 0, 0, dtype=cv2.CV_16U))
    return np.asarray(_FROM_LINEAR[levels].reshape(height, width, -1), np.uint8)


def luminance(light: Linear) -> Field:
    """(height, width) brightness."""
    return np.asarray(cv2.transform(light, _LUMINANCE), np.float32)


def spread(light: Linear, pixels: float) -> Linear:
    """Light blurred over about `pixels`, computed small: wide blurs carry no detail."""
    height, width = light.shape[:2]
    factor = max(1, min(int(pixels / 2), 16))
    if factor == 1:
        return np.asarray(cv2.GaussianBlur(light, (0, 0), max(pixels, 0.3)), np.float32)
    small = cv2.resize(light, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), pixels / factor, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


@dataclass(frozen=True, slots=True)
class Eye:
    """A camera's optics and electronics at one moment."""

    bloom: float = 0.03
    """Share of bright light that the lens scatters around it."""
    dirt: float = 0.0
    """Share scattered over all the picture."""
    noise: float = 2.0
    """Standard deviation in grey levels."""
    blur: float = 0.0
    """Pixels of defocus."""
    sharpening: float = 0.0
    jpeg: int = 75
    infrared: bool = False
    """The picture is grey, and light near to infra-red is bright in it."""

    def sees(self, rng: np.random.Generator, light: Linear) -> Picture:
        """The picture that comes out of this camera; `light` is exposed already."""
        light = np.repeat(cv2.transform(light, SILICON[None])[..., None], 3, axis=2) if self.infrared else light.copy()
        if self.bloom > 0:
            # What shines far above white keeps its strength here: the halo tells how strong a lamp is.
            bright = np.asarray(cv2.threshold(light - 0.6, 0, 0, cv2.THRESH_TOZERO)[1], np.float32)
            size = max(light.shape[:2])
            for factor, share in ((160, 1.0), (40, 0.6), (12, 0.35)):
                cv2.scaleAdd(spread(bright, size / factor), self.bloom * share, light, light)
        if self.dirt > 0:
            veil = np.asarray(cv2.mean(np.minimum(light, 4))[:3], np.float32)
            light = np.asarray(light + self.dirt * veil, np.float32)
        if self.blur > 0:
            light = np.asarray(cv2.GaussianBlur(light, (0, 0), self.blur), np.float32)
        return self._coded(rng, picture_of(np.asarray(light, np.float32)))

    def _coded(self, rng: np.random.Generator, picture: Picture) -> Picture:
        if self.sharpening > 0:
            soft = cv2.GaussianBlur(picture, (0, 0), 1.2)
            picture = np.asarray(cv2.addWeighted(picture, 1 + self.sharpening, soft, -self.sharpening, 0), np.uint8)
        if self.noise > 0:
            picture = _noisy(rng, picture, self.noise, grey=self.infrared)
        if self.jpeg < 100:
            _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg])
            picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
        if self.infrared:
            picture = np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
        return picture


_GRAIN = np.random.default_rng(7).standard_normal((640, 640, 3), np.float32)
"""Drawn once: noise a pixel a picture would cost more than all the rest."""


def _noisy(rng: np.random.Generator, picture: Picture, amount: float, *, grey: bool) -> Picture:
    height, width = picture.shape[:2]
    grain = _GRAIN
    if height > 512 or width > 512:
        grain = np.tile(_GRAIN, (-(-height // 512) + 1, -(-width // 512) + 1, 1))
    y, x = (int(rng.integers(0, grain.shape[i] - size + 1)) for i, size in enumerate((height, width)))
    piece = grain[y : y + height, x : x + width]
    if grey:
        piece = piece[..., :1]
    return np.asarray(np.clip(picture + piece * amount, 0, 255), np.uint8)


def darkened(rng: np.random.Generator, light: Linear) -> Linear:
    """The place at night: little light, of lamps that are bluish or orange, uneven."""
    height, width = light.shape[:2]
    tint = np.array([[1.15, 1.0, 0.85], [0.5, 0.8, 1.15], [0.9, 1.0, 1.0]][int(rng.integers(3))], np.float32)
    pools = np.clip(cloudy(rng, width, height, 2, 2) + 0.8, 0.15, 2)[..., None]
    grey = luminance(light)[..., None]
    wash = float(rng.uniform(0.2, 0.8))
    return np.asarray((light * (1 - wash) + grey * wash) * tint * pools * rng.uniform(0.03, 0.22), np.float32)


def by_infrared_lamp(rng: np.random.Generator, light: Linear) -> Linear:
    """The place lit by the camera's own infra-red lamp: grey, bright in the middle, dark far away."""
    height, width = light.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = width * rng.uniform(0.4, 0.6), height * rng.uniform(0.45, 0.75)
    fall = np.exp(-(((xs - x) / (0.5 * width)) ** 2 + ((ys - y) / (0.5 * height)) ** 2) * rng.uniform(0.4, 1.4))
    grey = light @ SILICON
    # Cloth, leaves and paint are paler in the near infra-red than to the eye.
    paler = grey ** float(rng.uniform(0.6, 0.9))
    return np.asarray(np.repeat((paler * fall * rng.uniform(0.3, 0.9))[..., None], 3, axis=2), np.float32)
