"""What routing needs, in memory: grids, index and compiled lists of the versions in force."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from sqlalchemy import Connection

import server.grids.service as grid_service
import server.matters.service as matter_service
from contract.geometry import Location
from server.db import Database
from server.grids.index import GridIndex
from server.grids.model import CATCH_ALL, EVERYWHERE, GridTree
from server.matters.compiled import CompiledLists, Lists
from server.matters.model import Matter
from server.routing.model import Route
from server.routing.route import route

CIVIL_TIME = timezone(timedelta(hours=8))
"""Lists are valid by the day of the city. All of China keeps UTC+8, without summer time since 1992."""

CATCH_ALL_NAMES = ("兜底队列", "Catch-all")


@dataclass(frozen=True, slots=True)
class RoutingContext:
    """One grid version and one list version, ready to route. Immutable."""

    tree: GridTree
    index: GridIndex
    lists: CompiledLists

    def matter_for(self, hazard: str, at: datetime) -> Matter | None:
        """The matter that a hazard is at a time."""
        return self.lists.matter_for(hazard, civil_day(at))

    def route(self, hazard: str, location: Location, at: datetime) -> Route:
        """The queue of a hazard at a place and time."""
        return route(hazard, self.matter_for(hazard, at), self.index.place(location), self.lists, self.tree)

    def scopes_seeing(self, queue: str) -> tuple[str, ...]:
        """The scopes that see a queue: its grid, those above it, and `*`."""
        if queue == CATCH_ALL:
            return (EVERYWHERE,)
        return (*(self.tree.codes_upwards(queue) or (queue,)), EVERYWHERE)

    def queue_names(self, queue: str) -> tuple[str, str]:
        """The queue's Chinese and English name."""
        if queue == CATCH_ALL:
            return CATCH_ALL_NAMES
        grid = self.tree.get(queue)
        return (queue, queue) if grid is None else (grid.name_zh, grid.name_en)


def civil_day(at: datetime) -> date:
    """The day in the city at an aware time."""
    return at.astimezone(CIVIL_TIME).date()


def empty_context() -> RoutingContext:
    """Before the first import: everything goes to the catch-all queue."""
    tree = GridTree(())
    return RoutingContext(tree, GridIndex(tree, {}), CompiledLists(Lists()))


class RoutingContextProvider:
    """Keeps the context of the versions in force; asks the database which they are, by two look-ups in small tables.

    Versions published by another process, or that come into force by their date, are noticed at the next call.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._versions: tuple[int | None, int | None] = (None, None)
        self._context = empty_context()

    def current(self, connection: Connection | None = None) -> RoutingContext:
        """The context as `connection`'s transaction sees it; without one, in a read of its own."""
        if connection is None:
            with self._database.read() as own:
                return self.current(own)
        versions = (
            grid_service.version_in_force(connection, datetime.now(UTC)),
            matter_service.version_in_force(connection),
        )
        with self._lock:
            if versions != self._versions:
                self._context = self._load(connection, *versions)
                self._versions = versions
            return self._context

    def _load(self, connection: Connection, grid_version: int | None, list_version: int | None) -> RoutingContext:
        tree, index = self._context.tree, self._context.index
        if grid_version is None:
            tree = GridTree(())
            index = GridIndex(tree, {})
        elif grid_version != self._versions[0]:
            tree, geometries = grid_service.load_version(connection, grid_version)
            index = GridIndex(tree, geometries)
        lists = self._context.lists
        if list_version is None:
            lists = CompiledLists(Lists())
        elif list_version != self._versions[1]:
            lists = CompiledLists(matter_service.load_version(connection, list_version), list_version)
        return RoutingContext(tree, index, lists)
