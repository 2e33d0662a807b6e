"""What was saved may be older than this program, or damaged: what does not fit is left out, part by part.

A detector that raises over what it remembers would be built anew, and given the same memory, for ever.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, zlib.error, cv2.error)
"""What reading the wrong shape raises."""


def unless_damaged() -> suppress:
    """A context that ends with the first thing in a saved part that is not as it was written.

    What is read within it must be put to use in its last step, so that no half of it is.
    """
    return suppress(*_DAMAGE)


def mapping_of(value: object) -> Mapping[str, Any]:
    """A saved mapping; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: object) -> Sequence[Any]:
    """A saved list; an empty one in place of anything else."""
    return value if isinstance(value, list | tuple) else ()


def number_in(value: object, low: float, high: float) -> float:
    """A saved number.

    Raises:
        ValueError: it is none, or beyond its limits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"found {value!r:.40}, expected a number from {low:g} to {high:g}")
    return float(value)


def numbers_in(value: object, shape: tuple[int, ...], low: float, high: float) -> NDArray[np.float64]:
    """Saved numbers of a shape.

    Raises:
        ValueError, TypeError, OverflowError: they are of another shape, no numbers, or beyond their limits.
    """
    found = np.asarray(value, np.float64)
    if found.shape != shape or not ((found >= low) & (found <= high)).all():
        raise ValueError(f"found other than {shape} numbers from {low:g} to {high:g}")
    return found
