"""Reads the three lists from CSV files. Says all that is wrong, as `file:line: column: found, expected`."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rapidfuzz import process

from server.findings import Finding, Grade
from server.matters.compiled import Lists
from server.matters.fields import (
    CONDITION_COLUMNS,
    EMPTY_VALUES,
    MATTER_COLUMNS,
    PROHIBITION_COLUMNS,
    RESPONSIBILITY_COLUMNS,
    CellError,
    Column,
)
from server.matters.model import (
    FilingCondition,
    Matter,
    MatterKey,
    Prohibition,
    Responsibility,
    Unit,
)

MATTERS_FILE, RESPONSIBILITIES_FILE, PROHIBITIONS_FILE = "matters.csv", "responsibilities.csv", "prohibitions.csv"
_NEAR_ENOUGH = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row that could be read: where it stands, and its values by column."""

    where: str
    values: Mapping[str, Any]

    @property
    def key(self) -> MatterKey:
        return MatterKey(self.values["edition"], self.values["kind"], self.values["code"])


@dataclass(slots=True)
class ListFiles:
    """The three lists as read, where each row stands, and what was wrong."""

    lists: Lists = field(default_factory=Lists)
    findings: list[Finding] = field(default_factory=list)
    sha256: dict[str, str] = field(default_factory=dict)
    places: dict[object, str] = field(default_factory=dict)
    """`file:line` of each matter's key, responsibility and prohibition."""


def read_lists(folder: Path) -> ListFiles:
    """Reads the three files of a folder; missing ones are findings too.

    Raises:
        OSError: a file is there and cannot be read.
    """
    files = ListFiles()
    matters = _matters(list(_rows(folder, MATTERS_FILE, MATTER_COLUMNS, files)), files)
    responsibilities = _responsibilities(_rows(folder, RESPONSIBILITIES_FILE, RESPONSIBILITY_COLUMNS, files), files)
    prohibitions = _prohibitions(_rows(folder, PROHIBITIONS_FILE, PROHIBITION_COLUMNS, files), files)
    files.lists = Lists(matters, responsibilities, prohibitions)
    return files


def _rows(folder: Path, name: str, columns: Mapping[str, Column], files: ListFiles) -> Iterator[Row]:
    path = folder / name
    if not path.is_file():
        remedy = f"the folder must hold {MATTERS_FILE}, {RESPONSIBILITIES_FILE} and {PROHIBITIONS_FILE}"
        _error(files, "missing_file", str(path), "there is no such file", remedy)
        return
    content = path.read_bytes()
    files.sha256[name] = hashlib.sha256(content).hexdigest()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = "save it as UTF-8 (spreadsheets in China often write GBK: choose «CSV UTF-8»)"
        _error(files, "not_utf8", f"{name}:{line}", f"byte {error.start} is not UTF-8", remedy)
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if not _header_fits(name, [cell.strip() for cell in header], columns, files):
            return
        names = [cell.strip() for cell in header]
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row = _row(f"{name}:{line}", names, cells, columns, files)
                if row is not None:
                    yield row
            line = reader.line_num + 1
    except csv.Error as error:
        _error(files, "not_csv", f"{name}:{reader.line_num}", f"{error}", "check the quotation marks on this line")


def _header_fits(name: str, header: list[str], columns: Mapping[str, Column], files: ListFiles) -> bool:
    missing = [column for column in columns if column not in header]
    unknown = [cell for cell in header if cell not in columns]
    for column in missing:
        near = process.extractOne(column, unknown, score_cutoff=_NEAR_ENOUGH)
        hint = f"; found {near[0]!r} instead" if near else ""
        _error(files, "missing_column", f"{name}:1", f"the column {column!r} is missing{hint}")
    for cell in unknown:
        near = process.extractOne(cell, list(columns), score_cutoff=_NEAR_ENOUGH)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        _error(files, "unknown_column", f"{name}:1", f"the column {cell!r} is unknown{hint}")
    for column in {cell for cell in header if header.count(cell) > 1}:
        _error(files, "double_column", f"{name}:1", f"the column {column!r} appears {header.count(column)} times")
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        _error(files, "separator", f"{name}:1", "the columns are not separated by commas", "save it with commas")
    return not missing and not unknown and len(set(header)) == len(header)


