"""`gridsentry-edge library`: flights of an area, by date."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge.flights.flights_cli import (
    fail,
    ingested_with_progress,
    need_survey,
    progress_shown,
    settings_of,
    usage,
)

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from edge.flights.flight_settings import FlightSettings
    from edge.flights.library.entries import Kept

FOUND_A_PROBLEM = 1
MOST_OUTLINE_BYTES = 64 * 1024 * 1024

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

library_app = typer.Typer(help="Flights of an area, by date: what a survey is compared with.", no_args_is_help=True)

LibraryOption = Annotated[Path, typer.Option("--library", "-l", help="The library's folder.")]
NameArgument = Annotated[str, typer.Argument(help="AREA@DATE, as `list` shows it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]


@library_app.command("add")
def add_command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    flight: Annotated[Path, typer.Argument(help="A folder of stills, or a video.")],
    area: Annotated[str, typer.Option(help="Of which area it is: letters, figures, - and _.")],
    library: LibraryOption,
    mosaic: Annotated[Path | None, typer.Option(help="The folder of its mosaic, which is copied.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the flight, too; else it is left where it is.")] = False,
    settings: Annotated[
        Path | None, typer.Option(help="How the flight is read, a YAML file as `flight` has it.")
    ] = None,
    taken_at: Annotated[str | None, typer.Option(help="When it ended, as 2026-11-20T11:30+08:00.")] = None,
    outline: Annotated[
        Path | None, typer.Option(help="GeoJSON of what it shows; default: its mosaic or pictures.")
    ] = None,
    elsewhere: Annotated[bool, typer.Option("--elsewhere", help="It need not overlap the area's flights.")] = False,
) -> None:
    """Adds a flight to an area. Nothing that is there is written over."""
    need_survey()
    from edge.flights.ground import GroundError
    from edge.flights.library.entries import LibraryError, checked_area
    from edge.flights.library.store import Addition, Library
    from edge.flights.material import FlightError, material_of

    stated = settings_of(settings, {})
    try:
        checked_area(area)
        material = material_of(flight)
        known = _known(flight, mosaic, stated, _moment(taken_at), None if outline is None else _outline(outline))
        addition = Addition(
            area, material, known.flight, known.taken_at, known.outline, known.gsd_m, stated, mosaic, copy, elsewhere
        )
        with progress_shown() as progress:
            kept = Library(library).add(addition, progress)
    except (LibraryError, FlightError, GroundError) as error:
        fail(str(error))
    _out.print(f"{kept.name}: {kept.entry.flight}, {len(kept.entry.files)} files", markup=False, soft_wrap=True)


@library_app.command("list")
def list_command(
    library: LibraryOption,
    area: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Shows what the library holds, the newest first."""
    need_survey()
    from edge.flights.library.entries import LibraryError, checked_area
    from edge.flights.library.store import Library

    if not library.is_dir():
        fail(f"{library}: no such folder, expected a library of baselines")
    try:
        entries, problems = Library(library).entries(None if area is None else checked_area(area))
    except LibraryError as error:
        usage(str(error))
    if as_json:
        print(json.dumps([_row(each) for each in entries], ensure_ascii=False, indent=1))  # noqa: T201 - data
    else:
        _out.print(_table(entries))
    for problem in problems:
        _err.print(problem, markup=False)
    if problems:
        raise typer.Exit(FOUND_A_PROBLEM)


