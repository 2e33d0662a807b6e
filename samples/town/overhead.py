"""`python -m samples.town.overhead`: flights over generated towns against orthophotos, with heights and without.

Counted as `samples.town.evaluate` counts: found is a new structure of at least 10 m² that something likely overlaps by
a tenth; false is what is told, after the register, and touches nothing that was built or taken away.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import shapely
from rich.console import Console
from rich.table import Table

from edge.detectors.illegal_structure import (
    Baseline,
    Change,
    IllegalStructureDetector,
    IllegalStructureSettings,
    SurveyContext,
)
from edge.flights.differing import Differences, differences
from edge.flights.orthophotos.comparing import differences_from
from edge.flights.orthophotos.errors import OrthophotoError
from edge.flights.orthophotos.orthophoto import Orthophoto, orthophoto_at
from edge.flights.orthophotos.settings import OrthophotoSettings
from edge.flights.placed import Placed
from edge.flights.register.features import Layer
from edge.flights.register.index import Register
from edge.flights.surveying import finding_of
from samples.town.evaluate import TOUCHES, overlap, placed
from samples.town.flying import GNSS, RTK, Plan
from samples.town.orthophotos import Aerial, write_orthophoto, write_surface
from samples.town.pairs import TownPair, make_pair
from samples.town.register import register_of
from samples.town.suite import LEAST_AREA_M2, is_shown

SEEDS = (781, 782)
KINDS = ("surface", "plain", "flight")
PLAN = Plan(2000, 1500, 0.1, forward_overlap=0.65, side_overlap=0.5)


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of a town against one kind of baseline."""

    examined_km2: float
    wanted: int
    found: int
    """Before the register."""
    to_tell: int
    """Of those wanted, what nothing approves."""
    told: int
    false: int
    false_before_register: int
    """Likely, whether the register approves of it or not."""


def compared(pair: TownPair, kind: str, folder: Path, aerial: Aerial) -> tuple[Differences, Orthophoto | Placed]:
    """`kind`: one of `KINDS`: against an orthophoto with its surface model, without one, or against the flight before.

    Raises:
        OrthophotoError: the flight fits nowhere on it.
    """
    after = placed(pair.after)
    known = [entry.outline for entry in register_of(pair.truth) if entry.layer is Layer.APPROVED]
    if kind == "flight":
        before = placed(pair.before)
        return differences(before, after, known=known), before
    path, surface = folder / "city.tif", folder / "dsm.tif"
    if not path.exists():
        write_orthophoto(path, pair.truth.before, aerial)
        write_surface(surface, pair.truth.before.town, aerial)
    orthophoto = orthophoto_at(path, OrthophotoSettings(surface=surface if kind == "surface" else None))
    return differences_from(orthophoto, after, known=known), orthophoto


def counted(pair: TownPair, found: Differences, baseline: Orthophoto | Placed) -> Counted:
    """Judged by the register."""
    settings = IllegalStructureSettings()
    findings = [finding_of(each, baseline, found) for each in found.found]
    taken_at = pair.after.frames[-1].taken_at
    assert taken_at is not None, "generated flights have times"
    detector = IllegalStructureDetector(settings)
    context = SurveyContext(
        flight=pair.after.id, taken_at=taken_at, baseline=Baseline("before"), plane=pair.after.plane,
        examined=found.examined, register=Register(register_of(pair.truth)),
    )  # fmt: skip
    detector.survey(findings, context)
    surveyed = () if detector.outcome is None else detector.outcome.surveyed
    told = [one.finding.outline for one in surveyed if one.is_told and one.finding is not None]
    likely = [each for each in findings if each.confidence >= settings.review_confidence]
    new = [each.outline for each in likely if each.change is not Change.REMOVED]
    built = [shapely.Polygon(change.outline) for change in pair.truth.changes]
    wanted = [
        shapely.Polygon(change.outline)
        for change in pair.truth.changes
        if change.is_new_structure and change.area_m2 >= LEAST_AREA_M2 and is_shown(pair, change)
    ]
    open_ = [each for each in wanted if not _allowed(each, pair)]
    return Counted(
        examined_km2=found.examined.area / 1e6,
        wanted=len(wanted),
        found=sum(_touched(each, new) for each in wanted),
        to_tell=len(open_),
        told=sum(_touched(each, told) for each in open_),
        false=sum(not _touched(each, built) for each in told),
        false_before_register=sum(not _touched(each, built) for each in new),
    )


def _touched(outline: shapely.Polygon, others: Sequence[shapely.Polygon]) -> bool:
    return any(overlap(outline, each) >= TOUCHES for each in others)


def _allowed(outline: shapely.Polygon, pair: TownPair) -> bool:
    day = pair.truth.after.began_at.date()
    allowed = [
        entry.outline
        for entry in register_of(pair.truth)
        if entry.layer is Layer.APPROVED or (entry.layer is Layer.PERMIT and entry.validity(day).value == "valid")
    ]
    return bool(outline.difference(shapely.union_all(allowed).buffer(1.0)).area < 0.5 * outline.area)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, whatever the figures are."""
    arguments = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    console = Console() if sys.stdout.isatty() else Console(width=140)
    table = Table("town", "baseline", "examined km²", "found", "told", "false", "false before the register")
    for number, seed in enumerate(arguments.seeds):
        noise = (RTK, GNSS)[number % 2]
        pair = make_pair(seed, arguments.size, plan=PLAN, noise=noise, changes=arguments.changes)
        with tempfile.TemporaryDirectory() as folder:
            for kind in arguments.kinds:
                try:
                    one = counted(pair, *compared(pair, kind, Path(folder), Aerial()))
                except OrthophotoError as error:
                    console.print(f"{seed} {kind}: {error}")
                    continue
                table.add_row(
                    str(seed), kind, f"{one.examined_km2:.3f}", f"{one.found} of {one.wanted}",
                    f"{one.told} of {one.to_tell}", str(one.false), str(one.false_before_register),
                )  # fmt: skip
        pair.forget()
    console.print(table)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m samples.town.overhead", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--size", type=float, default=250.0, help="metres")
    parser.add_argument("--changes", type=int, default=12)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    return parser


if __name__ == "__main__":
    sys.exit(main())
