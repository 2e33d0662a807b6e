"""`python -m samples.town.evaluate`: surveys of generated towns from pictures to what is told, against the truth.

The chain is the product's: surfaces measured, laid on each other and compared, judged by the register. Found is a new
structure of at least 10 m² that something likely overlaps by a tenth; false is what is told and neither overlaps by so
much nor mostly lies in what was built or taken away or, after a second flight, a container that was put there and
stays. Structures within
approved outlines (rooms on roofs) and with a valid permit are not to be told: they are counted by what was found before
the register.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
import shapely
from rich.console import Console
from rich.progress import track

from contract.events import Tier
from edge.detectors.illegal_structure import (
    Baseline,
    Change,
    Finding,
    IllegalStructureDetector,
    IllegalStructureSettings,
    SurveyContext,
)
from edge.detectors.illegal_structure.survey import Surveyed
from edge.detectors.interface import Image
from edge.flights.differing import Differences, Measured, between, measured
from edge.flights.flight import Flight, KeyFrame
from edge.flights.ground import LevelGround
from edge.flights.register.features import Layer
from edge.flights.register.index import Register
from edge.flights.shots import NoProgress
from edge.flights.surveying import finding_of
from edge.flights.uncertainty import PoseErrors
from samples.town.changes import Change as ChangeTruth
from samples.town.counted import Town, rows_of, table_of
from samples.town.ledger import Ledger, code_sha256
from samples.town.pairs import TownPair
from samples.town.register import register_of
from samples.town.suite import ADVISED, SEED, SPARSE, EvaluationPair, evaluation_pairs
from samples.town.things import thing_corners, things_of
from samples.town.world import ThingKind

OUT = Path("var/eval-structures.json")
LEDGER = Path("var/eval-structures.jsonl")
MIN_PICTURES = 2
TOUCHES = 0.1
"""Intersection over union: two outlines of one thing."""
WITHIN = 0.5
"""Share of an outline: a piece of a larger thing."""


@dataclass(frozen=True, slots=True, eq=False)
class Flown:
    """A generated flight as the comparison wants it (`edge.flights.placed.Placed`)."""

    flight: Flight
    ground: LevelGround
    errors: tuple[PoseErrors, ...]


def placed(flight: Flight) -> Flown:
    """Half of the stated variance is shared by all frames: a flight's bias."""
    errors = tuple(PoseErrors(0.5 * frame.pose.covariance, 0.5 * frame.pose.covariance) for frame in flight.frames)
    return Flown(flight, LevelGround(), errors)


def evaluate(town: EvaluationPair, *, again: bool) -> Town:
    """One town; `again`: with the second flight.

    Where the first one left nothing to be remembered a second one is no second sighting of anything, and is not flown.
    """
    pair, settings = town.pair, IllegalStructureSettings()
    detector = IllegalStructureDetector(settings)
    with tempfile.TemporaryDirectory(prefix="gridsentry-town-") as name:
        compared = _Compared(pair, Path(name))
        began = time.process_time()
        first = compared.with_baseline("after")
        seconds = time.process_time() - began - compared.rendering.seconds
        findings = _judged(detector, pair, first, pair.after)
        told = [one.finding.outline for one in _told(detector) if one.finding is not None]
        alarms, twice, told_again = [], [], []
        if again and detector.memory.structures:
            _judged(detector, pair, compared.with_baseline("again"), pair.again)
            open_ = [one for one in _surveyed(detector) if one.is_told]
            plane = pair.after.plane
            told_again = [one.structure.outline(plane) for one in open_]
            twice = [one.structure.outline(plane) for one in open_ if one.structure.flights_total > 1]
            alarms = [one.structure.outline(plane) for one in open_ if one.tier is Tier.ALARM]
    built = [shapely.Polygon(change.outline) for change in pair.truth.changes]
    stay = containers_that_stay(pair)
    wanted = [change for change in town.to_be_found if _covered(change, pair)]
    outlines = [shapely.Polygon(change.outline) for change in wanted]
    likely = [each for each in findings if each.confidence >= settings.review_confidence]
    new = [each.outline for each in likely if each.change is not Change.REMOVED]
    found = [max((overlap(outline, each) for each in new), default=0.0) for outline in outlines]
    to_tell = [outline for outline in outlines if not _allowed(outline, pair)]
    return Town(
        name=_name(town),
        examined_km2=first.examined.area / 1e6,
        wanted=len(wanted),
        seen=sum(value >= TOUCHES for value in found),
        to_tell=len(to_tell),
        told=_touched(to_tell, told),
        told_again=_touched(to_tell, told_again),
        containers=sum(not _is_false(one, stay) and _is_false(one, built) for one in told_again),
        overlaps=tuple(value for value in found if value >= TOUCHES),
        false=sum(_is_false(one, built) for one in told),
        false_again=sum(_is_false(one, [*built, *stay]) for one in told_again),
        false_twice=sum(_is_false(one, [*built, *stay]) for one in twice),
        false_alarms=sum(_is_false(one, [*built, *stay]) for one in alarms),
        pairs=len(pair.after.frames),
        refused=len(first.refused),
        seconds=seconds,
    )


