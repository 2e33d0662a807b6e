"""`gridsentry-edge survey`: what was built since the flight before, and whether it may."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from edge.flights.flights_cli import fail, ingested_with_progress, need_survey, progress_shown, usage

if TYPE_CHECKING:
    from edge.config.document import EdgeConfig
    from edge.flights.survey_settings import SurveySettings
    from edge.flights.surveying import Survey
    from edge.flights.surveys.area import TakenIn

MOST_MEMORY_BYTES = 256 * 1024 * 1024
NEEDED = "expected FLIGHT, --baseline and --out, or --config with an area"

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The command line."""

    flight: Path | None
    baseline: str | None
    library: Path | None
    out: Path | None
    settings: Path | None
    memory: Path | None
    config: Path | None
    area: str | None
    surface: Path | None


def survey_command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    flight: Annotated[
        Path | None, typer.Argument(help="The new flight: a folder of stills, or a video. With --watch: the folder.")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="The flight before, or AREA@DATE of --library, or an orthophoto (GeoTIFF). Default: the orthophoto "
            "that the settings name; with --config: the newest flight of the area, and for its first flight that one."
        ),
    ] = None,
    baseline_surface: Annotated[
        Path | None, typer.Option(help="Of an orthophoto: the heights of ground and roofs on that day, a GeoTIFF.")
    ] = None,
    library: Annotated[Path | None, typer.Option(help="A library of baselines, see `gridsentry-edge library`.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A folder for findings, chips and summary.")] = None,
    settings: Annotated[Path | None, typer.Option(help="Flights, register and judgement, a YAML file.")] = None,
    memory: Annotated[
        Path | None, typer.Option(help="structures.json of the area's last survey; default: the one in --out.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The box's configuration: what is found is sent as events.")
    ] = None,
    area: Annotated[str | None, typer.Option(help="Which of the configuration's areas; default: the only one.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Survey flights as they appear in a folder.")] = False,
) -> None:
    """Compares a flight with what was before, and judges what was built by the register."""
    need_survey()
    asked = _Asked(flight, baseline, library, out, settings, memory, config, area, baseline_surface)
    if config is None:
        if watch or area is not None:
            usage("--watch and --area need --config: the configuration names areas, and where events go")
        if flight is None or out is None:
            usage(NEEDED)
        _to_files(flight, out, asked)
        return
    if memory is not None:
        usage("found --memory with --config: what is known of an area is kept in the box's outbox")
    if watch:
        _watched(config, asked)
    elif flight is None:
        usage("expected FLIGHT, or --watch")
    else:
        _to_server(config, flight, asked)


