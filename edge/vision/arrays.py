"""Array types."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
"""(height, width), 0-255."""
Mask = NDArray[np.uint8]
"""(height, width), 0 or 255."""
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
