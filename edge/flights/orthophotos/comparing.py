"""What a flight shows that its ground's orthophoto does not."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from shapely.geometry.base import BaseGeometry

from edge.flights.anchoring import Anchor, anchored
from edge.flights.differing import (
    ANCHORED_SIGMA_M,
    REACH_M,
    Compared,
    Difference,
    DifferenceKind,
    Differences,
    not_compared,
    nothing_measured,
    put_together,
    searched,
)
from edge.flights.orthophotos.errors import OrthophotoError
from edge.flights.orthophotos.heights import SurfaceModel, looks_bare
from edge.flights.orthophotos.orthophoto import Orthophoto, checked
from edge.flights.orthophotos.rasters import Raster
from edge.flights.orthophotos.registering import laid_onto
from edge.flights.orthophotos.standing import ground_of
from edge.flights.orthophotos.views import OrthoViews
from edge.flights.orthophotos.weighing import weighed
from edge.flights.pictured import Pictured
from edge.flights.placed import Placed
from edge.flights.shelf import Shelf
from edge.flights.shots import NoProgress, Progress
from edge.flights.surfacing import Surfaced, surfaced
from edge.vision.arrays import Doubles
from edge.vision.surface.aligning import Shifts, shifts_between
from edge.vision.surface.asking import ChangeModel
from edge.vision.surface.likelihood import likelihood
from edge.vision.surface.surfaces import Grid, Surface, grid_around

_ONE_PICTURE = (0.0, 0.0)


def differences_from(
    orthophoto: Orthophoto,
    newer: Placed,
    progress: Progress | None = None,
    known: Sequence[BaseGeometry] = (),
    asked: ChangeModel | None = None,
) -> Differences:
    """As `edge.flights.differing.differences`, with an orthophoto for the older flight.

    Raises:
        OrthophotoError: the orthophoto or its surface model cannot be used, or does not show the flight's ground.
        OSError: heights cannot be written.
        edge.inference.errors.ModelError: the change model fails.
    """
    progress = progress or NoProgress()
    with (
        tempfile.TemporaryDirectory(prefix="gridsentry-survey-") as name,
        Raster(orthophoto.path, newer.flight.plane) as raster,
    ):
        after = Pictured(newer, newer.flight.plane, shelf=Shelf(Path(name), "flight"))
        if not len(after):
            return not_compared(after, after, after.unusable)
        outlines = [eye.outline(after.ground_m) for eye in after.eyes]
        gsd = checked(raster, np.concatenate(outlines))
        model = None if orthophoto.surface is None else _model(orthophoto.surface, newer, outlines)
        ground_m = after.ground_m if model is None else model.ground_m
        before = OrthoViews(raster, gsd, outlines, ground_m)
        before.read_all(progress)
        now = surfaced(after, Path(name), "flight", progress)
        if now is None:
            return not_compared(before, after, [*nothing_measured(after), *after.unusable])
        if model is None:
            laid = laid_onto(before, now, after, REACH_M, progress)
            if laid is None:
                raise _unlike(raster.name)
            shifts = laid
            then = ground_of(now, shifts, _grid(outlines), ground_m, before, Path(name), progress)
        else:
            then = _then(model, before, now, outlines, Path(name), progress)
            shifts = _laid(then, now, model)
        anchor = None if model is None else _anchor(orthophoto, then, known)
        compared = Compared(then, now, shifts, asked)
        found, examined = searched(compared, progress)
        heights = model is not None
        told = [_weighed(each) for each in found] if heights else weighed(found, before, after, shifts, progress)
        return put_together(compared, told, examined, (*after.unusable, *now.refused), anchor)


def _model(path: Path, newer: Placed, outlines: Sequence[Doubles]) -> SurfaceModel:
    places = np.concatenate(outlines)
    (west, south), (east, north) = places.min(axis=0), places.max(axis=0)
    return SurfaceModel(path, newer.flight.plane, (float(west), float(south), float(east), float(north)))


def _grid(outlines: Sequence[Doubles]) -> Grid:
    places = np.concatenate(outlines)
    return grid_around(np.concatenate((places - REACH_M, places + REACH_M)))


def _unlike(name: str) -> OrthophotoError:
    return OrthophotoError(
        f"{name}: the flight fits nowhere within {REACH_M:.0f} m of where it says it is; expected an orthophoto of the "
        "same ground, not much older: is its coordinate system right? With a surface model (--baseline-surface) "
        "heights are compared instead"
    )


def _then(
    model: SurfaceModel,
    views: OrthoViews,
    now: Surfaced,
    outlines: Sequence[Doubles],
    folder: Path,
    progress: Progress,
) -> Surfaced:
    """The older surface out of the file."""
    surface = Surface(_grid(outlines), model.ground_m, folder, "baseline")
    model.fill(surface, views, progress)
    if looks_bare(surface, now.surface):
        raise OrthophotoError(
            f"{model.name}: found hardly anything that stands on the ground where the flight shows roofs; expected a "
            "model of the surface (DSM), this looks like one of the bare ground (DTM): leave it away"
        )
    return Surfaced(views, surface, _ONE_PICTURE, (), 0)


def _laid(then: Surfaced, now: Surfaced, model: SurfaceModel) -> Shifts:
    shifts = shifts_between(then.surface, now.surface, REACH_M)
    if shifts is None:
        raise OrthophotoError(
            f"{model.name}: the heights of the flight fit nowhere within {REACH_M:.0f} m of where it says it is; "
            "expected a surface model of the same ground: is its coordinate system right?"
        )
    return shifts


def _anchor(orthophoto: Orthophoto, then: Surfaced, known: Sequence[BaseGeometry]) -> Anchor | None:
    return anchored(then.surface, known) if known and orthophoto.sigma_m > ANCHORED_SIGMA_M else None


def _weighed(difference: Difference) -> Difference:
    """One picture cannot agree with others of its day: that is no sign against what heights say."""
    rose, cues = difference.kind is DifferenceKind.ROSE, difference.cues
    cues = replace(cues, alike_before=1.0) if rose else replace(cues, alike_top=1.0)
    return replace(difference, cues=cues, confidence=likelihood(cues))
