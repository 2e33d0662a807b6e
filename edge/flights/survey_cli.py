"""`gridsentry-edge survey`: what was built since the flight before, and whether it may."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from edge.flights.flights_cli import (
    WRONG_USAGE,
    document_of,
    fail,
    ingested_with_progress,
    need_survey,
    progress_shown,
    usage,
)

if TYPE_CHECKING:
    from edge.flights.survey_settings import SurveySettings

MOST_MEMORY_BYTES = 256 * 1024 * 1024

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def survey_command(
    flight: Annotated[Path, typer.Argument(help="The new flight: a folder of stills, or a video.")],
    baseline: Annotated[Path, typer.Option(help="The flight before, to compare with.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder for findings, chips and summary.")],
    settings: Annotated[Path | None, typer.Option(help="Flights, register and judgement, a YAML file.")] = None,
    memory: Annotated[
        Path | None, typer.Option(help="structures.json of the area's last survey; default: the one in --out.")
    ] = None,
) -> None:
    """Compares a flight with the one before, and judges what was built by the register."""
    need_survey()
    from edge.flights.ground import GroundError
    from edge.flights.material import FlightError
    from edge.flights.register.errors import RegisterError
    from edge.flights.survey_telling import MEMORY, print_survey, write_survey
    from edge.flights.surveying import survey

    stated = _settings(settings)
    known = memory if memory is not None else out / MEMORY
    if memory is not None and not memory.is_file():
        usage(f"{memory}: no such file")
    base = settings.parent if settings is not None else Path()
    try:
        older = ingested_with_progress(baseline, stated.baseline or stated.flight)
        newer = ingested_with_progress(flight, stated.flight)
        with progress_shown() as progress:
            found = survey(newer, older, stated, base, _remembered(known), progress)
        write_survey(found, out)
    except (FlightError, GroundError, RegisterError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{out}: the survey cannot be written: {error.strerror or error}")
    for remark in found.remarks:
        _err.print(str(remark), markup=False)
    print_survey(_out, found)


def _settings(path: Path | None) -> SurveySettings:
    from edge.flights.survey_settings import SurveySettings

    try:
        return SurveySettings.model_validate(document_of(path) if path is not None else {})
    except ValidationError as error:
        for one in error.errors():
            field = ".".join(map(str, one["loc"])) or "settings"
            _err.print(f"{path}: {field}: {one['msg']}, found {str(one['input'])[:80]}", markup=False)
        raise typer.Exit(WRONG_USAGE) from None


def _remembered(path: Path) -> Mapping[str, Any] | None:
    """Ends the program where a memory is there and cannot be read: without it every structure would be new again."""
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > MOST_MEMORY_BYTES:
            fail(f"{path}: is too large for a memory of structures")
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        fail(
            f"{path}: found no memory of structures ({error}); put the last good one there, or remove it to begin anew"
        )
    if not isinstance(found, dict):
        fail(f"{path}: found a {type(found).__name__}, expected the structures.json of an earlier survey")
    return found
