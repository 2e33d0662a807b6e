"""Random streams by name: what one part draws never shifts what another part draws."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """An independent generator for the part called `names` of the scene with `seed`. Same arguments, same numbers."""
    key = "/".join(str(name) for name in names)
    return np.random.default_rng(np.random.SeedSequence([seed, zlib.crc32(key.encode())]))
