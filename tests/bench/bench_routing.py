"""Point → grid and the routing of an alert, on the sample district and on a lattice as fine as a whole city's grids."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import shapely

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
from tests.bench.rows import Row, timed
from tests.server.small_city import hazard_event

DISTRICT = Path("samples/district/generated")
CITY_GRIDS = 54_161
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)


def measure() -> list[Row]:
    """All rows, on a database of its own."""
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


def _points(bounds: Sequence[float], accuracy_m: float, count: int = 2_000) -> list[Location]:
    west, south, east, north = bounds
    chance = random.Random(11)
    return [
        at_point(chance.uniform(west, east), chance.uniform(south, north), accuracy_m, LocationMethod.CAMERA)
        for _ in range(count)
    ]


def _place_row(name: str, index: GridIndex, locations: Sequence[Location], target: float | None = None) -> Row:
    def work() -> int:
        for location in locations:
            index.place(location)
        return len(locations)

    seconds, (low, high), count = timed(work)
    ok = None if target is None else 1 / seconds >= target
    return Row(name, 1 / seconds, "look-ups/s", target, ok, count, (1 / high, 1 / low))


def _places(context: RoutingContext) -> list[Row]:
    bounds = shapely.total_bounds(list(context.index.geometries.values()))
    rows = [
        _place_row(f"place a point of {accuracy_m:g} m accuracy, district", context.index, _points(bounds, accuracy_m))
        for accuracy_m in (1.0, 25.0, 150.0)
    ]
    bare = shapely.STRtree([context.index.geometries[grid.code] for grid in context.tree.lowest()])
    points = [shapely.Point(location.point.coordinates) for location in _points(bounds, 1.0)]

    def alone() -> int:
        for point in points:
            bare.query(point, predicate="intersects")
        return len(points)

    seconds, (low, high), count = timed(alone)
    note = "the tree alone, for comparison: no disc, no special grids"
    return [*rows, Row("STRtree query alone", 1 / seconds, "look-ups/s", None, None, count, (1 / high, 1 / low), note)]


def _routes(context: RoutingContext) -> list[Row]:
    bounds = shapely.total_bounds(list(context.index.geometries.values()))
    locations = _points(bounds, 25.0, 1_000)
    hazards = sorted({hazard for matter in context.lists.lists.matters for hazard in matter.hazards})

    def work() -> int:
        for number, location in enumerate(locations):
            context.route(hazards[number % len(hazards)], location, NOON)
        return len(locations)

    seconds, (low, high), count = timed(work)
    note = f"{len(hazards)} hazards, 25 m accuracy, with its explanation"
    return [Row("route an alert, district", seconds * 1e6, "us", None, None, count, (low * 1e6, high * 1e6), note)]


def _imports() -> list[Row]:
    def work() -> int:
        file, findings = read_grids(DISTRICT / "grids.geojson")
        assert file is not None and not findings and not check_grids(file)
        return len(file.grids)

    seconds, (low, high), count = timed(work, 3)
    return [Row("read and check a grids file", count * seconds, "s", None, None, count, (count * low, count * high))]


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
    bounds = (west, south, west + side * step, south + (side - 1) * step)
    return [
        Row(f"build the index of {CITY_GRIDS:,} grids", built, "s", n=CITY_GRIDS),
        _place_row("place a point of 25 m accuracy, city lattice", index, _points(bounds, 25.0)),
        _place_row("place a point of 50 km accuracy, city lattice", index, _points(bounds, 50_000.0, 50)),
    ]


def _intake(database: Database, context: RoutingContext) -> list[Row]:
    """Events through routing into alerts, 50 a transaction, and the page that an operator then asks for."""
    bounds = shapely.total_bounds(list(context.index.geometries.values()))
    places = [location.point.coordinates for location in _points(bounds, 25.0, 1_000)]
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
        rows.append(Row(f"take in {name}", sorted(speeds)[len(speeds) // 2], "events/s", n=len(places), note=note))

    def page() -> int:
        with database.read() as connection:
            list_alerts(connection, EVERYWHERE, queue=None, is_open=True, limit=50, before=None)
        return 1

    seconds, (low, high), _ = timed(page, 20)
    rows.append(Row("list 50 of 1,000 open alerts", seconds * 1e3, "ms", n=50, interval=(low * 1e3, high * 1e3)))
    return rows