@library_app.command("show")
def show_command(
    name: NameArgument,
    library: LibraryOption,
    verify: Annotated[bool, typer.Option("--verify", help="Read all files, and compare their SHA-256.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Shows one entry, and whether its files are there."""
    need_survey()
    from edge.flights.library.entries import LibraryError
    from edge.flights.library.store import Library
    from edge.flights.library.verifying import damaged

    try:
        kept = Library(library).one(name)
    except LibraryError as error:
        fail(str(error))
    if verify:
        with progress_shown() as progress:
            wrong = damaged(kept, progress)
    else:
        wrong = kept.missing()
    if as_json:
        document = {**kept.entry.model_dump(mode="json"), "name": kept.name, "wrong": list(wrong)}
        print(json.dumps(document, ensure_ascii=False, indent=1))  # noqa: T201 - data
    else:
        for key, value in _row(kept).items():
            _out.print(f"{key:10} {value}", markup=False, soft_wrap=True)
        _out.print(f"{'settings':10} {kept.entry.settings.model_dump_json(exclude_defaults=True)}", markup=False,
                   soft_wrap=True)  # fmt: skip
    for each in wrong:
        _err.print(f"{kept.name}: {each}: is gone or changed", markup=False)
    if wrong:
        raise typer.Exit(FOUND_A_PROBLEM)


@library_app.command("remove")
def remove_command(
    name: NameArgument,
    library: LibraryOption,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Takes an entry away, with what was copied for it; a flight that was left where it is stays there."""
    need_survey()
    from edge.flights.library.entries import LibraryError
    from edge.flights.library.store import Library

    held = Library(library)
    try:
        kept = held.one(name)
        what = "with its copied flight" if kept.entry.copied else f"; {kept.flight} stays"
        if not yes and not typer.confirm(f"Remove {kept.name} {what}?"):
            raise typer.Exit(FOUND_A_PROBLEM)
        held.remove(name)
    except LibraryError as error:
        fail(str(error))
    _out.print(f"removed {kept.name}", markup=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    flight: str
    taken_at: datetime
    outline: BaseGeometry
    gsd_m: float | None


def _known(
    flight: Path, mosaic: Path | None, settings: FlightSettings, taken_at: datetime | None, outline: BaseGeometry | None
) -> _Known:
    """Of a flight: from its mosaic, which is quick, else by reading it."""
    from edge.flights.library.describing import of_flight, of_mosaic
    from edge.flights.library.entries import LibraryError

    found = of_flight(ingested_with_progress(flight, settings)) if mosaic is None else of_mosaic(mosaic, flight)
    when = taken_at or found.taken_at
    if when is None:
        raise LibraryError(f"{flight}: its files do not say when it was: give --taken-at")
    return _Known(found.flight, when, outline if outline is not None else found.outline, found.gsd_m)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        usage(f"found --taken-at {text[:80]}, expected a time with its zone, as 2026-11-20T11:30+08:00")
    return found


def _outline(path: Path) -> BaseGeometry:
    from edge.flights.library.entries import outline_of

    try:
        if path.stat().st_size > MOST_OUTLINE_BYTES:
            usage(f"{path}: is too large for an outline")
        return outline_of(json.loads(path.read_bytes()))
    except OSError as error:
        usage(f"{path}: cannot be read: {error.strerror or error}")
    except (ValueError, RecursionError) as error:
        usage(f"{path}: found no outline: {error}")


def _row(kept: Kept) -> dict[str, object]:
    entry = kept.entry
    return {
        "name": kept.name,
        "flight": entry.flight,
        "taken_at": entry.taken_at.isoformat(),
        "hectares": _hectares(kept),
        "gsd_m": entry.gsd_m,
        "files": len(entry.files),
        "megabytes": round(sum(each.bytes for each in entry.files) / 1e6, 1),
        "place": str(kept.flight),
        "copied": entry.copied,
        "mosaic": None if entry.mosaic is None else str(kept.folder / "mosaic"),
        "there": not kept.missing(),
    }


def _hectares(kept: Kept) -> float:
    from pyproj import Geod

    return round(abs(Geod(ellps="WGS84").geometry_area_perimeter(kept.outline)[0]) / 1e4, 2)


def _table(entries: list[Kept]) -> Table:
    table = Table("name", "flight", "at", "ha", "m/pixel", "mosaic", "files")
    for column in table.columns[:3]:
        column.no_wrap = True
    table.columns[0].overflow = "fold"  # a name that is cut names nothing
    for each in entries:
        row = _row(each)
        table.add_row(
            each.name, each.entry.flight, each.entry.taken_at.strftime("%H:%M %z"), f"{row['hectares']}",
            "" if each.entry.gsd_m is None else f"{each.entry.gsd_m:.3g}", "yes" if each.entry.mosaic else "no",
            f"{row['files']}" if row["there"] else "[red]missing[/red]",
        )  # fmt: skip
    return table
