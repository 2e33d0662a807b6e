"""Small pictures of large ones, by halving: the cheapest way to average over all pixels."""

from __future__ import annotations

import cv2
import numpy as np

from edge.vision.arrays import Grey

SMALL_WIDTH = 640
"""Pictures are halved until they are narrower than this: 320 to 639 pixels are left."""


def halved(picture: Grey) -> Grey:
    """The picture at 320-639 pixels width (or as it is, if it is smaller), each pixel a mean of 2ⁿ × 2ⁿ.

    A 2 × 2 mean is vectorised in OpenCV: 1080p in 0.11 ms, where a single reduction by four takes 0.6 ms.
    """
    while picture.shape[1] >= SMALL_WIDTH:
        height, width = picture.shape
        even = picture[: height & ~1, : width & ~1]
        picture = np.asarray(cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
    return picture