def containers_that_stay(pair: TownPair) -> list[shapely.Polygon]:
    """Put down after the first flight and there in both others: nobody built them, and who tells them is right."""
    then, now, again = (
        {thing.key: thing for thing in things_of(flown.town, flown.state.seed) if thing.kind is ThingKind.CONTAINER}
        for flown in (pair.truth.before, pair.truth.after, pair.truth.again)
    )
    return [shapely.Polygon(thing_corners(now[key])) for key in sorted((now.keys() & again.keys()) - then.keys())]


class _Compared:
    """Flights of a pair, each measured once, with heights in a folder."""

    def __init__(self, pair: TownPair, folder: Path) -> None:
        self._pair, self._folder = pair, folder
        self._known = [entry.outline for entry in register_of(pair.truth) if entry.layer is Layer.APPROVED]
        self._before: Measured | None = None
        self.rendering = Clock()

    def with_baseline(self, name: str) -> Differences:
        """What `after` or `again` differs in from `before`."""
        flights = {"after": self._pair.after, "again": self._pair.again}
        wanted = {name: flights[name]} if self._before else {"before": self._pair.before, name: flights[name]}
        shown = {each: placed(self.rendering.flight(flight)) for each, flight in wanted.items()}
        *before, flight = measured(shown, self._pair.after.plane, self._folder, NoProgress())
        self._before = self._before or before[0]
        return between(self._before, flight, NoProgress(), self._known)


class Clock:
    """What rendering the pictures costs."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = Lock()

    def flight(self, flight: Flight) -> Flight:
        """The same, its pictures' price counted."""
        return replace(flight, frames=tuple(replace(each, read_bgr=self._reader(each)) for each in flight.frames))

    def _reader(self, frame: KeyFrame) -> Callable[[], Image]:
        def read() -> Image:
            # Two flights are read at the same time, each by a thread.
            began = time.thread_time()
            picture = frame.read_bgr()
            with self._lock:
                self.seconds += time.thread_time() - began
            return picture

        return read


def _covered(change: ChangeTruth, pair: TownPair) -> bool:
    """Whether two pictures of the baseline look at the ground that it stands on; walls may hide it."""
    survey = pair.truth.before.survey
    ground = np.column_stack((change.outline, np.zeros(len(change.outline))))
    last = pair.truth.before.plan.width - 1, pair.truth.before.plan.height - 1
    seen = (survey.true_lens.pixels(shot.true_pose.to_camera(ground)) for shot in survey.shots)
    return sum(bool(((pixels >= 0) & (pixels <= last)).all()) for pixels in seen) >= MIN_PICTURES


def _judged(detector: IllegalStructureDetector, pair: TownPair, found: Differences, flight: Flight) -> list[Finding]:
    findings = [finding_of(each, placed(pair.before), found) for each in found.found]
    last, first = (frames[-1].taken_at for frames in (flight.frames, pair.before.frames))
    assert last is not None, "generated flights have times"
    context = SurveyContext(
        flight=flight.id,
        taken_at=last,
        baseline=Baseline(pair.before.id, "flight", first),
        plane=flight.plane,
        examined=found.examined,
        register=Register(register_of(pair.truth)),
    )
    detector.survey(findings, context)
    return findings


