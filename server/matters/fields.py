"""Columns of the three lists and how their cells are read: each says what it expects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from contract.events import Severity
from server.grids.model import EVERYWHERE, SPECIAL_LEVEL
from server.matters.model import LimitUnit, MatterKind, SpecialGridRule

_HAZARD = re.compile(r"[a-z][a-z0-9_]{0,63}")
_MAX_TEXT = 2_000

E = TypeVar("E", bound=StrEnum)


class CellError(ValueError):
    """A cell that cannot be read; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how to read a cell (already stripped), and whether it may be empty."""

    read: Callable[[str], Any]
    may_be_empty: bool = False


def _text(limit: int = _MAX_TEXT) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if len(cell) > limit:
            raise CellError(f"at most {limit} characters (this has {len(cell)})")
        return cell

    return read


def _one_of(kind: type[E]) -> Callable[[str], E]:
    def read(cell: str) -> E:
        try:
            return kind(cell)
        except ValueError:
            raise CellError("one of " + ", ".join(kind)) from None

    return read


def _hazards(cell: str) -> tuple[str, ...]:
    slugs = tuple(cell.split())
    wrong = [slug for slug in slugs if not _HAZARD.fullmatch(slug)]
    if wrong:
        raise CellError(f"lower-case words with _ between blanks ({wrong[0]!r} is none)")
    if len(set(slugs)) < len(slugs):
        raise CellError("each hazard once")
    return slugs


def _yes_no(cell: str) -> bool:
    if cell not in {"yes", "no"}:
        raise CellError("yes or no")
    return cell == "yes"


def _day(cell: str) -> date:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        raise CellError("a day as YYYY-MM-DD") from None


def _ordinal(cell: str) -> int:
    if not cell.isascii() or not cell.isdigit() or not 1 <= int(cell[:4]) <= 99:
        raise CellError("a whole number from 1 up")
    return int(cell)


def _limit(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = 0.0
    if not 0 < value <= 10_000:
        raise CellError("a number above 0, in the row's limit_unit")
    return value


def _level(cell: str) -> str:
    if cell != SPECIAL_LEVEL and not (cell.isascii() and cell.isdigit() and len(cell) <= 2):
        raise CellError("a level's number (0 is the root) or special")
    return cell if cell == SPECIAL_LEVEL else str(int(cell))


def _scope(cell: str) -> str:
    if len(cell) > 32 or any(character.isspace() for character in cell):
        raise CellError(f"a grid's code, or {EVERYWHERE} for all")
    return cell


_CODE, _NAME = Column(_text(32)), Column(_text(256))
_KEY = {"edition": _CODE, "kind": Column(_one_of(MatterKind)), "code": _CODE}

MATTER_COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        **_KEY,
        "name_zh": _NAME,
        "name_en": _NAME,
        "big_class_zh": _NAME,
        "big_class_en": _NAME,
        "hazards": Column(_hazards, may_be_empty=True),
        "severity": Column(_one_of(Severity)),
        "condition": Column(_ordinal),
        "condition_zh": Column(_text()),
        "condition_en": Column(_text()),
        "limit": Column(_limit),
        "limit_unit": Column(_one_of(LimitUnit)),
        "closing_zh": Column(_text()),
        "closing_en": Column(_text()),
        "auto_dispatch": Column(_yes_no),
        "special_grid": Column(_one_of(SpecialGridRule)),
        "valid_from": Column(_day),
        "valid_to": Column(_day, may_be_empty=True),
    }
)
CONDITION_COLUMNS = ("condition", "condition_zh", "condition_en", "limit", "limit_unit", "closing_zh", "closing_en")
"""Those that differ between the rows of one matter."""

RESPONSIBILITY_COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        **_KEY,
        "grid_scope": Column(_scope),
        "level": Column(_level),
        "unit_code": Column(_text(64)),
        "unit_zh": _NAME,
        "unit_en": _NAME,
        "co_units": Column(lambda cell: tuple(cell.split()), may_be_empty=True),
    }
)

PROHIBITION_COLUMNS: Mapping[str, Column] = MappingProxyType(
    {**_KEY, "level": Column(_level), "reason_zh": Column(_text()), "reason_en": Column(_text())}
)
EMPTY_VALUES: Mapping[str, Any] = MappingProxyType({"hazards": (), "valid_to": None, "co_units": ()})
"""What an empty cell means where a cell may be empty."""
