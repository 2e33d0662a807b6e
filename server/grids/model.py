"""Grids as values: the tree, the overlay, and the place of a position in them. Pure; no geometry library needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

CATCH_ALL = "catch-all"
"""The queue of what no rule could place. It belongs to the root: accounts with root scope see it."""

EVERYWHERE = "*"
"""The scope that covers every grid."""

SPECIAL_LEVEL = "special"
"""How lists name the level of special grids."""

LevelKey = str
"""A level as the lists write it: `0`, `1`, … from the root down, or `special`."""


class Layer(StrEnum):
    """Admin grids form the tree; special grids (专属网格) overlay it."""

    ADMIN = "admin"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class GridLevel:
    """What a level of the tree is called: data, since every city has its own."""

    level: int
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Grid:
    """An area. `parent` is None for the root alone; a special grid's parent is the admin grid that holds it."""

    code: str
    name_zh: str
    name_en: str
    layer: Layer
    level: int
    parent: str | None

    @property
    def level_key(self) -> LevelKey:
        return SPECIAL_LEVEL if self.layer is Layer.SPECIAL else str(self.level)


class GridTree:
    """One version of the grids. Give it validated grids: unique codes, known parents, no cycles, one root."""

    def __init__(self, grids: Iterable[Grid], levels: Iterable[GridLevel] = (), version: int | None = None) -> None:
        self.version = version
        self.levels: tuple[GridLevel, ...] = tuple(levels)
        self._by_code: dict[str, Grid] = {grid.code: grid for grid in grids}
        self._children: dict[str, list[Grid]] = {}
        self._root: Grid | None = None
        for grid in self._by_code.values():
            if grid.parent is None:
                self._root = grid
            else:
                self._children.setdefault(grid.parent, []).append(grid)
        self._chains: dict[str, tuple[Grid, ...]] = {}

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Grid]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)

    @property
    def root(self) -> Grid | None:
        """None while no grids were imported."""
        return self._root

    def get(self, code: str) -> Grid | None:
        return self._by_code.get(code)

    def children(self, code: str) -> tuple[Grid, ...]:
        """The grids right below, of both layers."""
        return tuple(self._children.get(code, ()))

    def chain(self, code: str) -> tuple[Grid, ...]:
        """The grid and those that hold it, up to the root. Empty for an unknown code."""
        known = self._chains.get(code)
        if known is not None:
            return known
        grid = self._by_code.get(code)
        if grid is None:
            return ()
        chain = (grid, *self.chain(grid.parent)) if grid.parent is not None else (grid,)
        self._chains[code] = chain
        return chain

    def codes_upwards(self, code: str) -> tuple[str, ...]:
        """The codes of `chain`."""
        return tuple(grid.code for grid in self.chain(code))

    def path(self, code: str) -> str:
        """Codes from the root down, `410199/410199001/…`: what lies below a grid starts with its path."""
        return "/".join(reversed(self.codes_upwards(code)))

    def covers(self, scope: str, code: str) -> bool:
        """Whether `code` is the grid `scope` or lies below it."""
        return scope == EVERYWHERE or scope in self.codes_upwards(code)

    def lowest(self) -> tuple[Grid, ...]:
        """The admin grids that no admin grid divides further."""
        divided = {grid.parent for grid in self if grid.layer is Layer.ADMIN}
        return tuple(grid for grid in self if grid.layer is Layer.ADMIN and grid.code not in divided)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of an uncertainty disc: the lowest admin grid and the special grid (if any) it lies in.

    `share` is its part of the disc's area, 0 to 1.
    """

    grid: str
    special: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a position and its uncertainty disc lie in the grids.

    `grid` is the lowest admin grid that holds the point, None outside every grid; `specials` the special grids that
    hold it, smallest first. `fragments` divide the disc; None when it touches too many grids to name a neighbour.
    `nearest` and its distance are given for points outside every grid.
    """

    grid: str | None
    specials: tuple[str, ...] = ()
    fragments: tuple[Fragment, ...] | None = ()
    nearest: str | None = None
    nearest_distance_m: float | None = None
    accuracy_m: float = 0.0


NOWHERE = Placement(grid=None)
