"""What a camera would see that stands in a photographed panorama (equirectangular, with the true range of light)."""

from __future__ import annotations

import base64
import binascii
import importlib
import re
import tempfile
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.errors import DataError

Light = NDArray[np.float32]
"""(height, width, 3), blue first: linear, 1 about white paper in the sun, the sun itself far more."""

PITCHES = (0.0, -12.0, 5.0, -20.0)
"""Of one heading after the other, in degrees; below 0 the camera looks up."""
SMALL_PX = 1000
"""Of a panorama's width: with less, views are wider and smaller, or they would only be blurred."""
BRIGHTEST = 60.0
"""Of one channel. A sun of thousands would leave a hard edge where a pixel of it is half in the view."""
GREY = 0.16
"""What the view's mean (of logarithms) is exposed to."""


class BrokenPictureError(Exception):
    """A picture that cannot be read; the message names it."""


def unwrapped(content: bytes, name: str) -> bytes:
    """An OpenEXR file; npm packages carry theirs as base64 in JavaScript.

    Raises:
        BrokenPictureError: it is JavaScript without one.
    """
    if not name.partition(" ")[0].endswith(".js"):
        return content
    found = re.search(rb"base64,([A-Za-z0-9+/=]+)", content)
    if found is None:
        raise BrokenPictureError(f"{name}: found no base64 in it; left out")
    try:
        return base64.b64decode(found.group(1), validate=True)
    except binascii.Error as error:
        raise BrokenPictureError(f"{name}: found no base64 that can be read: {error}; left out") from error


def read_exr(content: bytes, name: str) -> Light:
    """An OpenEXR picture.

    Raises:
        DataError: the library is not installed.
        BrokenPictureError: it cannot read the picture.
    """
    try:
        openexr = importlib.import_module("OpenEXR")
    except ModuleNotFoundError as error:
        raise DataError(f"{name}: needs a library that nothing else here does: pip install OpenEXR") from error
    with tempfile.NamedTemporaryFile(suffix=".exr") as file:  # the library reads only what has a path
        file.write(content)
        file.flush()
        try:
            channels = openexr.File(file.name).channels()
            together = channels.get("RGB") or channels.get("RGBA")
            rgb = together.pixels[..., :3] if together else np.stack([channels[one].pixels for one in "RGB"], -1)
        except (RuntimeError, ValueError, KeyError) as error:
            raise BrokenPictureError(f"{name}: found no OpenEXR picture that can be read: {error}; left out") from error
    return np.ascontiguousarray(rgb[..., ::-1].astype(np.float32))


def panorama_views(light: Light, headings: int, dim: float = 1.0) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Views in as many headings, two exposures of each; `HEADING_a` is the lighter, or as bright as a camera would
    make it, `HEADING_b` the darker one, its values times `dim`."""
    calm = np.clip(np.nan_to_num(light, nan=200.0, posinf=500.0, neginf=0.0), 0, 500)
    strongest = calm.max(-1)
    glaring = strongest > BRIGHTEST
    # Lamps and sun are white where they burn out, whatever their colour is.
    calm[glaring] = np.maximum(calm[glaring], strongest[glaring][:, None] * 0.8)
    calm = np.minimum(calm, BRIGHTEST)
    height, width = calm.shape[:2]
    overall = _mean_light(calm[height // 4 : 3 * height // 4])
    small = width < SMALL_PX
    size, angles = ((320, 240), (105, 115)) if small else ((480, 360), (75, 90))
    for index, heading in enumerate(range(0, 360, 360 // headings)):
        shown = np.clip(_seen(calm, heading, PITCHES[index % 4], angles[index % 2], size), 0, None)
        # A camera exposes for what it sees; half-way to the whole place, so that dark corners stay dark.
        base = np.log2(GREY / (_mean_light(shown) * 0.6 + overall * 0.4))
        for letter, stops in zip("ab", (0.0, -1.6) if index % 2 == 0 else (0.9, -0.6), strict=True):
            picture = _developed(shown, float(base) + stops)
            yield f"{heading:03d}_{letter}", picture if letter == "a" else np.asarray(picture * dim, np.uint8)


def _mean_light(light: Light) -> float:
    return float(np.exp(np.mean(np.log(light.mean(-1) + 1e-4))))


def _seen(light: Light, heading: float, pitch: float, angle: float, size: tuple[int, int]) -> Light:
    """The view of a camera without distortion; degrees, `angle` from left to right, `size` width and height."""
    width, height = size
    focal = width / 2 / np.tan(np.radians(angle) / 2)
    x, y = np.meshgrid(np.arange(width) - width / 2 + 0.5, np.arange(height) - height / 2 + 0.5)
    rays = np.stack([x / focal, y / focal, np.ones_like(x)], -1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    up, round_ = np.radians(pitch), np.radians(heading)
    tilt = np.array([[1, 0, 0], [0, np.cos(up), -np.sin(up)], [0, np.sin(up), np.cos(up)]])
    turn = np.array([[np.cos(round_), 0, np.sin(round_)], [0, 1, 0], [-np.sin(round_), 0, np.cos(round_)]])
    rays = rays @ (turn @ tilt).T
    longitude, latitude = np.arctan2(rays[..., 0], rays[..., 2]), np.arcsin(np.clip(rays[..., 1], -1, 1))
    rows, columns = light.shape[:2]
    across = ((longitude / np.pi + 1) / 2 * columns - 0.5).astype(np.float32)
    down = ((latitude / np.pi + 0.5) * rows - 0.5).astype(np.float32)
    seen = cv2.remap(light, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(seen, np.float32)


def _developed(light: Light, stops: float) -> NDArray[np.uint8]:
    """As cameras do: exposed, the brightest rolled off (the curve fitted to ACES), and sRGB."""
    x = np.clip(light * 2**stops, 0, None)
    x = np.clip(x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14), 0, 1)
    srgb = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return np.asarray(srgb * 255, np.uint8)
