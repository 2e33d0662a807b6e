"""Made pictures without a photograph in them: what may be shown on the card, for all of it is the project's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.fire_smoke.pictures import as_made
from models.training.making import Made
from samples.fire.blazes import blaze
from samples.fire.preview import backgrounds as drawn_places
from samples.fire.stills import Kind, composite, lookalike

QUIET = 0.4
"""Share of pictures in which nothing burns."""
LARGE = 0.3
"""Share of those that burn that have burned for long."""


def drawn(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """Fires, smoke and what looks like them in drawn yards, rooms and streets (`models.training.making.Maker`)."""
    (place,) = drawn_places(rng, 1)
    chance = rng.random()
    if chance < QUIET:
        return as_made(lookalike(rng, place))
    if chance < QUIET + (1 - QUIET) * LARGE:
        return as_made(blaze(rng, place))
    return as_made(composite(rng, place, tuple(Kind)[int(rng.integers(len(Kind)))]))
