"""`gridsentry-edge mosaic`: one picture of the ground that a flight has seen."""

from __future__ import annotations

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
)

if TYPE_CHECKING:
    from edge.flights.mosaic.manifest import MosaicManifest
    from edge.flights.mosaic.settings import MosaicSettings

_MOST_NAMED = 10

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def mosaic_command(
    flight: Annotated[Path, typer.Argument(help="A folder of stills, or a video.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder for mosaic.tif, mosaic.pmtiles, mosaic.json.")],
    gsd: Annotated[
        float | None, typer.Option(help="Metres of ground a pixel; default: the pictures', 0.05 at least.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="The flight's settings and the mosaic's, a YAML file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="A mosaic that is there may be replaced.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="mosaic.json, also on the screen.")] = False,
) -> None:
    """Lays a flight's pictures side by side: a GeoTIFF, and PMTiles for maps in browsers."""
    need_survey()
    from edge.flights.ground import GroundError
    from edge.flights.material import FlightError
    from edge.flights.mosaic.errors import MosaicError
    from edge.flights.mosaic.making import make_mosaic

    stated = settings_of(settings, gsd)
    try:
        ingested = ingested_with_progress(flight, stated.flight)
        with progress_shown() as progress:
            made = make_mosaic(ingested, out, stated, progress, overwrite=overwrite)
    except (FlightError, GroundError, MosaicError) as error:
        fail(str(error))
    if as_json:
        print(made.model_dump_json(indent=1))  # noqa: T201 - data
    else:
        print_mosaic(_out, made, out)


def settings_of(path: Path | None, gsd_m: float | None) -> MosaicSettings:
    """Of a file, with what the command line states instead. Ends the program with 2 where that is wrong."""
    from edge.flights.mosaic.settings import MosaicSettings

    document: dict[str, Any] = document_of(path) if path is not None else {}
    if gsd_m is not None:
        document["gsd_m"] = gsd_m
    try:
        return MosaicSettings.model_validate(document)
    except ValidationError as error:
        where = "" if path is None else f"{path}: "
        for one in error.errors():
            field = ".".join(map(str, one["loc"])) or "settings"
            _err.print(f"{where}{field}: {one['msg']}, found {str(one['input'])[:80]}", markup=False)
        raise typer.Exit(WRONG_USAGE) from None


def print_mosaic(console: Console, made: MosaicManifest, out: Path) -> None:
    """Some lines for people."""
    before, after = made.disagreement_m
    dark, even = made.colour_steps
    lines = [
        f"{out}: {made.flight}, {made.columns} x {made.rows} pixels of {made.gsd_m:g} m (EPSG:{made.epsg}), "
        f"{made.area_m2 / 1e4:.1f} ha from {made.pictures} pictures",
        f"{made.geotiff.path} {made.geotiff.bytes / 1e6:.1f} MB, {made.pmtiles.path} {made.pmtiles.bytes / 1e6:.1f} MB "
        f"(zoom {made.tiles.least_zoom} to {made.tiles.most_zoom})",
        f"poses disagreed by {before:.2f} m over {made.ties} pairs, now by {after:.2f} m; neighbours differed by "
        f"{dark:.0%} of brightness, now by {even:.0%}",
    ]
    lines += [f"left out: {each.frame}: {each.why}" for each in made.left_out[:_MOST_NAMED]]
    if len(made.left_out) > _MOST_NAMED:
        lines.append(f"left out: {len(made.left_out) - _MOST_NAMED} more, see mosaic.json")
    for line in lines:
        console.print(line, markup=False)
