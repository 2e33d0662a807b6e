"""Looking steadily from a camera that flies: small pictures laid onto a held one, and boxes between the two.

What burns is told by how a place behaves, so a place must stay where it is. The held picture is changed when too little
of it is left in view; what was known of the old one is carried over to the new.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.fire_smoke.proposals import PictureBox
from edge.vision.arrays import Doubles, Mask
from edge.vision.small_colour import SmallPicture
from edge.vision.steadying import Steadier, moved_box

REMEMBERED = 256
"""Pictures whose place is known, for answers of models that come late: 10 s at 25 a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Carry:
    """From the picture that was held to the one that is; `by` is None where nothing connects them."""

    by: Doubles | None

    def box(self, box: PictureBox) -> PictureBox:
        """A box of the old one in the new one."""
        return box if self.by is None else moved_box(box, self.by)


class Steadying:
    """Of one stream. Boxes are in pixels of the whole picture."""

    def __init__(self, width: int, height: int, across: float, down: float) -> None:
        """`width`, `height` of the small pictures; `across` and `down`: how much larger the whole ones are."""
        self._steadier = Steadier()
        self._shape = (height, width)
        self._planes = tuple(np.zeros(self._shape, np.uint8) for _ in range(3))
        self._large = np.diag((across, down, 1.0))
        self._small = np.diag((1 / across, 1 / down, 1.0))
        self._onto = np.eye(3)
        self._known: deque[tuple[float, Doubles]] = deque(maxlen=REMEMBERED)
        self.begins = False
        """Whether the latest picture is the held one."""
        self.carried: Carry | None = None
        self.carried_small: Doubles | None = None
        """As `carried`, in pixels of small pictures."""

    def restart(self) -> None:
        """The next picture has nothing to do with those before."""
        self._steadier.restart()
        self._known.clear()

    def laid(self, picture: SmallPicture, media_time: float) -> SmallPicture:
        """The picture as the held one would show it; where it shows nothing of that, what was there before."""
        found = self._steadier.lay(picture.luma)
        self.begins, self.carried, self.carried_small = found.begins, None, found.carried
        if found.begins:
            by = None if found.carried is None else self._large @ found.carried @ self._small
            self.carried = Carry(by)
            before = [] if by is None else [(t, by @ onto) for t, onto in self._known]
            self._known = deque(before, maxlen=REMEMBERED)
        self._onto = self._large @ found.onto_held @ self._small
        self._known.append((media_time, self._onto))
        size = (self._shape[1], self._shape[0])
        for plane, new in zip(self._planes, (picture.luma, picture.blue, picture.red), strict=True):
            if found.begins:
                np.copyto(plane, new)
            else:
                cv2.warpPerspective(
                    new, found.onto_held, size, dst=plane, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
                )
        return SmallPicture(*self._planes)

    def mask(self, mask: Mask) -> Mask:
        """A mask of the picture, as it lies on the held one."""
        onto = self._small @ self._onto @ self._large
        laid = cv2.warpPerspective(mask, onto, (self._shape[1], self._shape[0]), flags=cv2.INTER_NEAREST)
        return np.asarray(laid, np.uint8)

    def shown(self, box: PictureBox) -> PictureBox:
        """Where a box of the held picture is in the latest one."""
        return moved_box(box, np.asarray(np.linalg.inv(self._onto), np.float64))

    def held(self, box: PictureBox, media_time: float) -> PictureBox:
        """Where a box of the picture of a time is in the held one; of the nearest one that is known."""
        if not self._known:
            return box
        return moved_box(box, min(self._known, key=lambda one: abs(one[0] - media_time))[1])
