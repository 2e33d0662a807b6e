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
MAX_SIZES = 2
"""The main and the sub stream."""
SAME_ASPECT = 0.02
"""Ratios of sides that differ by less are one: 1088 lines are 1080 and some padding."""
BORROWED_SECONDS = 60.0
"""How much a view that was made from one of another size counts as learned for: it becomes this size's own in a
minute."""

Size = tuple[int, int]
"""Rows and columns of a camera's pictures, before they are made small."""


class _SavedView(BaseModel):
    rows: int
    columns: int
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


VERSION = 2


@dataclass(slots=True)
class View:
    """One light's reference. `fine`, `rough`, `noise`: per block, noise-free energy of the picture and of its coarse
    version, and the energy that noise adds. `moved`: what the view has followed of slow shifts, in shares of the
    width: without it, a camera that sags a little each day would never have moved."""

    mean: Floats
    fine: Blocks
    rough: Blocks
    noise: Blocks
    size: Size
    seconds: float = 0.0
    moved: tuple[float, float] = (0.0, 0.0)
    used_at: float = 0.0
    sharpness: float = 1.0
    """What sharpness against this view usually is: below 1 where the mean picture is sharper than any single one."""
    sharpness_seconds: float = 0.0
    is_borrowed: bool = False
    """Made from a view of another size, and nothing of it has been recognised yet: it may show more or less."""
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


class ViewsBySize:
    """The views of one camera for each size of its pictures: it comes back from its sub stream to what it was."""

    def __init__(self, views: Sequence[View] = ()) -> None:
        self._sizes: dict[Size, list[View]] = {}
        """The one in use last."""
        for view in views:
            self._sizes.setdefault(view.size, []).append(view)

    @property
    def every(self) -> Sequence[View]:
        """Of all sizes, those in use last."""
        return [view for views in self._sizes.values() for view in views]

    def of(self, size: Size, small: Size) -> list[View]:
        """The views of this size, from now on the one in use: what is done to the list is done to them.

        For a size that is new they are made from one of the same aspect, at `small` rows and columns.
        """
        views = self._sizes.pop(size, None)
        if views is None:
            views = [_borrowed(view, size, small) for view in self._like(size)]
        self._sizes[size] = views
        while len(self._sizes) > MAX_SIZES:
            del self._sizes[next(iter(self._sizes))]
        return views

    def clear(self) -> None:
        """Forgets them all."""
        for views in self._sizes.values():
            views.clear()

    def _like(self, size: Size) -> Sequence[View]:
        for other, views in reversed(self._sizes.items()):
            known = [view for view in views if not view.is_borrowed]
            if known and abs(other[0] * size[1] / (other[1] * size[0]) - 1) <= SAME_ASPECT:
                return known
        return ()


def _borrowed(view: View, size: Size, small: Size) -> View:
    """The same view, as pictures of another size would show it. How sharp those are is to be learned."""
    mean = np.asarray(cv2.resize(view.mean, (small[1], small[0]), interpolation=cv2.INTER_AREA), np.float32)
    along, rough_along = gradients(mean), gradients(coarse(mean))
    return View(
        mean,
        common_structure(along, along),
        common_structure(rough_along, rough_along),
        view.noise.copy(),
        size,
        min(view.seconds, BORROWED_SECONDS),
        view.moved,
        view.used_at,
        is_borrowed=True,
    )


def new_view(picture: Grey, energies: tuple[Blocks, Blocks, Blocks], size: Size, now: float) -> View:
    """A view of one picture, to be learned further. `size`: that of the camera's pictures."""
    fine, rough, noise = (values.copy() for values in energies)
    return View(picture.astype(np.float32), fine, rough, noise, size, used_at=now)


def views_as_text(views: Sequence[View], longest_still: float) -> str:
    """JSON, ~60 KB a view: the pictures as PNG."""
    saved = [
        _SavedView(
            rows=view.size[0],
            columns=view.size[1],
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
        if not view.is_borrowed
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
        (saved.rows, saved.columns),
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
