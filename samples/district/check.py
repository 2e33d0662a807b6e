"""Prove the lists by brute force: `python -m samples.district.check DIR`.

This is the routing rule written down once more, slowly and plainly, from the files alone. It shares no code with the
server's compiler on purpose, so that each can convict the other.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shapely.geometry import shape

CATCH_ALL = "catch-all"
MatterKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """What routing needs to know of a grid."""

    code: str
    layer: str
    level: int
    parent: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One grid on the way up: `outcome` is prohibited, no_unit or found."""

    grid: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Route:
    """Where a matter goes: the queue (a grid's code or catch-all), the proposed unit, and every step on the way."""

    queue: str
    unit: str | None
    co_units: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Responsibility:
    """One row of responsibilities.csv."""

    scope: str
    level: str
    unit: str
    co_units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class District:
    """The files of one folder, as dictionaries."""

    grids: dict[str, Place]
    specials_at: dict[str, tuple[str, ...]]
    special_wins: dict[MatterKey, bool]
    hazards: dict[str, MatterKey]
    responsibilities: dict[MatterKey, tuple[Responsibility, ...]]
    prohibited: dict[MatterKey, frozenset[str]]

    def lowest(self) -> tuple[str, ...]:
        """Codes of the admin grids that no admin grid divides further: every point of the district lies in one."""
        parents = {grid.parent for grid in self.grids.values() if grid.layer == "admin"}
        return tuple(grid.code for grid in self.grids.values() if grid.layer == "admin" and grid.code not in parents)

    def way_up(self, code: str) -> tuple[str, ...]:
        """The grid and everything above it, the root last."""
        chain = [code]
        while (parent := self.grids[chain[-1]].parent) is not None:
            chain.append(parent)
        return tuple(chain)

    def route(self, matter: MatterKey, lowest: str, special: str | None = None) -> Route:
        """The queue of a matter at a point that lies in a lowest grid, and perhaps in a special grid too.

        Raises:
            ValueError: two responsibilities are equally specific.
        """
        first = (special,) if special is not None and self.special_wins[matter] else ()
        steps = []
        for code in (*first, *self.way_up(lowest)):
            grid = self.grids[code]
            level = "special" if grid.layer == "special" else str(grid.level)
            if level in self.prohibited.get(matter, frozenset()):
                steps.append(Step(code, "prohibited"))
                continue
            row = self._most_specific(matter, code, level)
            if row is None:
                steps.append(Step(code, "no_unit"))
                continue
            return Route(code, row.unit, row.co_units, (*steps, Step(code, "found")))
        return Route(CATCH_ALL, None, (), tuple(steps))

    def _most_specific(self, matter: MatterKey, code: str, level: str) -> Responsibility | None:
        fitting = [row for row in self.responsibilities.get(matter, ()) if row.level == level]
        for scope in (*self.way_up(code), "*"):
            found = [row for row in fitting if row.scope == scope]
            if len(found) > 1:
                raise ValueError(f"{matter} has {len(found)} rows for scope {scope} at level {level}, expected one")
            if found:
                return found[0]
        return None


def read_district(folder: Path) -> District:
    """Read the four files.

    Raises:
        ValueError: a matter's rows disagree, or a hazard belongs to two matters.
    """
    features = json.loads((folder / "grids.geojson").read_text("utf-8"))["features"]
    grids, shapes = {}, {}
    for feature in features:
        p = feature["properties"]
        grids[p["code"]] = Place(p["code"], p["layer"], p["level"], p["parent"])
        shapes[p["code"]] = shape(feature["geometry"])
    specials = [code for code, grid in grids.items() if grid.layer == "special"]
    specials_at = {
        code: tuple(special for special in specials if shapes[code].intersection(shapes[special]).area > 0)
        for code in grids
    }
    wins: dict[MatterKey, bool] = {}
    hazards: dict[str, MatterKey] = {}
    for row in _rows(folder / "matters.csv"):
        key = _key(row)
        won = row["special_grid"] == "wins"
        if wins.setdefault(key, won) != won:
            raise ValueError(f"the rows of {key} disagree about special grids")
        for hazard in row["hazards"].split():
            if hazards.setdefault(hazard, key) != key:
                raise ValueError(f"the hazard {hazard} belongs to {hazards[hazard]} and to {key}")
    duties: defaultdict[MatterKey, list[Responsibility]] = defaultdict(list)
    for row in _rows(folder / "responsibilities.csv"):
        co_units = tuple(row["co_units"].split())
        duties[_key(row)].append(Responsibility(row["grid_scope"], row["level"], row["unit_code"], co_units))
    prohibited: defaultdict[MatterKey, set[str]] = defaultdict(set)
    for row in _rows(folder / "prohibitions.csv"):
        prohibited[_key(row)].add(row["level"])
    return District(
        grids=grids,
        specials_at=specials_at,
        special_wins=wins,
        hazards=hazards,
        responsibilities={key: tuple(rows) for key, rows in duties.items()},
        prohibited={key: frozenset(levels) for key, levels in prohibited.items()},
    )


def every_route(district: District) -> Iterator[tuple[MatterKey, str, str | None, Route]]:
    """Matter, lowest grid, special grid and route, for every combination of them that some point has."""
    for matter in district.special_wins:
        for code in district.lowest():
            for special in (None, *district.specials_at[code]):
                yield matter, code, special, district.route(matter, code, special)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _key(row: dict[str, str]) -> MatterKey:
    return (row["edition"], row["kind"], row["code"])


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 every matter has its queue everywhere, 1 there is a gap or a tie, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m samples.district.check", description="Route everything, everywhere."
    )
    parser.add_argument("folder", type=Path, help="folder with grids.geojson and the three lists")
    folder: Path = parser.parse_args(arguments).folder
    if not (folder / "grids.geojson").is_file():
        parser.error(f"{folder} holds no grids.geojson; write one with python -m samples.district --out {folder}")
    try:
        district = read_district(folder)
        routes = list(every_route(district))
    except ValueError as error:
        sys.stderr.write(f"{folder}: {error}\n")
        return 1
    gaps = [(matter, code) for matter, code, _, route in routes if route.queue == CATCH_ALL]
    for matter, code in gaps[:10]:
        sys.stderr.write(f"gap: {' '.join(matter)} has no queue at {code}\n")
    levels = Counter(_level_of(district, route.queue) for *_, route in routes if route.queue != CATCH_ALL)
    shares = ", ".join(f"level {level}: {count}" for level, count in sorted(levels.items()))
    sys.stdout.write(f"{len(district.special_wins)} matters × {len(district.lowest())} lowest grids: ")
    sys.stdout.write(f"{len(routes)} routes, {len(gaps)} gaps; queues by {shares}\n")
    return 1 if gaps else 0


def _level_of(district: District, code: str) -> str:
    grid = district.grids[code]
    return "special" if grid.layer == "special" else str(grid.level)


if __name__ == "__main__":
    sys.exit(main())
