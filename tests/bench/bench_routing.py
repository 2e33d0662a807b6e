"""Point → grid and the routing of an alert, on the sample district and on a lattice as fine as a whole city's grids."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from contract.events import HazardEvent
from contract.geometry import Location, LocationMethod, at_point
from contract.ids import uuid7
from server.alerts.intake import take_in
from server.alerts.listing import list_alerts
from server.db import Database
from server.grids.check import check_grids
from server.grids.geojson import read_grids
from server.grids.imports import import_grids
from server.grids.index import GridIndex
from server.grids.model import EVERYWHERE, Grid, GridTree, Layer
from server.matters.imports import import_matters
from server.migrations import upgrade
from server.routing.context import RoutingContext, RoutingContextProvider
from tests.bench.rows import Row, at_least, at_most, publish
from tests.server.small_city import hazard_event

DISTRICT = Path("samples/district/generated")
CITY_GRIDS = 54_161
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)


def run() -> list[Row]:
    """All rows, on a database of its own."""
    rows = _measure()
    publish("routing", rows)
    return rows


def _measure() -> list[Row]:
    folder = Path(tempfile.mkdtemp(prefix="gs-bench-"))
    database = Database(f"sqlite:///{folder}/server.db")
    try:
        upgrade(database)
        import_grids(database, DISTRICT / "grids.geojson", force=False, actor="bench")
        import_matters(database, DISTRICT, force=False, actor="bench")
        context = RoutingContextProvider(database).current()
        return [*_places(context), *_routes(context), *_imports(), *_city(), *_intake(database, context)]
    finally:
        database.close()
        shutil.rmtree(folder)


def _points(area: BaseGeometry, accuracy_m: float, count: int = 2_000) -> list[Location]:
    """Positions spread evenly over an area."""
    west, south, east, north = area.bounds
    shapely.prepare(area)
    chance = random.Random(11)
    points: list[Location] = []
    while len(points) < count:
        position = chance.uniform(west, east), chance.uniform(south, north)
        if shapely.contains_xy(area, *position):
            points.append(at_point(*position, accuracy_m, LocationMethod.CAMERA))
    return points


def _district(context: RoutingContext) -> BaseGeometry:
    assert context.tree.root is not None
    return context.index.geometries[context.tree.root.code]


def _rounds(work: Callable[[], int], rounds: int = 5) -> list[float]:
    """Seconds for one thing in each round; `work` does some number of things and returns it."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        count = work()
        seconds.append((time.perf_counter() - started) / count)
    return seconds


def _place_row(name: str, index: GridIndex, locations: Sequence[Location]) -> Row:
    def work() -> int:
        for location in locations:
            index.place(location)
        return len(locations)

    return at_least(name, [1 / seconds for seconds in _rounds(work)], "look-ups/s", None, f"{len(locations)} a round")


def _places(context: RoutingContext) -> list[Row]:
    district = _district(context)
    rows = [
        _place_row(
            f"place a point of {accuracy_m:g} m accuracy, district", context.index, _points(district, accuracy_m)
        )
        for accuracy_m in (1.0, 25.0, 150.0)
    ]
    bare = shapely.STRtree([context.index.geometries[grid.code] for grid in context.tree.lowest()])
    points = [shapely.Point(location.point.coordinates) for location in _points(district, 1.0)]

    def alone() -> int:
        for point in points:
            bare.query(point, predicate="intersects")
        return len(points)

    note = "the tree alone, for comparison: no disc, no special grids"
    return [*rows, at_least("STRtree query alone", [1 / each for each in _rounds(alone)], "look-ups/s", None, note)]


def _routes(context: RoutingContext) -> list[Row]:
    district = _district(context)
    locations = _points(district, 25.0, 1_000)
    hazards = sorted({hazard for matter in context.lists.lists.matters for hazard in matter.hazards})

    def work() -> int:
        for number, location in enumerate(locations):
            context.route(hazards[number % len(hazards)], location, NOON)
        return len(locations)

    note = f"{len(hazards)} hazards, 25 m accuracy, with its explanation"
    return [at_most("route an alert, district", [each * 1e6 for each in _rounds(work)], "us", None, note)]


def _imports() -> list[Row]:
    def work() -> int:
        file, findings = read_grids(DISTRICT / "grids.geojson")
        assert file is not None and not findings and not check_grids(file)
        return 1

    return [at_most("read and check the district's grids file", _rounds(work, 3), "s", None, "390 grids")]


def _city() -> list[Row]:
    """A lattice of 54,161 squares of 400 m: as many as the city has micro-grids."""
    side = 233
    grids = [Grid("root", "市", "city", Layer.ADMIN, 0, None)]
    grids += [Grid(f"g{number:05}", "格", "cell", Layer.ADMIN, 1, "root") for number in range(CITY_GRIDS)]
    west, south, step = 112.7, 34.2, 0.004
    cells = {
        grid.code: shapely.box(x, y, x + step, y + step)
        for number, grid in enumerate(grids[1:])
        for x, y in [(west + number % side * step, south + number // side * step)]
    }
    cells["root"] = shapely.box(west, south, west + side * step, south + side * step)
    tree = GridTree(grids)
    started = time.perf_counter()
    index = GridIndex(tree, cells)
    built = time.perf_counter() - started
    whole = shapely.box(west, south, west + side * step, south + (side - 1) * step)
    return [
        at_most(f"build the index of {CITY_GRIDS:,} grids", [built], "s", None),
        _place_row("place a point of 25 m accuracy, city lattice", index, _points(whole, 25.0)),
        _place_row("place a point of 50 km accuracy, city lattice", index, _points(whole, 50_000.0, 50)),
    ]


def _intake(database: Database, context: RoutingContext) -> list[Row]:
    """Events through routing into alerts, 50 a transaction, and the page that an operator then asks for."""
    district = _district(context)
    places = [location.point.coordinates for location in _points(district, 25.0, 1_000)]
    episodes = [uuid7(NOON) for _ in places]

    def events(revision: int) -> list[HazardEvent]:
        phase = "opened" if revision == 1 else "updated"
        return [
            hazard_event(source=f"s{n}", episode=episodes[n], revision=revision, phase=phase, at=at, seconds=revision)
            for n, at in enumerate(places)
        ]

    rows = []
    for name, revisions in (("new alerts", (1,)), ("updates of open alerts", (2, 3, 4))):
        speeds = []
        for revision in revisions:
            batch = events(revision)
            started = time.perf_counter()
            for place in range(0, len(batch), 50):
                with database.write() as connection:
                    for event in batch[place : place + 50]:
                        take_in(connection, context, event, NOON + timedelta(seconds=revision))
            speeds.append(len(batch) / (time.perf_counter() - started))
        note = "SQLite, synchronous=FULL, with places, history, audit and live feed"
        rows.append(at_least(f"take in {name}", speeds, "events/s", None, note))

    def page() -> int:
        with database.read() as connection:
            list_alerts(connection, EVERYWHERE, queue=None, is_open=True, limit=50, before=None)
        return 1

    rows.append(at_most("list 50 of 1,000 open alerts", [each * 1e3 for each in _rounds(page, 20)], "ms", None))
    return rows
