"""One flight's findings, the register and what is remembered of earlier flights → what is told.

Pure: the same findings, context and memory give the same outcome, and the new memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import shapely
from shapely import Polygon

from contract.events import Severity, Tier
from edge.detectors.illegal_structure.context import SurveyContext
from edge.detectors.illegal_structure.finding import Change, Finding, Outline
from edge.detectors.illegal_structure.judging import Judgement, Untold, Verdict, judge
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.detectors.illegal_structure.sightings import (
    Memory,
    Structure,
    as_drawn_before,
    begun,
    is_loose,
    key_of,
    matched,
    missed,
    seen_again,
    still_there,
)

COVERED = (Untold.APPROVED, Untold.PERMITTED, Untold.CHANGED_ROOF)
COVERED_SHARE = 0.5
"""Of a known structure: what lies so far inside of a finding is a part of it by now, or gone with it."""
ON_ROAD = 0.5
"""Share of an outline on roads from which it is told by a second flight only, and by a third if it may drive: lorries
stand there."""


class Sight(StrEnum):
    """What a flight says of a structure."""

    NEW = "new"
    AGAIN = "again"
    STANDING = "standing"
    """Compared with a flight that had it already, and unchanged; or what was found there is too unlikely to count."""
    MISSED = "missed"
    """The place looks as it did before it was built; once is not enough to say that it is gone."""
    GONE = "gone"
    UNKNOWN = "unknown"
    """Not flown over, or hidden: nothing is said of it, and nothing ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Surveyed:
    """One structure after a flight."""

    structure: Structure
    sight: Sight
    judgement: Judgement
    tier: Tier
    finding: Finding | None = None
    """What this flight has found of it."""
    was_told: bool = False
    removal: Finding | None = None
    """What this flight has found to be gone, where that ended it."""

    @property
    def is_told(self) -> bool:
        return self.structure.told and self.structure.ended is None

    @property
    def is_seen(self) -> bool:
        """This flight has seen it."""
        return self.sight in (Sight.NEW, Sight.AGAIN, Sight.STANDING)

    @property
    def is_over(self) -> bool:
        """It was told before, and is no hazard any more: gone, or permitted by now."""
        return self.was_told and not self.is_told


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a flight's survey came to."""

    surveyed: tuple[Surveyed, ...]
    memory: Memory
    counts: Mapping[str, int]
    """Findings by what became of them: `told`, an `Untold`, `removed_unknown`; structures by their `Sight`."""
    removed: tuple[tuple[Finding, str | None], ...]
    """What is gone and was none of ours, with the demolition order for it if there is one."""


def survey(
    findings: Sequence[Finding], context: SurveyContext, memory: Memory, settings: IllegalStructureSettings
) -> Outcome:
    """Judges a flight. Findings may come in any order: the outcome is the same."""
    return _Survey(findings, context, memory, settings).outcome()


