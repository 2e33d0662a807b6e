"""A flight's report for people, one page on a terminal; and its map as GeoJSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge.flights.footprints import footprint_of
from edge.flights.ingesting import Ingested
from edge.flights.locating import Locator
from edge.flights.reporting import FlightReport, Spread, geo_polygon

_MOST_ROWS = 12


def print_report(console: Console, report: FlightReport) -> None:
    """Figures, then what was not used, what was read how, and what somebody should look at."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(report):
        table.add_row(name, escape(value))
    console.print(table)
    if report.not_used:
        _print_rows(console, "not used", [(f"{one.count}", one.reason, one.examples[0]) for one in report.not_used])
    doubtful = [one for one in report.readings if not one.certain]
    if doubtful:
        rows = [(one.field, one.taken_as, one.because) for one in doubtful]
        _print_rows(console, "read so, but could mean something else", rows)
    if report.unread:
        rows = [(f"{one.count}", one.why, one.examples[0]) for one in report.unread]
        _print_rows(console, "records that could not be used", rows)
    for problem in report.problems:
        console.print(f"[yellow]look at this:[/] {escape(problem)}")


def _print_rows(console: Console, title: str, rows: list[tuple[str, str, str]]) -> None:
    table = Table(
        title=title, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2, 0, 2)
    )
    for row in rows[:_MOST_ROWS]:
        table.add_row(*(escape(each) for each in row))
    if len(rows) > _MOST_ROWS:
        table.add_row("…", f"and {len(rows) - _MOST_ROWS} more: see --json", "")
    console.print()
    console.print(table)


def _rows(report: FlightReport) -> list[tuple[str, str]]:
    coverage = report.coverage
    rows = [("flight", f"{report.flight}: {report.kind}, {report.dialect}{f' ({report.log})' if report.log else ''}")]
    if report.began_at is not None and report.ended_at is not None:
        rows.append(("time", f"{report.began_at:%Y-%m-%d %H:%M:%S %Z} to {report.ended_at:%H:%M:%S}"))
    rows.append(("track", f"{report.length_m:,.0f} m in {report.seconds or 0:,.0f} s"))
    rows.append(("speed", _said(report.speed_m_s, "m/s")))
    rows.append(("height", f"{_said(report.height_m, 'm')} above ground"))
    rows.append(("ground", report.ground))
    rows.append(("position", ", ".join(f"{mode} ({count})" for mode, count in report.positioning.items()) or "–"))
    for lens in report.lenses:
        focal = f"{lens.focal_px:,.0f} px ± {lens.focal_sigma:.1%}"
        rows.append(("lens", f"{lens.width} × {lens.height}, {focal}, from {lens.source} ({lens.pictures})"))
    rows.append(("pictures", f"{report.pictures_used} used of {report.pictures_found}"))
    rows.append(("covered", f"{coverage.area_m2:,.0f} m², {coverage.twice_m2:,.0f} m² of it at least twice"))
    rows.append(("gaps", f"{coverage.gaps_m2:,.0f} m² in {len(coverage.gaps)}" if coverage.gaps_m2 else "none"))
    across = f", {_said(coverage.across, '%')} across" if coverage.across else ""
    rows.append(("overlap", f"{_said(coverage.along, '%')} along{across}"))
    rows.append(("sharpness", _said(report.sharpness, "")))
    rows.append(("a pixel", _said(report.metres_per_pixel, "m")))
    rows.append(("accuracy", f"{_said(report.accuracy_m, 'm')}: 95 % radius in the middle of pictures"))
    return rows


def _said(spread: Spread | None, unit: str) -> str:
    """Median, and from the least to the most."""
    if spread is None:
        return "–"
    if unit == "%":
        return f"{spread.median:.0%} ({spread.least:.0%} to {spread.most:.0%})"
    return f"{spread.median:.3g} {unit}".strip() + f" ({spread.least:.3g} to {spread.most:.3g})"


def map_document(ingested: Ingested) -> str:
    """GeoJSON: the track, each used picture's footprint, and the gaps."""
    flight, report = ingested.flight, ingested.report
    features: list[dict[str, Any]] = []
    if len(report.track.coordinates) > 1:
        track = {"type": "LineString", "coordinates": report.track.coordinates}
        features.append(_feature("track", track, flight=report.flight))
    for frame in flight.frames:
        seen = footprint_of(Locator(frame, ingested.ground, flight.plane).outline())
        height = round(frame.pose.up_m - _below(ingested, frame.pose.east_m, frame.pose.north_m), 1)
        taken = None if frame.taken_at is None else frame.taken_at.isoformat()
        shape = geo_polygon(seen, flight.plane).model_dump(mode="json")
        features.append(_feature("footprint", shape, picture=frame.name, taken_at=taken, height_m=height))
    features += [_feature("gap", gap.model_dump(mode="json")) for gap in report.coverage.gaps]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def _below(ingested: Ingested, east_m: float, north_m: float) -> float:
    return float(ingested.ground.heights(np.array([(east_m, north_m)]))[0])


def _feature(kind: str, geometry: dict[str, Any], **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {"kind": kind, **properties}}