def _row(where: str, names: list[str], cells: list[str], columns: Mapping[str, Column], files: ListFiles) -> Row | None:
    if len(cells) != len(names):
        message = f"found {len(cells)} cells, expected {len(names)}"
        _error(files, "cell_count", where, message, "put cells with commas into quotation marks")
        return None
    values: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        stripped = cell.strip()
        column = columns[name]
        if not stripped:
            if column.may_be_empty:
                values[name] = EMPTY_VALUES[name]
            else:
                _error(files, "empty_cell", where, f"{name}: found nothing, expected a value")
            continue
        try:
            values[name] = column.read(stripped)
        except CellError as error:
            _error(files, "bad_cell", where, f"{name}: found {stripped[:80]!r}, expected {error}")
    return Row(where, values) if len(values) == len(names) else None


def _matters(rows: list[Row], files: ListFiles) -> tuple[Matter, ...]:
    """One matter for all rows with its key; they must agree in everything but the filing condition."""
    groups: dict[MatterKey, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    matters = []
    for key, group in groups.items():
        files.places[key] = group[0].where
        _check_group(key, group, files)
        values = group[0].values
        matters.append(
            Matter(
                key=key,
                name_zh=values["name_zh"],
                name_en=values["name_en"],
                big_class_zh=values["big_class_zh"],
                big_class_en=values["big_class_en"],
                hazards=values["hazards"],
                severity=values["severity"],
                conditions=tuple(sorted((_condition(row) for row in group), key=lambda condition: condition.number)),
                auto_dispatch=values["auto_dispatch"],
                special_grid=values["special_grid"],
                valid_from=values["valid_from"],
                valid_to=values["valid_to"],
            )
        )
    return tuple(matters)


def _check_group(key: MatterKey, group: list[Row], files: ListFiles) -> None:
    first = group[0]
    numbers: dict[int, str] = {}
    for row in group:
        for name in MATTER_COLUMNS:
            if name not in CONDITION_COLUMNS and row.values[name] != first.values[name]:
                message = f"{name}: found {row.values[name]!s}, but {first.where} says {first.values[name]!s} for {key}"
                _error(files, "rows_disagree", row.where, message, "rows of one matter differ in their condition only")
        number = row.values["condition"]
        other = numbers.setdefault(number, row.where)
        if other != row.where:
            _error(files, "double_condition", row.where, f"condition: {number} of {key} stands at {other} already")
    values = first.values
    if values["valid_to"] is not None and values["valid_to"] < values["valid_from"]:
        _error(
            files, "dates", first.where, f"valid_to: {values['valid_to']} is before valid_from {values['valid_from']}"
        )


def _condition(row: Row) -> FilingCondition:
    values = row.values
    return FilingCondition(
        number=values["condition"],
        text_zh=values["condition_zh"],
        text_en=values["condition_en"],
        limit=values["limit"],
        limit_unit=values["limit_unit"],
        closing_zh=values["closing_zh"],
        closing_en=values["closing_en"],
    )


def _responsibilities(rows: Iterator[Row], files: ListFiles) -> tuple[Responsibility, ...]:
    """Rows in file order. Two for one matter, scope and level are a tie: nobody could say whose the matter is."""
    seen: dict[tuple[MatterKey, str, str], tuple[str, Responsibility]] = {}
    for row in rows:
        values = row.values
        unit = Unit(values["unit_code"], values["unit_zh"], values["unit_en"])
        found = Responsibility(row.key, values["grid_scope"], values["level"], unit, values["co_units"])
        key = (found.matter, found.scope, found.level)
        where, first = seen.setdefault(key, (row.where, found))
        if where == row.where:
            files.places[found] = row.where
        elif first == found:
            files.findings.append(Finding("double_row", Grade.NOTE, row.where, f"says the same as {where}"))
        else:
            message = (
                f"unit_code: {found.unit.code} for {found.matter} in {found.scope} at level {found.level}, "
                f"but {where} says {first.unit.code}: neither is more specific"
            )
            _error(files, "tie", row.where, message, "remove one, or give one of them a narrower grid_scope")
    return tuple(responsibility for _where, responsibility in seen.values())


def _prohibitions(rows: Iterator[Row], files: ListFiles) -> tuple[Prohibition, ...]:
    seen: dict[tuple[MatterKey, str], Prohibition] = {}
    for row in rows:
        values = row.values
        found = Prohibition(row.key, values["level"], values["reason_zh"], values["reason_en"])
        first = seen.setdefault((found.matter, found.level), found)
        if first is found:
            files.places[found] = row.where
        else:
            message = f"level: {found.level} is prohibited for {found.matter} at {files.places[first]} already"
            files.findings.append(Finding("double_row", Grade.NOTE, row.where, message))
    return tuple(seen.values())


def _error(files: ListFiles, code: str, where: str, message: str, remedy: str = "") -> None:
    files.findings.append(Finding(code, Grade.ERROR, where, message, remedy))
