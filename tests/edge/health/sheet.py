"""`python -m tests.edge.health.sheet FILE.png`: the drawn conditions on one sheet, as the documentation shows them."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from tests.edge.health.scenes import (
    Fault,
    Moment,
    Regime,
    Rig,
    Weather,
    bag,
    cap,
    defocus,
    exposed,
    glare_at_night,
    hand,
    spray,
)

COLUMNS = 4
WIDTH, HEIGHT = 400, 225


def main(target: Path) -> None:
    """Writes the sheet."""
    rig = Rig(3)
    day, night, infrared = (Moment(regime) for regime in (Regime.DAY, Regime.NIGHT, Regime.INFRARED))
    cells: list[tuple[str, bool, Moment, Fault | None]] = [
        ("day", True, day, None),
        ("dusk", True, Moment(Regime.DUSK), None),
        ("night", True, night, None),
        ("infra-red", True, infrared, None),
        ("rain", True, Moment(Regime.DAY, Weather(rain=1)), None),
        ("fog", True, Moment(Regime.DAY, Weather(fog=0.6)), None),
        ("rain at night", True, Moment(Regime.NIGHT, Weather(rain=1)), None),
        ("fog in infra-red", True, Moment(Regime.INFRARED, Weather(fog=0.5)), None),
        ("covered: cap", False, day, cap),
        ("covered: hand", False, day, hand),
        ("covered: bag", False, day, bag),
        ("covered: paint", False, day, spray),
        ("covered, infra-red", False, infrared, glare_at_night),
        ("moved by 2 % of the width", False, Moment(Regime.DAY, shift=(0.02, 0)), None),
        ("defocused (0.6 %)", False, day, defocus(0.006)),
        ("overexposed", False, day, exposed(8)),
    ]
    pictures = [_cell(rig, *cell) for cell in cells]
    rows = [np.hstack(pictures[start : start + COLUMNS]) for start in range(0, len(pictures), COLUMNS)]
    cv2.imwrite(str(target), np.vstack(rows), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def _cell(rig: Rig, label: str, fine: bool, moment: Moment, fault: Fault | None) -> np.ndarray:
    picture = cv2.cvtColor(rig.picture(10, moment, fault), cv2.COLOR_GRAY2BGR)
    small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    colour = (90, 190, 60) if fine else (60, 80, 235)
    cv2.rectangle(small, (0, 0), (WIDTH - 1, HEIGHT - 1), colour, 3)
    cv2.rectangle(small, (0, HEIGHT - 26), (WIDTH, HEIGHT), (20, 20, 20), -1)
    cv2.putText(small, label, (8, HEIGHT - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
    return np.asarray(small)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
