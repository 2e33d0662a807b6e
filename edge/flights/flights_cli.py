"""`gridsentry-edge flight`: looks at a survey flight before anything is compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

if TYPE_CHECKING:
    from edge.flights.flight_settings import FlightSettings
    from edge.flights.ingesting import Ingested
    from edge.flights.shots import Progress

FOUND_A_PROBLEM = 1
WRONG_USAGE = 2
MOST_SETTINGS_BYTES = 1024 * 1024

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def flight_command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    path: Annotated[Path, typer.Argument(help="A folder of stills, or a video; its log lies beside it, or inside.")],
    elevation: Annotated[Path | None, typer.Option(help="A GeoTIFF of the terrain.")] = None,
    datum: Annotated[str | None, typer.Option(help="What these heights are above: sea, ellipsoid, takeoff.")] = None,
    ground_m: Annotated[float | None, typer.Option(help="Level ground at this height above the sea.")] = None,
    takeoff_m: Annotated[float | None, typer.Option(help="Height of the takeoff point, above the same.")] = None,
    assume_nadir: Annotated[
        bool, typer.Option("--assume-nadir", help="The camera looked straight down, though the log does not say so.")
    ] = False,
    camera: Annotated[str | None, typer.Option(help="Its model as EXIF names it, for videos: FC6310R.")] = None,
    focal_px: Annotated[float | None, typer.Option(help="Focal length in pixels of these pictures.")] = None,
    near: Annotated[str | None, typer.Option(help="Where it was, within 100 km: longitude,latitude.")] = None,
    zone: Annotated[str | None, typer.Option(help="Of the drone's clock, as Asia/Shanghai.")] = None,
    part: Annotated[int | None, typer.Option(help="Which flight of a folder with several, from 1.")] = None,
    settings: Annotated[Path | None, typer.Option(help="All of these and more, a YAML file.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="A folder for flight.json, flight.png and flight.geojson; made if missing.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON document.")] = False,
) -> None:
    """Looks at a survey flight: where it went, what it covers, how well it is placed, what cannot be used and why."""
    need_survey()
    from edge.flights.ground import GroundError
    from edge.flights.material import FlightError

    given = {
        "ground": {"elevation": elevation, "datum": datum, "height_m": ground_m},
        "lens": {"model": camera, "focal_px": focal_px},
        "takeoff_height_m": takeoff_m,
        "assume_nadir": assume_nadir or None,
        "near": _point(near),
        "zone": zone,
        "part": part,
    }
    try:
        ingested = ingested_with_progress(path, settings_of(settings, given))
    except (FlightError, GroundError) as error:
        fail(str(error))
    if report is not None:
        _write(report, ingested)
    if as_json:
        print(ingested.report.as_json())  # noqa: T201 - data
    else:
        from edge.flights.telling import print_report

        print_report(_out, ingested.report)
    if not ingested.report.usable:
        raise typer.Exit(FOUND_A_PROBLEM)


def settings_of(path: Path | None, given: dict[str, Any]) -> FlightSettings:
    """Of a file, with what the command line states instead. Ends the program with 2 where that is wrong."""
    document = document_of(path) if path is not None else {}
    for name, value in given.items():
        if isinstance(value, dict) and name in {"ground", "lens"}:
            stated = {key: each for key, each in value.items() if each is not None}
            of_file = document.get(name) or {}
            if stated and isinstance(of_file, dict):  # else it is refused with the rest
                document[name] = {**of_file, **stated}
        elif value is not None:
            document[name] = value
    from edge.flights.flight_settings import FlightSettings

    try:
        return FlightSettings.model_validate(document)
    except ValidationError as error:
        where = "" if path is None else f"{path}: "
        for one in error.errors():
            field = ".".join(map(str, one["loc"])) or "settings"
            _err.print(f"{where}{field}: {one['msg']}, found {str(one['input'])[:80]}", markup=False)
        raise typer.Exit(WRONG_USAGE) from None


def need_survey() -> None:
    """Boxes beside cameras are installed without what survey flights need."""
    missing = [name for name in ("exifread", "pyogrio", "pyproj", "rasterio", "shapely") if find_spec(name) is None]
    if missing:
        usage(f"{', '.join(missing)} not installed: survey flights need `pip install gridsentry[edge,survey]`")


def document_of(path: Path) -> dict[str, Any]:
    """A settings file as it stands. Ends the program with 2 where it cannot be read."""
    try:
        if path.stat().st_size > MOST_SETTINGS_BYTES:
            usage(f"{path}: is too large for settings")
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        usage(f"{path}: cannot be read as YAML: {error}")
    if not isinstance(found or {}, dict):
        usage(f"{path}: found a {type(found).__name__}, expected settings such as `assume_nadir: true`")
    return {str(key): value for key, value in (found or {}).items()}


def _point(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        usage(f"found --near {text}, expected longitude,latitude as 113.62,34.75")
    return {"type": "Point", "coordinates": (longitude, latitude)}


def ingested_with_progress(path: Path, settings: FlightSettings) -> Ingested:
    """A flight, with a bar for whoever waits."""
    from edge.flights.ingesting import ingest

    with progress_shown() as progress:
        return ingest(path, settings, progress)


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """A bar for whoever waits."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # transient: the report that follows says it better; on a file or pipe rich draws nothing.
    with RichProgress(*columns, console=_err, transient=True) as display:
        task = display.add_task("", total=None)

        class Shown:
            def begins(self, what: str, total: int) -> None:
                display.reset(task, description=f"{what:8}", total=total)

            def advances(self) -> None:
                display.advance(task)

        yield Shown()


def _write(folder: Path, ingested: Ingested) -> None:
    import cv2

    from edge.flights.mapping import draw_flight
    from edge.flights.telling import map_document

    done, picture = cv2.imencode(".png", draw_flight(ingested), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert done
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "flight.json").write_text(ingested.report.as_json() + "\n", encoding="utf-8")
        (folder / "flight.geojson").write_text(map_document(ingested) + "\n", encoding="utf-8")
        (folder / "flight.png").write_bytes(picture.tobytes())
    except OSError as error:
        fail(f"{folder}: the report cannot be written: {error.strerror or error}")


def usage(message: str) -> NoReturn:
    """Ends the program: wrong usage."""
    _err.print(message.encode("utf-8", "backslashreplace").decode(), markup=False)
    raise typer.Exit(WRONG_USAGE)


def fail(message: str) -> NoReturn:
    """Ends the program: a problem was found."""
    _err.print(f"error: {message}", markup=False)
    raise typer.Exit(FOUND_A_PROBLEM)
