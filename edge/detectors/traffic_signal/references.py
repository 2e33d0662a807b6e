"""What a placer compares pictures with: its anchors as each light shows them, learned and slowly renewed.

A reference is renewed by pictures that were first put back to where the reference was taken, to a fraction of a pixel,
so that it follows the light and not the camera: what has drifted stays measured however long it takes.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.traffic_signal.saved import number_in, numbers_in
from edge.vision.anchors import PATCH, Field, Points, Templates, edge_strength, orientation, templates_of
from edge.vision.arrays import Floats, Grey
from edge.vision.registration import Spectrum, orientation_spectrum

RENEW_SECONDS = 900.0
"""How slowly a reference follows: faster than the sun's shadows, slower than a lorry that parks for its delivery."""
USUAL_SECONDS = 300.0
FIRST_USUAL = 0.75
"""NCC that is expected of an anchor which has hardly been seen: clear streets show 0.85-0.97, dusk 0.7-0.9 [measured
on dusk_crossings]."""
WHOLE_SIZE = (320, 180)
"""The whole picture's width and height as it is kept for a look that has lost its anchors."""
MAX_LIGHTS = 4
"""Day, dusk, night and infra-red."""

Values = NDArray[np.float64]


@dataclass(slots=True)
class Light:
    """The anchors in one light. Arrays have an entry for each anchor; `seconds` 0: not yet seen in this light."""

    means: Field
    """(n, PATCH, PATCH, 2): mean field around each anchor."""
    seconds: Values
    usual: Values
    """The NCC that is usual."""
    whole: Floats
    """(rows, columns) mean of the whole picture, small."""
    whole_seconds: float = 0.0
    used_at: float = 0.0
    templates: Templates = field(init=False)
    spectrum: Spectrum = field(init=False)
    strength: float = field(init=False)
    """Edge strength of the whole picture."""

    def __post_init__(self) -> None:
        self.derive()

    def derive(self) -> None:
        """Makes anew what follows from the means."""
        self.templates = templates_of(self.means)
        self.spectrum = orientation_spectrum(self.whole)
        self.strength = strength_of(self.whole)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which anchors were seen in this light."""
        return self.seconds > 0

    def learn(self, number: int, patch: Field, score: float, seconds: float) -> None:
        """Takes in an anchor's field, put back to its place, that stands for `seconds`."""
        before = self.seconds[number]
        self.seconds[number] = before + seconds
        share = 1.0 if before == 0 else min(1.0, seconds / min(self.seconds[number], RENEW_SECONDS))
        self.means[number] += share * (patch - self.means[number])
        if before > 0:
            quick = min(1.0, seconds / min(self.seconds[number], USUAL_SECONDS))
            self.usual[number] += quick * (score - self.usual[number])

    def learn_whole(self, small: Floats, seconds: float) -> None:
        """Takes in the whole picture, put back to its place."""
        share = 1.0 if self.whole_seconds == 0 else min(1.0, seconds / min(self.whole_seconds + seconds, RENEW_SECONDS))
        self.whole_seconds += seconds
        cv2.accumulateWeighted(small, self.whole, share)

    def forget(self, number: int) -> None:
        """The anchor is another one from now on."""
        self.means[number] = 0
        self.seconds[number] = 0
        self.usual[number] = FIRST_USUAL


def new_light(count: int, small: Floats, now: float) -> Light:
    """A light in which no anchor has been seen yet; `small`: the whole picture, put back to its place."""
    return Light(
        means=np.zeros((count, PATCH, PATCH, 2), np.float32),
        seconds=np.zeros(count),
        usual=np.full(count, FIRST_USUAL),
        whole=small.astype(np.float32),
        used_at=now,
    )


