"""Processor time of the running box against the number of its cameras: it must be a straight line.

The real `gridsentry-edge run` (all its processes) reads real RTSP over TCP from a GStreamer server that sends what is
already encoded. Every point is a box of its own. A point counts only if the box kept up with its cameras.

    make bench ARGS=streams

The plot lands in var/bench/edge-cpu-streams.png; docs/images holds the committed one.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.clips import bench_clip
from tests.bench.rows import FOLDER, Row, publish, skipped
from tests.edge.brokers import free_port
from tests.edge.hardship.box import LiveBox, camera
from tests.edge.hardship.farm import Farm, Mount, missing, write_units
from tests.edge.hardship.slopes import Slope, slope_of

PLOT = FOLDER / "edge-cpu-streams.png"
SETTLE_SECONDS = 6.0
"""Backgrounds are learned four times as fast in their first second, and decoders warm up."""
MEASURE_SECONDS = 15.0
STRAIGHT = 0.99
"""R² of the line."""
ATTEMPTS = 3
"""At a point: something else may have had the machine just then."""
MAX_DROPPED = 0.01
MAX_LAG_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Series:
    """Streams of one kind, more and more of them."""

    name: str
    clip: str
    fps: int
    size: tuple[int, int]
    counts: Sequence[int]


SERIES = (
    Series("360p10", "small", 10, (640, 360), (1, 2, 4, 8, 12, 16)),
    Series("1080p25", "calm", 25, (1920, 1080), (1, 2, 3, 4, 6, 8)),
)


@dataclass(frozen=True, slots=True)
class Point:
    """A box with so many streams. `dropped`: share of the decoded frames that were not judged."""

    streams: int
    cpu_percent: float
    """Of one core, all processes of the box together."""
    rss_mb: float
    dropped: float
    lag_seconds: float

    @property
    def kept_up(self) -> bool:
        """Whether it judged what its cameras sent."""
        return self.dropped <= MAX_DROPPED and self.lag_seconds <= MAX_LAG_SECONDS


def measure(series: Series, units: Path, count: int, folder: Path) -> Point:
    """Runs a box with so many streams."""
    clip = bench_clip(series.clip)
    names = [f"camera-{number:02}" for number in range(1, count + 1)]
    folder.mkdir()
    with Farm(free_port(), [Mount(name, units, series.fps) for name in names]) as farm:
        settings = {
            name: camera(farm.url(name), size=series.size, detectors={"thrown_object": {"facade": dict(clip.facade)}})
            for name in names
        }
        with LiveBox(folder, settings) as box:
            box.wait_online(names, seconds=180)
            time.sleep(SETTLE_SECONDS)
            first, before, began = box.sources(), box.footprint(), time.monotonic()
            time.sleep(MEASURE_SECONDS)
            after, seconds, last = box.footprint(), time.monotonic() - began, box.sources()
    judged = sum(last[name]["frames_judged"] - first[name]["frames_judged"] for name in names)
    dropped = sum(_dropped(last[name]) - _dropped(first[name]) for name in names)
    return Point(
        count,
        100 * (after.cpu_seconds - before.cpu_seconds) / seconds,
        after.rss_bytes / 1e6,
        dropped / max(judged + dropped, 1),
        max(source["lag_seconds"] for source in last.values()),
    )


def _dropped(source: Mapping[str, Any]) -> int:
    return sum(source["frames_dropped"].values())


def points_of(series: Series, folder: Path) -> list[Point]:
    """The points until the box no longer keeps up: beyond that, CPU says nothing."""
    units = write_units(bench_clip(series.clip).path, folder / f"{series.name}.units")
    points: list[Point] = []
    for count in series.counts:
        for attempt in range(ATTEMPTS):
            point = measure(series, units, count, folder / f"{series.name}-{count}-{attempt}")
            print(f"{series.name}: {point}", file=sys.stderr, flush=True)
            if point.kept_up:
                points.append(point)
                break
        else:
            break
    return points


def rows_of(series: Series, points: Sequence[Point], fit: Slope) -> list[Row]:
    """The line, and its points."""
    name = f"streams.{series.name}"
    cores = os.cpu_count() or 1
    note = f"{series.size[0]} x {series.size[1]} at {series.fps}/s, {MEASURE_SECONDS:g} s a point, {cores} cores"
    interval = (round(fit.low, 2), round(fit.high, 2))
    most = points[-1].streams
    rows = [
        Row(f"{name}.a_stream", round(fit.per_step, 2), "% of a core", None, None, len(points), interval, note),
        Row(
            f"{name}.straightness",
            round(fit.r_squared, 4),
            "R²",
            STRAIGHT,
            fit.r_squared >= STRAIGHT,
            len(points),
            None,
            f"of CPU against 1 … {most} streams",
        ),
        Row(f"{name}.box_alone", round(fit.intercept, 2), "% of a core", None, None, len(points), None, "intercept"),
    ]
    for point in points:
        told = f"{point.rss_mb:.0f} MB resident, {100 * point.dropped:.1f} % dropped"
        rows.append(Row(f"{name}.{point.streams:02}", round(point.cpu_percent, 1), "% of a core", note=told))
    return rows


def draw(measured: Sequence[tuple[Series, Sequence[Point], Slope]]) -> None:
    """One panel a series: points, line, slope."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(measured), figsize=(5.2 * len(measured), 3.8), squeeze=False)
    for panel, (series, points, fit) in zip(panels[0], measured, strict=True):
        counts = [point.streams for point in points]
        panel.plot([0, counts[-1]], [fit.intercept, fit.intercept + fit.per_step * counts[-1]], color="#8a8f98", lw=1)
        panel.plot(counts, [point.cpu_percent for point in points], "o", color="#1f5fbf")
        panel.set_title(f"{series.size[0]} × {series.size[1]}, {series.fps} frames/s", fontsize=10)
        panel.text(
            0.04,
            0.94,
            f"{fit.per_step:.1f} % of a core a stream\nR² = {fit.r_squared:.4f}",
            transform=panel.transAxes,
            va="top",
            fontsize=9,
        )
        panel.set_xlabel("streams")
        panel.set_ylabel("% of a core, all processes")
        panel.set_xlim(0)
        panel.set_ylim(0)
        panel.grid(color="#e3e5e8")
        panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    FOLDER.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLOT, dpi=130)
    plt.close(figure)


def run() -> list[Row]:
    """Measures, draws and publishes."""
    problem = missing()
    if problem is not None:
        rows = [skipped(f"streams.{series.name}.straightness", "R²", STRAIGHT, problem) for series in SERIES]
        publish("streams", rows)
        return rows
    measured: list[tuple[Series, Sequence[Point], Slope]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for series in SERIES:
            points = points_of(series, Path(scratch))
            if len(points) < 3:
                continue  # too few for a line: said below
            fit = slope_of([point.cpu_percent for point in points], [point.streams for point in points])
            measured.append((series, points, fit))
    draw(measured)
    rows = [row for series, points, fit in measured for row in rows_of(series, points, fit)]
    for series in set(SERIES) - {series for series, _, _ in measured}:
        problem = "the machine was too busy to keep up with three numbers of streams"
        rows.append(skipped(f"streams.{series.name}.straightness", "R²", STRAIGHT, problem))
    publish("streams", rows)
    return rows


if __name__ == "__main__":
    sys.exit(any(row.ok is False for row in run()))
