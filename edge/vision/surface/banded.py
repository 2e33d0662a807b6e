"""Equations of a flight's poses, each of which has to do with its neighbours only, solved in little memory.

Put in the order of Cuthill and McKee (1969) all that is not zero lies close to the diagonal, and stays so while it is
factored (Cholesky). A general sparse solver took forty times the memory for a flight of a quarter of an hour: it cannot
know beforehand how much it will fill.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solveh_banded
from scipy.sparse import bsr_matrix, csr_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import spsolve

from edge.vision.arrays import Doubles

_RIDGE = 1e-12
"""Of the scaled diagonal, which is one: it keeps the equations of poses that nothing holds solvable, and moves none."""


def solved(normal: bsr_matrix, right: Doubles) -> Doubles:
    """(count, size), like `right`. `normal` is symmetric and made of square blocks (size, size).

    What rounding left not quite positive, of poses that nothing holds, is solved as any sparse equations are.
    """
    try:
        found = _in_band(normal, right)
    except np.linalg.LinAlgError:
        found = np.full_like(right, np.nan)
    if np.isfinite(found).all():
        return found
    return np.asarray(spsolve(normal.tocsc(), right.ravel()), np.float64).reshape(right.shape)


def _in_band(normal: bsr_matrix, right: Doubles) -> Doubles:
    """Raises LinAlgError where `normal` is not positive."""
    count, size = right.shape
    tied = csr_matrix((np.ones(len(normal.indices), np.int8), normal.indices, normal.indptr), shape=(count, count))
    order = reverse_cuthill_mckee(tied, symmetric_mode=True)
    place = np.empty(count, np.int64)
    place[order] = np.arange(count)
    heres, theres = place[np.repeat(np.arange(count), np.diff(normal.indptr))], place[normal.indices]
    own = normal.diagonal().reshape(count, size)
    if not (own > 0).all():
        raise np.linalg.LinAlgError("a number of the diagonal is not above zero")
    scale = 1 / np.sqrt(own)
    band = np.zeros((size * (int(np.abs(heres - theres).max()) + 1), size * count))
    for row in range(size):
        for column in range(size):
            down = size * (heres - theres) + row - column
            below = down >= 0
            # Of a matrix's lower half: element (i, j) is kept at (i - j, j).
            scaled = normal.data[below, row, column] * scale[order[heres[below]], row]
            band[down[below], size * theres[below] + column] = scaled * scale[order[theres[below]], column]
    band[0] += _RIDGE
    found = solveh_banded(band, (right * scale)[order].ravel(), overwrite_ab=True, lower=True, check_finite=False)
    back = np.empty_like(right)
    back[order] = found.reshape(count, size)
    return np.asarray(back * scale, np.float64)
