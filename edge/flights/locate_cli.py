"""`gridsentry-edge locate`: where on the earth a pixel of a drone's picture is, and how well that is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract.datum import Datum as MapDatum
from contract.datum import from_wgs84, is_moved
from contract.geometry import Point
from edge.flights.flights_cli import FOUND_A_PROBLEM, fail, need_survey, progress_shown, settings_of, usage

if TYPE_CHECKING:
    from edge.flights.pointing import Found, Picture, Pointed

MOST_PIXELS = 1_000
_ABOVE = {"takeoff": "the takeoff point", "sea": "the sea", "ellipsoid": "the ellipsoid"}
_MAPS = {MapDatum.GCJ02: "GCJ-02 (Amap, Tencent)", MapDatum.BD09: "BD-09 (Baidu)"}

_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def locate_command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    flight: Annotated[Path, typer.Argument(help="A folder of stills, a still, or a video with its log.")],
    frame: Annotated[str, typer.Argument(help="A still's name, or a time of the video: 83.2, 1:23.2.")],
    pixels: Annotated[list[float], typer.Argument(help="x y of a pixel; of several: x y x y …", metavar="X Y...")],
    settings: Annotated[
        Path | None, typer.Option(help="What the files do not say, a YAML file as for `flight`.")
    ] = None,
    elevation: Annotated[Path | None, typer.Option(help="A GeoTIFF of the terrain.")] = None,
    takeoff_m: Annotated[float | None, typer.Option(help="Height of the takeoff point, above the same.")] = None,
    assume_nadir: Annotated[
        bool, typer.Option("--assume-nadir", help="The camera looked straight down, though the log does not say so.")
    ] = False,
    focal_px: Annotated[float | None, typer.Option(help="Focal length in pixels of these pictures.")] = None,
    datum: Annotated[
        MapDatum, typer.Option(help="Also tell where public maps of China show it: gcj02 or bd09.")
    ] = MapDatum.WGS84,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Tells where pixels of a drone's picture are on the ground, to how many metres, and what that doubt is made of."""
    need_survey()
    from edge.flights.ground import GroundError
    from edge.flights.material import FlightError
    from edge.flights.pointing import point_at

    if len(pixels) % 2 or len(pixels) > 2 * MOST_PIXELS:
        usage(f"found {len(pixels)} numbers for pixels, expected x and y of each, {MOST_PIXELS:,} pixels at most")
    given = {
        "ground": {"elevation": elevation},
        "lens": {"focal_px": focal_px},
        "takeoff_height_m": takeoff_m,
        "assume_nadir": assume_nadir or None,
    }
    stated = settings_of(settings, given)
    asked = list(zip(pixels[::2], pixels[1::2], strict=True))
    try:
        with progress_shown() as progress:
            picture = point_at(flight, frame, asked, stated, progress)
    except (FlightError, GroundError) as error:
        fail(str(error))
    if as_json:
        print(json.dumps(_document(picture, datum), indent=2, ensure_ascii=False))  # noqa: T201 - data
    else:
        _print(picture, datum)
    if any(one.found is None for one in picture.pixels):
        raise typer.Exit(FOUND_A_PROBLEM)


def _print(picture: Picture, datum: MapDatum) -> None:
    when = "" if picture.taken_at is None else f", {picture.taken_at:%Y-%m-%d %H:%M:%S %Z}".rstrip()
    at = "" if picture.media_time is None else f", {picture.media_time:.3f} s"
    _out.print(f"[bold]{escape(picture.name)}[/]{at}{when}: {picture.width} × {picture.height} pixels")
    height = "unknown" if picture.above_ground_m is None else f"{picture.above_ground_m:,.1f} m"
    _out.print(
        f"camera at {_degrees(picture.camera)}, {height} above the ground, looking down by "
        f"{picture.depression_degrees:.1f}°, {picture.positioning}"
    )
    _out.print(f"ground: {escape(picture.ground)}")
    for one in picture.pixels:
        _out.print()
        if one.found is None:
            _out.print(f"[bold]pixel {one.x:g}, {one.y:g}[/]: [yellow]{escape(one.problem)}[/]")
        else:
            _print_place(picture, one, one.found, datum)
    for reading in picture.readings:
        _err.print(f"read so: {reading.field}: {reading.taken_as} ({reading.because})", markup=False)


def _print_place(picture: Picture, one: Pointed, found: Found, datum: MapDatum) -> None:
    _out.print(f"[bold]pixel {one.x:g}, {one.y:g}[/]: {_degrees(found.point)} ± {found.accuracy_m:.2f} m (95 %)")
    _out.print(f"  {found.height_m:,.1f} m above {_ABOVE[picture.datum.value]}")
    if datum is not MapDatum.WGS84:
        longitude, latitude = _on_map(found.point, datum)
        where = "" if is_moved(longitude, latitude) else ", not moved outside of China"
        _out.print(f"  on maps in {_MAPS[datum]}{where}: {longitude:.7f}, {latitude:.7f}")
    table = Table(box=None, padding=(0, 2, 0, 2))
    table.add_column("what may be wrong")
    table.add_column("known to (1 σ)", justify="right")
    table.add_column("moves it by (95 %)", justify="right")
    for share in sorted(found.shares, key=lambda each: -each.radius_m):
        table.add_row(share.name, f"{share.sigma:.2f} {share.unit}", f"{share.radius_m:.2f} m")
    _out.print(table)


def _degrees(point: Point) -> str:
    return f"{point.longitude:.7f}, {point.latitude:.7f}"


def _on_map(point: Point, datum: MapDatum) -> tuple[float, float]:
    """Longitude and latitude. Outside of China public maps show places where they are."""
    if not is_moved(point.longitude, point.latitude):
        return point.longitude, point.latitude
    return from_wgs84(datum, point.longitude, point.latitude)


def _document(picture: Picture, datum: MapDatum) -> dict[str, Any]:
    return {
        "flight": picture.flight,
        "frame": picture.name,
        "taken_at": None if picture.taken_at is None else picture.taken_at.isoformat(),
        "media_time": picture.media_time,
        "width": picture.width,
        "height": picture.height,
        "positioning": picture.positioning.value,
        "camera": {
            "longitude": picture.camera.longitude,
            "latitude": picture.camera.latitude,
            "above_ground_m": _rounded(picture.above_ground_m),
            "depression_degrees": round(picture.depression_degrees, 2),
        },
        "ground": picture.ground,
        "pixels": [_pixel(picture, one, datum) for one in picture.pixels],
        "readings": [
            {"field": one.field, "taken_as": one.taken_as, "because": one.because} for one in picture.readings
        ],
    }


def _pixel(picture: Picture, one: Pointed, datum: MapDatum) -> dict[str, Any]:
    pixel: dict[str, Any] = {"x": one.x, "y": one.y}
    if one.found is None:
        return {**pixel, "place": None, "problem": one.problem}
    found = one.found
    pixel["place"] = {
        "longitude": found.point.longitude,
        "latitude": found.point.latitude,
        "height_m": _rounded(found.height_m),
        "height_above": picture.datum.value,
        "accuracy_m": _rounded(found.accuracy_m),
        "budget": [
            {
                "of": share.name,
                "sigma": float(f"{share.sigma:.4g}"),
                "unit": share.unit,
                "accuracy_m": _rounded(share.radius_m),
            }
            for share in found.shares
        ],
    }
    if datum is not MapDatum.WGS84:
        longitude, latitude = _on_map(found.point, datum)
        pixel["place"]["on_maps"] = {"datum": datum.value, "longitude": longitude, "latitude": latitude}
    return pixel


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
