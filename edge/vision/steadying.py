"""Pictures of a moving camera laid onto one that is held for a while, so that what stands still there stands still.

Corners of the held picture (Shi and Tomasi 1994) are found again in each new one (Lucas and Kanade 1981, in a pyramid)
and give a homography by RANSAC: exact for level ground however the camera moves, and for everything when it only turns.
Each picture is compared with the held one, so that small errors do not add up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats, Grey

MOST_CORNERS, CORNER_QUALITY, CORNER_DISTANCE_PX = 160, 0.01, 8.0
LEAST_CORNERS = 12
"""Found again and agreeing with one homography: fewer may be cars."""
LEAST_AGREEING = 0.5
RESIDUAL_PX = 1.0
MOST_LOST = 3
"""Pictures in a row that are not found again: from then on it is another scene."""
LEAST_OVERLAP = 0.6
"""Share of the held picture that the new one still shows."""
_WINDOW = (15, 15)
_LEVELS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """How one picture lies on the held one."""

    onto_held: Doubles
    """(3, 3): from its pixels to those of the held picture."""
    begins: bool
    """It is the held one from now on."""
    carried: Doubles | None = None
    """(3, 3), where it begins: from pixels of the one held before to its own. None: nothing connects them."""


@dataclass(slots=True)
class Steadier:
    """Follows one stream's small pictures, all of one size."""

    _held: Grey | None = None
    _corners: Floats = field(default_factory=lambda: np.zeros((0, 1, 2), np.float32))
    _onto: Doubles = field(default_factory=lambda: np.eye(3))
    _step: Doubles = field(default_factory=lambda: np.eye(3))
    _lost: int = 0
    _was_found: bool = False
    """The held picture was found again at least once."""

    def restart(self) -> None:
        """The next picture has nothing to do with those before."""
        self._held = None

    def lay(self, luma: Grey) -> Laid:
        """Where a picture lies."""
        if self._held is None:
            self._hold(luma)
            return Laid(np.eye(3), begins=True)
        onto = self._found(luma)
        if onto is None:
            self._lost += 1
            if self._lost <= MOST_LOST:
                return Laid(self._onto, begins=False)  # a jerk, a flash: the next one may be found again
            # By night, over water, in noise there is nothing to hold on to: then it is taken to stand still.
            another = self._was_found
            self._hold(luma)
            return Laid(np.eye(3), begins=another)
        self._lost, self._was_found = 0, True
        if _overlap(onto, luma.shape[1], luma.shape[0]) < LEAST_OVERLAP:
            carried = _inverse(onto)
            self._hold(luma)
            return Laid(np.eye(3), begins=True, carried=carried / float(carried[2, 2]))
        self._step = _inverse(self._onto) @ onto
        self._onto = onto
        return Laid(onto, begins=False)

    def _hold(self, luma: Grey) -> None:
        self._held = luma.copy()
        found = cv2.goodFeaturesToTrack(luma, MOST_CORNERS, CORNER_QUALITY, CORNER_DISTANCE_PX)
        self._corners = np.zeros((0, 1, 2), np.float32) if found is None else np.asarray(found, np.float32)
        self._onto, self._step, self._lost, self._was_found = np.eye(3), np.eye(3), 0, False

    def _found(self, luma: Grey) -> Doubles | None:
        """Onto the held picture; None where too little of it is found again."""
        if len(self._corners) < LEAST_CORNERS:
            return None
        for guess in (self._onto @ self._step, self._onto):
            onto = self._refined(luma, guess)
            if onto is not None:
                return onto
        return None

    def _refined(self, luma: Grey, guess: Doubles) -> Doubles | None:
        height, width = luma.shape
        laid = np.asarray(cv2.warpPerspective(luma, guess, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
        assert self._held is not None, "a picture is held"
        there, seen, _ = cv2.calcOpticalFlowPyrLK(
            self._held, laid, self._corners, self._corners.copy(), winSize=_WINDOW, maxLevel=_LEVELS
        )
        shown = _inside(self._corners, _inverse(guess), width, height) & (seen.ravel() > 0)
        if int(shown.sum()) < LEAST_CORNERS:
            return None
        correction, agreeing = cv2.findHomography(there[shown], self._corners[shown], cv2.RANSAC, RESIDUAL_PX)
        if correction is None or not np.isfinite(correction).all():
            return None
        count = int(agreeing.sum())
        if count < LEAST_CORNERS or count < LEAST_AGREEING * int(shown.sum()):
            return None
        onto = np.asarray(correction @ guess, np.float64)
        return onto / float(onto[2, 2]) if _is_sane(onto, width, height) else None


def moved_box(box: tuple[float, float, float, float], by: Doubles) -> tuple[float, float, float, float]:
    """The upright box (x, y, width, height) around the middles of a moved one's sides: its corners would make it larger
    each time that it is turned."""
    x, y, width, height = box
    sides = np.array(
        [[(x + width / 2, y), (x + width, y + height / 2), (x + width / 2, y + height), (x, y + height / 2)]]
    )
    moved = cv2.perspectiveTransform(sides, by)[0]
    (left, top), (right, bottom) = moved.min(axis=0), moved.max(axis=0)
    return float(left), float(top), float(right - left), float(bottom - top)


def _inverse(turn: Doubles) -> Doubles:
    return np.asarray(np.linalg.inv(turn), np.float64)


def _inside(points: Floats, by: Doubles, width: int, height: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether points of the held picture lie in the new one, away from its rim."""
    there = cv2.perspectiveTransform(np.asarray(points, np.float64), by).reshape(-1, 2)
    rim = _WINDOW[0] / 2
    found = (there[:, 0] > rim) & (there[:, 1] > rim) & (there[:, 0] < width - rim) & (there[:, 1] < height - rim)
    return np.asarray(found, np.bool_)


def _corners_of(width: int, height: int) -> Doubles:
    return np.array([[(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)]])


def _is_sane(onto: Doubles, width: int, height: int) -> bool:
    """Whether it neither mirrors nor folds the picture, nor makes it much larger or smaller."""
    corners = _corners_of(width, height)[0]
    if ((corners @ onto[2, :2] + onto[2, 2]) <= 0).any():
        return False
    moved = cv2.perspectiveTransform(_corners_of(width, height), onto)[0].astype(np.float32)
    share = cv2.contourArea(moved, oriented=True) / cv2.contourArea(corners.astype(np.float32), oriented=True)
    return bool(cv2.isContourConvex(moved)) and 0.25 < share < 4


def _overlap(onto: Doubles, width: int, height: int) -> float:
    """Share of the held picture that a picture laid so covers."""
    held = _corners_of(width, height)[0].astype(np.float32)
    laid = cv2.perspectiveTransform(_corners_of(width, height), onto)[0].astype(np.float32)
    common, _ = cv2.intersectConvexConvex(held, laid)
    return float(common) / (width * height)
