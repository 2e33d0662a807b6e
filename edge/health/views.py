"""What a camera looks like when all is well: reference views, one for each light, learned and slowly adapted."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from edge.vision.arrays import Floats, Grey
from edge.vision.registration import Spectrum, orientation_spectrum
from edge.vision.structure import ACROSS, DOWN, Blocks, Gradients, coarse, common_structure, gradients

TEXTURED_FROM = 0.6
"""Mean squared gradient above which a block is worth watching: a smooth wall or sky lies below, a faint edge above."""
LEAST_TEXTURED = 12
"""With fewer such blocks (8 % of the picture) nothing can be said of cover, focus or movement."""
ADAPT_SECONDS = 900.0
"""How slowly a view follows: faster than the sun, slower than anything that somebody does to a camera."""
REFRESH_SECONDS = 20.0
"""How often what is derived from the mean picture is made anew."""
MAX_VIEWS = 4
"""Day, dusk, night and infra-red."""


class _SavedView(BaseModel):
    png: str
    fine: str
    rough: str
    noise: str
    seconds: float
    moved_x: float = 0.0
    moved_y: float = 0.0
    sharpness: float = 1.0
    sharpness_seconds: float = 0.0


class _SavedViews(BaseModel):
    version: int
    longest_still: float = 0.0
    views: list[_SavedView] = []


VERSION = 1


@dataclass(slots=True)
class View:
    """One light's reference. `fine`, `rough`, `noise`: per block, noise-free energy of the picture and of its coarse
    version, and the energy that noise adds. `moved`: what the view has followed of slow shifts, in shares of the
    width: without it, a camera that sags a little each day would never have moved."""

    mean: Floats
    fine: Blocks
    rough: Blocks
    noise: Blocks
    seconds: float = 0.0
    moved: tuple[float, float] = (0.0, 0.0)
    used_at: float = 0.0
    sharpness: float = 1.0
    """What sharpness against this view usually is: below 1 where the mean picture is sharper than any single one."""
    sharpness_seconds: float = 0.0
    along: Gradients = field(init=False)
    rough_along: Gradients = field(init=False)
    energy: Blocks = field(init=False)
    textured: NDArray[np.bool_] = field(init=False)
    spectrum: Spectrum = field(init=False)
    _fresh_at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.derive(0.0)

    def derive(self, now: float) -> None:
        """Makes anew what follows from the mean picture."""
        self.along = gradients(self.mean)
        self.rough_along = gradients(coarse(self.mean))
        self.energy = common_structure(self.along, self.along)
        self.textured = self.energy > TEXTURED_FROM
        self.spectrum = orientation_spectrum(self.mean)
        self._fresh_at = now

    @property
    def is_usable(self) -> bool:
        """Whether there is enough to be recognised."""
        return int(self.textured.sum()) >= LEAST_TEXTURED

    def learn(self, picture: Grey, energies: tuple[Blocks, Blocks, Blocks], seconds: float, now: float) -> None:
        """Takes in a picture that stands for `seconds`: a plain mean at first, a slow one after `ADAPT_SECONDS`."""
        self.seconds += seconds
        share = seconds / max(min(self.seconds, ADAPT_SECONDS), seconds, 1e-6)
        cv2.accumulateWeighted(picture, self.mean, share)
        for kept, new in zip((self.fine, self.rough, self.noise), energies, strict=True):
            cv2.accumulateWeighted(new, kept, share)
        if now - self._fresh_at >= REFRESH_SECONDS or now < self._fresh_at:
            self.derive(now)

    def learn_sharpness(self, sharpness: float, seconds: float) -> None:
        """Takes in what sharpness was measured while all was well."""
        self.sharpness_seconds += seconds
        share = seconds / max(min(self.sharpness_seconds, ADAPT_SECONDS), 1e-6)
        self.sharpness += share * (sharpness - self.sharpness)

    def follow(self, shift: tuple[float, float], seconds: float) -> None:
        """Notes how much of a slow shift the mean has taken up in `seconds`."""
        share = seconds / ADAPT_SECONDS
        self.moved = (self.moved[0] + share * shift[0], self.moved[1] + share * shift[1])


def new_view(picture: Grey, energies: tuple[Blocks, Blocks, Blocks], now: float) -> View:
    """A view of one picture, to be learned further."""
    fine, rough, noise = (values.copy() for values in energies)
    return View(picture.astype(np.float32), fine, rough, noise, used_at=now)


def views_as_text(views: Sequence[View], longest_still: float) -> str:
    """JSON, ~60 KB a view: the pictures as PNG."""
    saved = [
        _SavedView(
            png=_png(view.mean),
            fine=_packed(view.fine),
            rough=_packed(view.rough),
            noise=_packed(view.noise),
            seconds=round(view.seconds, 1),
            moved_x=view.moved[0],
            moved_y=view.moved[1],
            sharpness=view.sharpness,
            sharpness_seconds=view.sharpness_seconds,
        )
        for view in views
    ]
    return _SavedViews(version=VERSION, longest_still=longest_still, views=saved).model_dump_json()


def views_from_text(text: str) -> tuple[list[View], float]:
    """The inverse of `views_as_text`; nothing, where the text is of another version or damaged: a view is learned
    again within minutes."""
    try:
        saved = _SavedViews.model_validate_json(text)
        if saved.version != VERSION:
            return [], 0.0
        return [_unsaved(view) for view in saved.views], saved.longest_still
    except (ValidationError, ValueError, cv2.error):
        return [], 0.0


def _unsaved(saved: _SavedView) -> View:
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(saved.png), np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError("not a picture")
    fine, rough, noise = (_unpacked(packed) for packed in (saved.fine, saved.rough, saved.noise))
    return View(
        np.asarray(picture, np.float32),
        fine,
        rough,
        noise,
        saved.seconds,
        (saved.moved_x, saved.moved_y),
        sharpness=saved.sharpness,
        sharpness_seconds=saved.sharpness_seconds,
    )


def _png(mean: Floats) -> str:
    done, encoded = cv2.imencode(".png", np.clip(np.rint(mean), 0, 255).astype(np.uint8))
    if not done:
        raise ValueError(f"a view of shape {mean.shape} could not be encoded as PNG")
    return base64.b64encode(encoded.tobytes()).decode()


def _packed(blocks: Blocks) -> str:
    return base64.b64encode(blocks.astype("<f4").tobytes()).decode()


def _unpacked(packed: str) -> Blocks:
    return np.frombuffer(base64.b64decode(packed), "<f4").reshape(DOWN, ACROSS).astype(np.float32)
