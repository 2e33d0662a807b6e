"""Heads by their looks: the model's boxes, and their lamps as one picture shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.calibrate.signals.assembling import FoundLamp
from edge.calibrate.signals.history import LampHistory
from edge.calibrate.signals.proposing import USUAL_COLOURS, BoxFound, Rectangle, lamps_by_form
from edge.detectors.interface import Image
from edge.detectors.traffic_signal.settings import Colour, Shape
from edge.vision.lamp_guesses import find_lamps

if TYPE_CHECKING:
    from edge.calibrate.signals.heads_model import ProposedHead

USUAL_COUNT = 3
"""Where picture and form say different numbers, three found in the picture are believed (39 of 41 were right, on
rendered scenes), two or four are not: five of six twos were threes with an unlit amber."""


class Proposer(Protocol):
    """Proposes heads by their looks; see `heads_model.HeadProposer`."""

    def propose(self, bgr: Image) -> Sequence[ProposedHead]:
        """Heads in a picture."""


def load_proposer(notes: list[str]) -> Proposer | None:
    """The model that is installed; None, and a note, where there is none or it cannot be run."""
    try:
        from edge.calibrate.signals.heads_model import HeadProposer
        from edge.inference.errors import ModelError
    except ImportError as error:
        notes.append(f"heads are proposed from history only: {error}")
        return None
    try:
        return HeadProposer()
    except ModelError as error:
        notes.append(f"heads are proposed from history only: {error}")
        return None


def boxes_in(proposer: Proposer, picture: Image, history: LampHistory | None = None) -> list[BoxFound]:
    """What the model sees in a picture (height, width, 3). `history`: of the same view; it knows what never changed."""
    found = []
    for head in proposer.propose(np.ascontiguousarray(picture)):
        x, y, width, height = head.box
        box = (x, y, x + width, y + height)
        unchanged = history is not None and history.unchanged(box)
        found.append(BoxFound(box, head.score, _lamps_in(picture, box), unchanged))
    return found


def _lamps_in(picture: Image, box: Rectangle) -> tuple[FoundLamp, ...]:
    """The lamps of the head in a box, in their order; none where the picture does not show them clearly enough."""
    left, top = max(int(box[0]), 0), max(int(box[1]), 0)
    guesses = find_lamps(np.ascontiguousarray(picture[top : int(box[3]) + 1, left : int(box[2]) + 1]))
    count = len(guesses)
    if count not in USUAL_COLOURS or (count != USUAL_COUNT and count != lamps_by_form(box)):
        return ()
    colours = USUAL_COLOURS[count]
    lit = [(place, guess.colour) for place, guess in enumerate(guesses) if guess.colour is not None]
    # A lying head has its red on the other side where one drives on the left.
    if lit and box[2] - box[0] > box[3] - box[1] and all(colours[-1 - place] == colour for place, colour in lit):
        colours = colours[::-1]
    return tuple(
        _lamp(guess.centre, guess.diameter_px, colour, left, top)
        for guess, colour in zip(guesses, colours, strict=True)
    )


def _lamp(centre: tuple[float, float], diameter: float, colour: Colour, left: int, top: int) -> FoundLamp:
    return FoundLamp(left + centre[0], top + centre[1], diameter, colour, Shape.BALL, frozenset())
