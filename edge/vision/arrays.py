"""Array types."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
"""(height, width), 0-255."""
Mask = NDArray[np.uint8]
"""(height, width), 0 or 255."""
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def over(values: NDArray[Any], least: float | NDArray[Any]) -> Mask:
    """255 where a value is at least `least`, else 0."""
    return mask_of(values >= least)


def mask_of(found: NDArray[np.bool]) -> Mask:
    """255 where it is true, else 0."""
    return found.view(np.uint8) * np.uint8(255)