class _Survey:
    def __init__(
        self,
        findings: Sequence[Finding],
        context: SurveyContext,
        memory: Memory,
        settings: IllegalStructureSettings,
    ) -> None:
        self._context = context
        self._memory = memory
        self._settings = settings
        ordered = sorted(findings, key=_place)
        self._built = [finding for finding in ordered if finding.change is not Change.REMOVED]
        self._removed = [finding for finding in ordered if finding.change is Change.REMOVED]
        self._standing = [(one, one.outline(context.plane)) for one in memory.standing]
        self._roofs_tree = shapely.STRtree(context.standing)
        self._standing_tree = shapely.STRtree([outline for _, outline in self._standing])
        gone = [one for one in memory.structures if one.told and one.ended and one.ended <= context.taken_at]
        self._gone_tree = shapely.STRtree([one.outline(context.plane) for one in gone])
        self._built_tree = shapely.STRtree([finding.outline for finding in self._built])
        self._removed_tree = shapely.STRtree([finding.outline for finding in self._removed])
        self._day = context.register.day_of(context.taken_at)
        self._counts: Counter[str] = Counter()

    def outcome(self) -> Outcome:
        match = matched(self._built, self._standing, self._settings)
        surveyed = [self._again(number, index) for number, index in sorted(match.items(), key=lambda pair: pair[1])]
        found = set(match.values())
        surveyed += [self._unfound(index) for index in range(len(self._standing)) if index not in found]
        taken = {one.key for one in self._memory.structures}
        for number, finding in enumerate(self._built):
            if number in match:
                continue
            fresh = self._fresh(finding, taken)
            if fresh is not None:
                taken.add(fresh.structure.key)
                surveyed.append(fresh)
        self._counts.update(one.sight.value for one in surveyed)
        return Outcome(
            tuple(surveyed),
            self._memory.with_all(one.structure for one in surveyed),
            dict(sorted(self._counts.items())),
            tuple(self._removed_unknown()),
        )

    # ---- structures

    def _again(self, number: int, index: int) -> Surveyed:
        finding = self._built[number]
        known, _ = self._standing[index]
        if self._is_unlikely(finding):
            return self._still(known)
        structure = self._drawn(known, seen_again(known, finding, self._context, self._settings))
        return self._judged(structure, Sight.AGAIN, known, finding)

    def _drawn(self, known: Structure, seen: Structure) -> Structure:
        """As a flight has drawn it. Where nothing but a smaller outline would end what is told, it takes flights in a
        row, as if they had looked in vain: on a hazy day an extension loses the metre that no approval covers."""
        if not known.told or not self._is_covered(seen) or self._is_covered(known):
            return seen
        kept = as_drawn_before(known, seen, self._context.flight)
        return seen if kept.missed >= self._settings.gone_flights else kept

    def _is_covered(self, structure: Structure) -> bool:
        """By the register of today."""
        context = self._context
        judgement = judge(structure.as_finding(context.plane), context.register, self._day, self._settings)
        return judgement.untold in COVERED

    def _still(self, known: Structure) -> Surveyed:
        return self._judged(still_there(known, self._context.taken_at), Sight.STANDING, known, None)

    def _is_unlikely(self, finding: Finding) -> bool:
        """By itself: what nobody would be told of is no second sighting of anything."""
        return finding.confidence < self._settings.review_confidence

    def _unfound(self, index: int) -> Surveyed:
        """A structure that this flight found no change for."""
        known, outline = self._standing[index]
        context = self._context
        removal = _that_covers(outline, self._removed_tree)
        if context.taken_at > known.last_seen and removal is not None:
            return replace(self._ended(known), removal=self._removed[removal])
        if (within := self._within_another(known, outline)) is not None:
            return within
        # What a flight has not found since an older picture is not brought back by no change since a newer one.
        blind = not context.baseline.heights
        if blind or not self._examined(outline) or context.flight in known.missed_by:
            return self._judged(known, Sight.UNKNOWN, known, None)
        if self._baseline_had(known):
            return self._still(known)
        if context.taken_at <= known.last_seen or context.flight in known.flights:
            return self._judged(known, Sight.UNKNOWN, known, None)
        structure = missed(known, context.flight)
        surveyed = self._judged(structure, Sight.MISSED, known, None)
        # A vehicle that nobody was told of has driven off.
        at_once = surveyed.judgement.order is not None or (known.may_drive and not known.told)
        needed = 1 if at_once else self._settings.gone_flights
        return self._ended(structure) if structure.missed >= needed else surveyed

    def _within_another(self, known: Structure, outline: Polygon) -> Surveyed | None:
        """A structure that is a part of something larger by now; of a vehicle, of something that is none."""
        around = [self._built[number] for number in _all_that_cover(outline, self._built_tree)]
        if known.may_drive:
            around = [finding for finding in around if not is_loose(finding, self._settings)]
        if not around:
            return None
        if all(self._is_unlikely(finding) for finding in around):
            return self._still(known)
        return self._judged(seen_again(known, None, self._context, self._settings), Sight.AGAIN, known, None)

    def _ended(self, known: Structure) -> Surveyed:
        structure = replace(known, ended=self._context.taken_at)
        surveyed = self._judged(structure, Sight.GONE, known, None)
        return replace(surveyed, judgement=replace(surveyed.judgement, verdict=Verdict.REMOVED))

    def _fresh(self, finding: Finding, taken: set[str]) -> Surveyed | None:
        """A structure that nobody knew; None where it is not worth remembering."""
        context, settings = self._context, self._settings
        untold = judge(finding, context.register, self._day, settings).untold
        if self._is_unlikely(finding):
            untold = Untold.UNLIKELY
        if untold in (Untold.TOO_SMALL, Untold.UNLIKELY, Untold.APPROVED, Untold.CHANGED_ROOF):
            self._counts[untold.value] += 1
            return None
        rebuilt = _covered(finding.outline, self._gone_tree, finding.sigma_m)
        key = key_of(finding.outline, context.plane, taken)
        structure = begun(finding, key, context, settings, rebuilt=rebuilt)
        return self._judged(structure, Sight.NEW, structure, finding)

    def _judged(self, structure: Structure, sight: Sight, before: Structure, finding: Finding | None) -> Surveyed:
        """The structure with what is to be told of it by the register of today."""
        context, settings = self._context, self._settings
        known = structure.as_finding(context.plane)
        judgement = judge(known, context.register, self._day, settings, self._beside(structure, known))
        if structure.grown and judgement.verdict is Verdict.NEW:
            judgement = replace(judgement, verdict=Verdict.EXTENDED)
        if structure.rebuilt:
            judgement = replace(judgement, severity=Severity.YELLOW)
        judgement = replace(judgement, untold=self._untold(structure, judgement, before))
        if finding is not None:
            self._counts["told" if judgement.untold is None else judgement.untold.value] += 1
        # What this flight has not seen is not told anew, though its permit may have ended meanwhile.
        may_begin = sight not in (Sight.UNKNOWN, Sight.MISSED, Sight.GONE)
        told = before.told if structure.ended else judgement.untold is None and (before.told or may_begin)
        structure = replace(structure, told=told)
        return Surveyed(structure, sight, judgement, self._tier(structure, judgement), finding, before.told)

    def _untold(self, structure: Structure, judgement: Judgement, before: Structure) -> Untold | None:
        """Why it is not told. What is told stays so until it is gone or the register covers it: a smaller outline on a
        hazy day ends nothing."""
        covered = judgement.untold in COVERED
        if covered or (before.told and before.ended is None):
            return judgement.untold if covered else None
        if judgement.untold is not None:
            return judgement.untold
        if structure.confidence < self._settings.review_confidence:
            return Untold.UNLIKELY
        # What stands on a road may drive away, and what has a vehicle's measures; what is both mostly does.
        needed = 1 + (judgement.on_road >= ON_ROAD) + structure.may_drive
        return None if structure.flights_total >= needed else Untold.MAY_DRIVE

    def _tier(self, structure: Structure, judgement: Judgement) -> Tier:
        """An alarm only from the second flight on, one later of what any flight saw as a vehicle, and never of what
        cannot be told from above."""
        settings = self._settings
        sure = structure.confidence >= settings.alarm_confidence and judgement.verdict is not Verdict.HIGHER_UNKNOWN
        enough = max(structure.firm_flights, structure.flights_total - 1) >= settings.alarm_flights
        return Tier.ALARM if sure and enough else Tier.REVIEW

    # ---- what was seen

    def _beside(self, structure: Structure, known: Finding) -> list[Outline]:
        """What was built beside it before: roofs of the baseline, and structures that an earlier flight has seen."""
        reach = self._settings.touch_m + self._settings.sigmas * known.sigma_m
        near = self._standing_tree.query(known.outline, predicate="dwithin", distance=reach).tolist()
        others = [self._standing[index] for index in sorted(near)]
        earlier = [outline for one, outline in others if one.first_seen < structure.first_seen]
        roofs = self._roofs_tree.query(known.outline, predicate="dwithin", distance=reach).tolist()
        return [*(self._context.standing[index] for index in sorted(roofs)), *earlier]

    def _examined(self, outline: Polygon) -> bool:
        seen = outline.intersection(self._context.examined).area
        return bool(seen >= self._settings.examined_share * outline.area)

    def _baseline_had(self, known: Structure) -> bool:
        baseline = self._context.baseline
        if baseline.id in known.flights:
            return True
        if baseline.id in known.missed_by:
            return False
        return baseline.taken_at is not None and known.first_seen <= baseline.taken_at

    def _removed_unknown(self) -> list[tuple[Finding, str | None]]:
        found = []
        for finding in self._removed:
            near = self._standing_tree.query(finding.outline, predicate="intersects").tolist()
            if any(_covers(finding.outline, self._standing[index][1]) for index in near):
                continue
            order = judge(finding, self._context.register, self._day, self._settings).order
            self._counts["removed_unknown"] += 1
            found.append((finding, None if order is None else order.id))
        return found


def _covers(larger: Polygon, smaller: Polygon) -> bool:
    return bool(larger.intersection(smaller).area >= COVERED_SHARE * smaller.area)


def _covered(outline: Polygon, tree: shapely.STRtree, by_m: float = 0.0) -> bool:
    """Whether most of an outline lies in one of a tree's, each a little larger."""
    return _that_covers(outline, tree, by_m) is not None


def _that_covers(outline: Polygon, tree: shapely.STRtree, by_m: float = 0.0) -> int | None:
    """Which of a tree's outlines, each a little larger, most of an outline lies in; None if it lies in none."""
    return next(iter(_all_that_cover(outline, tree, by_m)), None)


def _all_that_cover(outline: Polygon, tree: shapely.STRtree, by_m: float = 0.0) -> list[int]:
    near = tree.query(outline.buffer(by_m) if by_m else outline, predicate="intersects").tolist()
    return [index for index in sorted(near) if _covers(tree.geometries[index].buffer(by_m), outline)]


def _place(finding: Finding) -> tuple[float, float, float, str]:
    middle = finding.outline.centroid
    return middle.x, middle.y, finding.outline.area, finding.change.value