def whole_of(luma: Grey) -> Floats:
    """The whole picture, small. Rows and columns are first passed over: nobody looks at detail here."""
    step = max(1, luma.shape[1] // (4 * WHOLE_SIZE[0]))
    return np.asarray(
        cv2.resize(luma[::step, ::step], WHOLE_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32), np.float32
    )


def strength_of(whole: Floats) -> float:
    """How much there is to be seen in a small picture: its edges at a quarter of its size, where noise is gone."""
    height, width = whole.shape
    coarse = cv2.resize(whole, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    return float(edge_strength(orientation(np.clip(np.rint(coarse), 0, 255).astype(np.uint8))[None])[0])


@dataclass(slots=True)
class References:
    """Anchors, in the settings' pixels, with their references in each light."""

    centres: Points
    given: NDArray[np.bool_]
    """Those that the settings name: never replaced."""
    trust: Values
    """0-1: how often each one agrees with the others."""
    lights: list[Light] = field(default_factory=list)
    refused: list[tuple[float, float]] = field(default_factory=list)
    """Places that proved to be no anchors: what is burnt into the picture, foliage, parked cars."""

    def add_light(self, light: Light) -> None:
        """Keeps one more light; of too many the one that was used longest ago goes."""
        if len(self.lights) >= MAX_LIGHTS:
            self.lights.remove(min(self.lights, key=lambda one: one.used_at))
        self.lights.append(light)

    def saved(self) -> dict[str, Any]:
        """JSON types, ~45 kB a light."""
        return {
            "centres": np.round(self.centres, 2).tolist(),
            "given": self.given.tolist(),
            "trust": np.round(self.trust, 3).tolist(),
            "refused": [list(place) for place in self.refused],
            "lights": [_saved_light(light) for light in self.lights],
        }


def references_from(saved: Mapping[str, Any]) -> References:
    """The inverse of `saved`.

    Raises:
        ValueError, KeyError, TypeError and others of `saved.unless_damaged`: it is damaged, or of another version.
    """
    count = len(saved["centres"])
    lights = saved["lights"]
    if not count or not 1 <= len(lights) <= MAX_LIGHTS:
        raise ValueError("found no lights or no places, expected both")
    return References(
        numbers_in(saved["centres"], (count, 2), -_FARTHEST_PX, _FARTHEST_PX),
        np.asarray(saved["given"], np.bool_).reshape(count),
        numbers_in(saved["trust"], (count,), 0, 1),
        [_loaded_light(light, count) for light in lights],
        [
            (number_in(x, -_FARTHEST_PX, _FARTHEST_PX), number_in(y, -_FARTHEST_PX, _FARTHEST_PX))
            for x, y in saved["refused"]
        ],
    )


_FARTHEST_PX, _MOST_SECONDS = 1e5, 1e9
"""What was saved beyond this is damaged."""
_STEPS = 12.0
"""Steps of a saved field: |g|^½ is at most ~10, and a twelfth is below what noise leaves of it."""


def _saved_light(light: Light) -> dict[str, Any]:
    fields = np.clip(np.rint(light.means * _STEPS), -127, 127).astype(np.int8)
    done, png = cv2.imencode(".png", np.clip(np.rint(light.whole), 0, 255).astype(np.uint8))
    if not done:
        raise ValueError("a small picture could not be encoded as PNG")
    return {
        "fields": base64.b64encode(zlib.compress(fields.tobytes(), 6)).decode(),
        "whole": base64.b64encode(png.tobytes()).decode(),
        "whole_seconds": round(light.whole_seconds, 1),
        "seconds": np.round(light.seconds, 1).tolist(),
        "usual": np.round(light.usual, 4).tolist(),
    }


def _loaded_light(saved: Mapping[str, Any], count: int) -> Light:
    size = count * PATCH * PATCH * 2
    fields = np.frombuffer(zlib.decompressobj().decompress(base64.b64decode(saved["fields"]), size), np.int8)
    whole = cv2.imdecode(np.frombuffer(base64.b64decode(saved["whole"]), np.uint8), cv2.IMREAD_GRAYSCALE)
    if whole is None or whole.shape != (WHOLE_SIZE[1], WHOLE_SIZE[0]):
        raise ValueError(f"found no picture of {WHOLE_SIZE} in a saved light")
    return Light(
        means=fields.reshape(count, PATCH, PATCH, 2).astype(np.float32) / np.float32(_STEPS),
        seconds=numbers_in(saved["seconds"], (count,), 0, _MOST_SECONDS),
        usual=numbers_in(saved["usual"], (count,), -1, 1),
        whole=whole.astype(np.float32),
        whole_seconds=number_in(saved["whole_seconds"], 0, _MOST_SECONDS),
    )
