"""Pictures of a flight as a mosaic needs them: no larger than it is, the latest few kept, broken ones once."""

from __future__ import annotations

from collections import OrderedDict

import cv2
import numpy as np

from edge.detectors.interface import Image
from edge.flights.mosaic.framing import Framed
from edge.sources.errors import SourceError
from edge.vision.lens import Lens


class Pictures:
    """Reads on demand. Not for use by two threads."""

    def __init__(self, gsd_m: float, most_bytes: int) -> None:
        self._gsd_m, self._most_bytes = gsd_m, most_bytes
        self._kept: OrderedDict[int, Image] = OrderedDict()
        self._bytes = 0
        self.broken: dict[int, str] = {}
        """Why, by the frame's `index`."""
        self.read = 0
        """How many times a picture was decoded."""

    def lens(self, framed: Framed) -> Lens:
        """Of the picture as it is given."""
        lens = framed.frame.lens
        share = min(1.0, framed.gsd_m / self._gsd_m)
        if share == 1.0:
            return lens
        return lens.scaled(max(round(lens.width * share), 2), max(round(lens.height * share), 2))

    def of(self, framed: Framed) -> Image | None:
        """(height, width, 3) BGR, shrunk where it is finer than the mosaic; None where it cannot be read."""
        number = framed.frame.index
        if number in self.broken:
            return None
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        picture = self._read(framed)
        if picture is None:
            return None
        self._kept[number] = picture
        self._bytes += picture.nbytes
        while self._bytes > self._most_bytes and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return picture

    def _read(self, framed: Framed) -> Image | None:
        frame = framed.frame
        self.read += 1
        try:
            bgr = frame.read_bgr()
        except SourceError as error:
            self.broken[frame.index] = str(error)
            return None
        if bgr.shape != (frame.lens.height, frame.lens.width, 3) or bgr.dtype != np.uint8:
            self.broken[frame.index] = (
                f"found a picture of {bgr.shape[1]} x {bgr.shape[0]}, expected {frame.lens.width} x {frame.lens.height}"
            )
            return None
        lens = self.lens(framed)
        if (lens.width, lens.height) == (bgr.shape[1], bgr.shape[0]):
            return bgr
        return np.asarray(cv2.resize(bgr, (lens.width, lens.height), interpolation=cv2.INTER_AREA), np.uint8)
