"""The register around one flight, asked by place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo

import shapely
from shapely.geometry.base import BaseGeometry

from edge.flights.register.dates import day_of
from edge.flights.register.features import Entry, Layer


class Register:
    """Entries in metres of one plane. Immutable.

    `known` are the layers that anybody gave: of the others nothing can be said.
    """

    def __init__(self, entries: Iterable[Entry], known: Iterable[Layer] | None = None, zone: tzinfo = UTC) -> None:
        self._entries = tuple(entries)
        self._tree = shapely.STRtree([entry.outline for entry in self._entries])
        self.known = frozenset(Layer if known is None else known)
        self.worst_sigma_m = max((entry.sigma_m for entry in self._entries), default=0.0)
        self._zone = zone

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> Sequence[Entry]:
        """In the order of the files."""
        return self._entries

    def near(self, outline: BaseGeometry, within_m: float = 0.0, layer: Layer | None = None) -> Sequence[Entry]:
        """Entries no farther than so many metres from an outline, in the order of the files."""
        if within_m > 0:
            found = self._tree.query(outline, predicate="dwithin", distance=within_m)
        else:
            found = self._tree.query(outline, predicate="intersects")
        entries = (self._entries[index] for index in sorted(found.tolist()))
        return tuple(entry for entry in entries if layer in (None, entry.layer))

    def day_of(self, moment: datetime) -> date:
        """What day it is in the register's time zone at an aware moment."""
        return day_of(moment, self._zone)
