"""The published lists in the form that routing asks: by hazard and day, by matter, level and scope."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from server.grids.model import EVERYWHERE, LevelKey
from server.matters.model import Matter, MatterKey, Prohibition, Responsibility


@dataclass(frozen=True, slots=True)
class Lists:
    """The three lists as they were read: rows in file order."""

    matters: tuple[Matter, ...] = ()
    responsibilities: tuple[Responsibility, ...] = ()
    prohibitions: tuple[Prohibition, ...] = ()


class CompiledLists:
    """Lists indexed for look-ups of about a microsecond. Give it checked lists (server.matters.check)."""

    def __init__(self, lists: Lists, version: int | None = None) -> None:
        self.version = version
        self.lists = lists
        self.matters: Mapping[MatterKey, Matter] = {matter.key: matter for matter in lists.matters}
        self._hazards = _by_hazard(lists.matters)
        self._responsible: dict[tuple[MatterKey, LevelKey], dict[str, Responsibility]] = {}
        for row in lists.responsibilities:
            self._responsible.setdefault((row.matter, row.level), {})[row.scope] = row
        self._prohibited = {(row.matter, row.level): row for row in lists.prohibitions}

    def matter_for(self, hazard: str, day: date) -> Matter | None:
        """The matter that a hazard is on a day; of several editions in force the newest speaks."""
        return next((matter for matter in self._hazards.get(hazard, ()) if matter.in_force(day)), None)

    def prohibition(self, matter: MatterKey, level: LevelKey) -> Prohibition | None:
        """The hard deny for a matter at a level, if there is one."""
        return self._prohibited.get((matter, level))

    def responsibility(self, matter: MatterKey, level: LevelKey, codes: Iterable[str]) -> Responsibility | None:
        """Whose a matter is at a level, in a grid given by its codes upwards: the most specific scope wins."""
        scopes = self._responsible.get((matter, level))
        if scopes is None:
            return None
        for code in codes:
            found = scopes.get(code)
            if found is not None:
                return found
        return scopes.get(EVERYWHERE)


def _by_hazard(matters: Iterable[Matter]) -> dict[str, tuple[Matter, ...]]:
    hazards: dict[str, list[Matter]] = {}
    for matter in matters:
        for hazard in matter.hazards:
            hazards.setdefault(hazard, []).append(matter)
    return {hazard: tuple(sorted(rows, key=_newest_first)) for hazard, rows in hazards.items()}


def _newest_first(matter: Matter) -> tuple[int, MatterKey]:
    return -matter.valid_from.toordinal(), matter.key
