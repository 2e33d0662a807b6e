"""Which of two numbers is the latitude: DJI's models write `GPS(a,b,…)` in either order."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from contract.geometry import EARTH_RADIUS_M, Point

NEAR_M = 300_000.0
"""What the caller expects is right to this; the other order must be three times as far."""
_TELLING = 3.0
_SAMPLES = 200
_LEAST_HOME_M = 30.0
_HOME_SHARE = 0.03
_HOME_M = 3.0
"""A distance to home is logged to centimetres, but positions to decimetres, and it may be slant."""


@dataclass(frozen=True, slots=True)
class Order:
    latitude_first: bool
    because: str
    certain: bool


@dataclass(slots=True)
class OrderEvidence:
    """Gathers what the pairs of one dialect in one file say. `latitude_first` is what the dialect is known to do."""

    latitude_first: bool
    pairs: list[tuple[float, float]] = field(default_factory=list)
    over: list[int] = field(default_factory=lambda: [0, 0])
    """How often the first, the second number could be no latitude."""
    home: list[int] = field(default_factory=lambda: [0, 0])
    """How often the distance to home fits latitude first, longitude first, and not the other."""

    def see(
        self, pair: tuple[float, float], home: tuple[float, float] | None = None, home_m: float | None = None
    ) -> None:
        if pair == (0.0, 0.0):
            return
        for one in (pair, home):
            if one is not None and max(map(abs, one)) <= 180:
                self.over[0] += abs(one[0]) > 90 >= abs(one[1])
                self.over[1] += abs(one[1]) > 90 >= abs(one[0])
        if len(self.pairs) < _SAMPLES:
            self.pairs.append(pair)
        if home is not None and home_m is not None and home_m >= _LEAST_HOME_M:
            fits = [
                abs(_metres(_point(pair, first), _point(home, first)) - home_m) <= _HOME_M + _HOME_SHARE * home_m
                for first in (True, False)
            ]
            if fits[0] != fits[1]:
                self.home[fits[1]] += 1

    def decide(self, near: Point | None, elsewhere: tuple[float, float] | None) -> Order:
        """The order. `elsewhere`: latitude and longitude of other records of the file that leave no doubt."""
        if self.over[0] != self.over[1]:
            first = self.over[1] > self.over[0]
            doubt = min(self.over) * 10 > max(self.over)
            return Order(first, "the other number is over 90 and can be no latitude", not doubt)
        expected = None if near is None else (near.latitude, near.longitude)
        if expected is not None and (found := self._nearer(expected)) is not None:
            return Order(found, "the other order lies far from where the flight is expected", certain=True)
        if self.home[0] != self.home[1]:
            doubt = min(self.home) * 10 > max(self.home)
            return Order(self.home[0] > self.home[1], "the logged distance to home fits only so", not doubt)
        if elsewhere is not None and (found := self._nearer(elsewhere)) is not None:
            return Order(found, "other records of the file say where it was", certain=True)
        why = "as this dialect is known to do; both orders are possible places, so name the area that is surveyed"
        return Order(self.latitude_first, why, certain=False)

    def _nearer(self, expected: tuple[float, float]) -> bool | None:
        """Whether latitude first is what lies near, None if that does not tell."""
        if not self.pairs:
            return None
        middle = self.pairs[len(self.pairs) // 2]
        first, second = (_metres(_point(middle, order), expected) for order in (True, False))
        if first <= NEAR_M and second > _TELLING * first:
            return True
        return False if second <= NEAR_M and first > _TELLING * second else None


def _point(pair: tuple[float, float], latitude_first: bool) -> tuple[float, float]:
    return pair if latitude_first else (pair[1], pair[0])


def _metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Between two (latitude, longitude), on a sphere along a great circle; any numbers are taken."""
    first, second = math.radians(one[0]), math.radians(other[0])
    half_north = math.sin((second - first) / 2)
    half_east = math.sin(math.radians(other[1] - one[1]) / 2)
    share = half_north**2 + math.cos(first) * math.cos(second) * half_east**2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(max(share, 0.0), 1.0)))