def _surveyed(detector: IllegalStructureDetector) -> Sequence[Surveyed]:
    return () if detector.outcome is None else detector.outcome.surveyed


def _told(detector: IllegalStructureDetector) -> list[Surveyed]:
    return [one for one in _surveyed(detector) if one.is_told and one.is_seen]


def _allowed(outline: shapely.Polygon, pair: TownPair) -> bool:
    day = pair.truth.after.began_at.date()
    allowed = [
        entry.outline
        for entry in register_of(pair.truth)
        if entry.layer.value == "approved" or (entry.layer.value == "permit" and entry.validity(day).value == "valid")
    ]
    return bool(outline.difference(shapely.union_all(allowed).buffer(1.0)).area < 0.5 * outline.area)


def _is_false(outline: shapely.Polygon, built: Sequence[shapely.Polygon]) -> bool:
    return not any(
        overlap(outline, each) >= TOUCHES or outline.intersection(each).area >= WITHIN * outline.area for each in built
    )


def _touched(wanted: Sequence[shapely.Polygon], found: Sequence[shapely.Polygon]) -> int:
    return sum(max((overlap(each, one) for one in found), default=0.0) >= TOUCHES for each in wanted)


def overlap(one: shapely.Polygon, other: shapely.Polygon) -> float:
    """Intersection over union."""
    return float(one.intersection(other).area / max(one.union(other).area, 1e-9))


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: every target holds or is left open; 1: one is missed."""
    arguments = _parser().parse_args(argv)
    cv2.setNumThreads(1)
    console = Console() if sys.stdout.isatty() else Console(width=140)
    ledger = Ledger(arguments.ledger, f"{code_sha256()} {_asked(arguments)}")
    chosen = _chosen(arguments)
    known = ledger.read()
    mine = [town for number, town in enumerate(chosen) if number % arguments.parts == arguments.part]
    for town in track(mine, description="towns", console=Console(stderr=True)):
        if _name(town) not in known:
            ledger.add(evaluate(town, again=arguments.again))
            town.pair.forget()
    known = ledger.read()
    towns = [known[_name(town)] for town in chosen if _name(town) in known]
    for each in towns:
        console.print(str(each), highlight=False, soft_wrap=True)
    rows = rows_of(towns, again=arguments.again)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps([row.model_dump(mode="json") for row in rows], indent=1), encoding="utf-8")
    console.print(table_of(rows))
    if len(towns) < len(chosen):
        console.print(f"{len(towns)} of {len(chosen)} towns are measured; the others have not had their turn")
    return 1 if any(row.ok is False for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m samples.town.evaluate", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--built", type=int, default=15, help="towns in which somebody built (15: all of the set)")
    parser.add_argument("--quiet-km2", type=float, default=50.0, help="of towns in which nobody did (50)")
    parser.add_argument("--sparse", action="store_true", help="flown with half as many pictures as are advised")
    parser.add_argument("--again", action="store_true", help="with the second flight where the first found something")
    parser.add_argument("--ledger", type=Path, default=LEDGER, help="where measured towns are kept; begun runs go on")
    parser.add_argument("--part", type=int, default=0, help="which part of the towns, for several processes")
    parser.add_argument("--parts", type=int, default=1, help="of how many")
    return parser


def _name(town: EvaluationPair) -> str:
    """A town of another size is another town."""
    return f"{town.name}, {town.km2:.3g} km²"


def _asked(arguments: argparse.Namespace) -> str:
    """What a town's figures hang on besides the code."""
    return f"seed {arguments.seed} again {arguments.again} sparse {arguments.sparse}"


def _chosen(arguments: argparse.Namespace) -> list[EvaluationPair]:
    plans = SPARSE if arguments.sparse else ADVISED
    found: list[EvaluationPair] = []
    if arguments.built:
        for town in evaluation_pairs(arguments.seed, unchanged_km2=0, plans=plans):
            found.append(town)
            if len(found) == arguments.built:
                break
    if arguments.quiet_km2 > 0:
        found += evaluation_pairs(arguments.seed, structures=0, unchanged_km2=arguments.quiet_km2, plans=plans)
    return found


if __name__ == "__main__":
    sys.exit(main())