def _to_files(flight: Path, out: Path, asked: _Asked) -> None:
    """What is found stays in a folder."""
    from edge.flights.ground import GroundError
    from edge.flights.material import FlightError
    from edge.flights.orthophotos.orthophoto import is_orthophoto, orthophoto_at
    from edge.flights.register.errors import RegisterError
    from edge.flights.survey_telling import GIVEN, MEMORY, write_survey
    from edge.flights.surveying import survey
    from edge.flights.surveys.contents import flight_sha256, given_sha256
    from edge.inference.errors import ModelError

    stated = _settings(asked.settings)
    if asked.baseline is None and stated.orthophoto.path is not None:
        asked = replace(asked, baseline=str(stated.orthophoto.path))
    baseline, stated = _baseline(asked, stated)
    if baseline is None:
        usage(NEEDED)
    known = asked.memory if asked.memory is not None else out / MEMORY
    if asked.memory is not None and not asked.memory.is_file():
        usage(f"{asked.memory}: no such file")
    base = asked.settings.parent if asked.settings is not None else Path()
    remembered = _remembered(known)
    try:
        given = {
            "flight": flight_sha256(flight),
            "baseline": flight_sha256(baseline),
            "settings": given_sha256(stated, base),
        }
        if known == out / MEMORY and remembered is not None and remembered.get(GIVEN) == given:
            _out.print(
                f"{out}: these flights were compared with these settings; nothing to do", markup=False, soft_wrap=True
            )
            return
        older = (
            orthophoto_at(baseline, stated.orthophoto)
            if is_orthophoto(baseline)
            else ingested_with_progress(baseline, stated.baseline or stated.flight)
        )
        newer = ingested_with_progress(flight, stated.flight)
        with progress_shown() as progress:
            found = survey(newer, older, stated, base, remembered, progress)
        write_survey(found, out, given)
    except (FlightError, GroundError, RegisterError, ModelError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{out}: the survey cannot be written: {error.strerror or error}")
    _print(found)


def _to_server(config: Path, flight: Path, asked: _Asked) -> None:
    """What is found becomes events of an area."""
    from edge import logs
    from edge.config.document import load_config
    from edge.flights.ground import GroundError
    from edge.flights.material import FlightError
    from edge.flights.register.errors import RegisterError
    from edge.flights.surveys.box import opened
    from edge.flights.surveys.records import RecordsError
    from edge.flights.surveys.settings import SettingsError
    from edge.inference.errors import ModelError

    loaded = load_config(config)
    area_id = _area_of(loaded, config, asked.area)
    logs.configure(as_json=False, level=logs.LogLevel.WARNING, process="survey")
    with opened(loaded) as box:
        try:
            area = box.area(area_id, asked.out)
            said = box.said(area_id, asked.settings)
            baseline, settings = _baseline(asked, said.settings)
            with progress_shown() as progress:
                taken = area.take(flight, replace(said, settings=settings), baseline=baseline, progress=progress)
        except SettingsError as error:
            usage(str(error))
        except (FlightError, GroundError, RegisterError, RecordsError, ModelError) as error:
            fail(str(error))
        except sqlite3.Error as error:
            fail(f"{box.outbox.path}: cannot be written: {error}; what was not committed is surveyed again next time")
        for found in taken.surveys:
            _print(found)
        _out.print(_words(taken, area_id), markup=False, soft_wrap=True)
        _out.print(box.send(), markup=False, soft_wrap=True)


def _baseline(asked: _Asked, settings: SurveySettings) -> tuple[Path | None, SurveySettings]:
    """Where it lies, and the settings with how it is to be read, where command line or library say so."""
    if asked.baseline is None or asked.library is None:
        baseline = None if asked.baseline is None else Path(asked.baseline)
        return baseline, _with_surface(settings, baseline, asked.surface)
    from edge.flights.library.entries import LibraryError
    from edge.flights.library.resolving import resolve

    try:
        kept = resolve(asked.library, asked.baseline, settings.taken_at)
    except LibraryError as error:
        fail(str(error))
    known = settings.model_copy(update={"baseline": settings.baseline or kept.entry.settings})
    return kept.flight, _with_surface(known, kept.flight, asked.surface)


def _with_surface(settings: SurveySettings, baseline: Path | None, surface: Path | None) -> SurveySettings:
    """With the surface model that the command line names, and without what settings say of another orthophoto."""
    from edge.flights.orthophotos.orthophoto import is_orthophoto, said_of

    if baseline is None or not is_orthophoto(baseline):
        if surface is not None:
            found = "without --baseline" if baseline is None else f"with --baseline {baseline}"
            usage(f"found --baseline-surface {found}: expected an orthophoto there, a GeoTIFF")
        return settings
    said = said_of(baseline, settings.orthophoto)
    if surface is not None:
        said = said.model_copy(update={"surface": surface})
    return settings.model_copy(update={"orthophoto": said})


def _words(taken: TakenIn, area_id: str) -> str:
    from edge.flights.surveys.area import Outcome

    said = {
        Outcome.SURVEYED: f"{taken.events} events",
        Outcome.BASELINE: f"the first flight of area {area_id} over its ground: the next one is compared with it",
        Outcome.FINISHED: "was surveyed before, with these settings; nothing to do",
    }
    return f"{taken.flight}: {said[taken.outcome]}"


def _watched(config: Path, asked: _Asked) -> None:
    from edge import logs
    from edge.config.document import load_config
    from edge.flights.surveys.box import opened, watch
    from edge.flights.surveys.settings import SettingsError
    from edge.flights.surveys.watching import Watch

    if asked.baseline is not None or asked.surface is not None:
        usage(
            "found --baseline with --watch: each flight is compared with the one before, the first one with the "
            "orthophoto that the area's settings name"
        )
    loaded = load_config(config)
    chosen = [_area_of(loaded, config, asked.area)] if asked.area or asked.flight else list(loaded.areas)
    folders = {name: asked.flight or loaded.areas[name].flights for name in chosen}
    watched = {name: folder for name, folder in folders.items() if folder is not None}
    if not watched:
        usage(f"{config}: found no area with a folder of flights, expected areas.ID.flights, or a folder given here")
    for name, folder in watched.items():
        if not folder.is_dir():
            usage(f"{folder}: no such folder, expected the one in which flights of area {name} appear")
    logs.configure(as_json=False, process="survey")
    with opened(loaded) as box:
        watches = []
        for name, folder in watched.items():
            said = partial(box.said, name, asked.settings)
            try:
                if said().settings.taken_at is not None:
                    usage("found taken_at in the settings of a watched area: it would be every flight's")
            except SettingsError as error:
                usage(str(error))
            out = None if asked.out is None else asked.out / name
            watches.append(Watch(box.area(name, out), folder, said, box.outbox))
        watch(box, watches)


def _area_of(loaded: EdgeConfig, config: Path, area: str | None) -> str:
    known = ", ".join(loaded.areas) or "none: it names no areas"
    if area is None and len(loaded.areas) == 1:
        return next(iter(loaded.areas))
    if area is None:
        usage(f"{config}: expected --area, one of {known}")
    if area not in loaded.areas:
        usage(f"{config}: found no area {area!r}, expected one of {known}")
    return area


def _print(found: Survey) -> None:
    from edge.flights.survey_telling import print_survey

    for remark in found.remarks:
        _err.print(str(remark), markup=False)
    print_survey(_out, found)


def _settings(path: Path | None) -> SurveySettings:
    from edge.flights.surveys.settings import SettingsError, read_settings

    try:
        return read_settings(path)
    except SettingsError as error:
        usage(str(error))


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
