"""The detector: place → see → judge over time → observations with their proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from contract.details import Box, SignalDetail
from contract.evidence import EvidenceKind
from edge.detectors.interface import Exhibit, Frame, Mark, Observation, Visibility
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal import NAME, VERSION
from edge.detectors.traffic_signal.eye import Eye
from edge.detectors.traffic_signal.findings import Fault, Finding
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.placer import Placer
from edge.detectors.traffic_signal.proof import (
    LEAD_SECONDS,
    Chip,
    Instant,
    What,
    clock_of,
    contact_sheet,
    label_of,
    timeline,
    written,
)
from edge.detectors.traffic_signal.readings import Placement, Registration, SceneReading
from edge.detectors.traffic_signal.report import Reporter
from edge.detectors.traffic_signal.saved import list_of, mapping_of, unless_damaged
from edge.detectors.traffic_signal.settings import Colour, HeadSettings, TrafficSignalSettings
from edge.detectors.traffic_signal.stills import Stills

SEEN_SHARE = 0.5
"""Of the heads must be seen, for the detector to say that it sees."""
MOST_MARKS = 24
"""Boxes drawn for one fault: a junction's power failure needs no forty-eight labels."""
_WORDS: Mapping[Fault, str] = {
    Fault.DARK: "dark",
    Fault.LAMP: "lamp failed",
    Fault.STUCK: "stuck",
    Fault.FLASHING: "flashing",
    Fault.CONFLICT: "conflict",
    Fault.SEQUENCE: "sequence",
    Fault.COUNTDOWN: "countdown",
}


class TrafficSignalDetector:
    """Watches the heads of one junction in one camera's pictures."""

    name = NAME
    version = VERSION

    def __init__(self, settings: TrafficSignalSettings, size: PictureSize) -> None:
        self._settings = settings
        self._size = size
        self._zone = ZoneInfo(settings.timezone)
        self._placer = Placer(settings, size)
        self._eye = Eye(settings, size)
        self._machine = TimeMachine(settings)
        self._stills = Stills()
        self._reporter = Reporter(settings)
        self._placement = Placement(registration=Registration.UNKNOWN)
        self._visibility = Visibility.UNKNOWN
        self._active: set[tuple[Fault, str]] = set()
        """Faults whose proof was shown, until they are over."""

    @property
    def visibility(self) -> Visibility:
        """INVALID while the camera looks elsewhere, UNKNOWN while most heads cannot be seen."""
        return self._visibility

    @property
    def placement(self) -> Placement:
        """Where the settings' pixels lay in the latest picture."""
        return self._placement

    def observe(self, frame: Frame) -> Sequence[Observation]:
        """What the picture adds.

        Raises:
            ValueError: it has another size than the detector was built for.
        """
        if (frame.width, frame.height) != (self._size.width, self._size.height):
            raise ValueError(
                f"{frame.source_id}: found a frame of {frame.width} x {frame.height}, "
                f"expected {self._size.width} x {self._size.height}"
            )
        self._placement = self._placer.place(frame)
        scene = self._eye.look(frame, self._placement)
        self._visibility = _visibility(scene, self._placement)
        findings = self._machine.observe(scene)
        now = Instant(frame.media_time, frame.wall_time)
        observations = [self._observation(finding, scene, now) for finding in findings]
        self._stills.keep(scene, self._eye.still)
        self._eye.release()
        self._reporter.saw(scene, self._placement, self._visibility, self._machine, self._placer)
        return observations

    def report(self) -> Mapping[str, Any]:
        """What it sees at the moment, as JSON types: see `report.Reporter.snapshot`. From any thread."""
        return self._reporter.snapshot()

    # ---- what outlives the stream

    def save(self) -> Mapping[str, Any]:
        """What was learned, and which faults are open, as JSON types."""
        return {
            "placer": self._placer.save(),
            "eye": self._eye.save(),
            "machine": self._machine.save(),
            "active": sorted([fault.value, key] for fault, key in self._active),
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up what an earlier detector saved."""
        saved = mapping_of(saved)
        for name, part in (("placer", self._placer), ("eye", self._eye), ("machine", self._machine)):
            part.load(mapping_of(saved.get(name)))
        for place in list_of(saved.get("active")):
            with unless_damaged():
                fault, key = place
                if self._machine.is_open(fault, key):
                    self._active.add((Fault(fault), key))

    def is_open(self, hazard: str, key: str) -> bool:
        """Whether the fault is open as far as the time machine knows."""
        return self._machine.is_open(hazard, key)

    # ---- observations

    def _observation(self, finding: Finding, scene: SceneReading, now: Instant) -> Observation:
        concerned = heads_concerned(finding.detail, self._settings)
        # In the timeline's order: what is third on a sheet is the third row there.
        shown = [head for head in self._settings.heads if head in concerned]
        place = finding.fault, finding.key
        exhibits: tuple[Exhibit, ...] = ()
        if finding.active and place not in self._active:
            self._active.add(place)
            exhibits = tuple(self._opening(finding, shown, scene, now))
        elif not finding.active and place in self._active:
            self._active.discard(place)
            exhibits = tuple(self._closing(finding, shown, scene, now))
        return Observation(
            hazard=finding.fault.value,
            key=finding.key,
            media_time=finding.media_time,
            started_media_time=finding.started_media_time,
            severity=finding.severity,
            tier=finding.tier,
            confidence=finding.confidence,
            detail=finding.detail.model_copy(update={"box": self._box(concerned)}),
            active=finding.active,
            marks=tuple(self._marks(finding, concerned)) if finding.active else (),
            exhibits=exhibits,
            ended_media_time=finding.repaired_media_time,
        )

    def _opening(self, finding: Finding, heads: Sequence[str], scene: SceneReading, now: Instant) -> Iterator[Exhibit]:
        began = finding.started_media_time
        yield self._timeline(finding, heads, now, (("began", began), ("certain", finding.media_time)))
        lamp = _failed_lamp(finding.detail, self._settings)
        stills = [(head, self._stills.before(head, began, lamp)) for head in heads]
        chips = [
            Chip(written(head, heads), still.picture, clock_of(still.wall_time, self._zone))
            for head, still in stills
            if still
        ]
        sheet = contact_sheet(chips)
        if sheet is not None:
            taken = max(still.wall_time for _, still in stills if still)
            yield Exhibit(EvidenceKind.BEFORE, sheet, taken, label_of(heads))
        yield from self._sheet_of_now(heads, scene)

    def _closing(self, finding: Finding, heads: Sequence[str], scene: SceneReading, now: Instant) -> Iterator[Exhibit]:
        moments: list[tuple[What, float]] = [("began", finding.started_media_time), ("over", finding.media_time)]
        if finding.repaired_media_time is not None:
            moments.insert(1, ("repaired", finding.repaired_media_time))
        yield self._timeline(finding, heads, now, moments)
        yield from self._sheet_of_now(heads, scene)

    def _timeline(
        self, finding: Finding, heads: Sequence[str], now: Instant, moments: Sequence[tuple[What, float]]
    ) -> Exhibit:
        between = finding.started_media_time - LEAD_SECONDS, finding.media_time
        rate = finding.detail.samples_per_second
        made = timeline(self._settings, self._machine.head_spans, heads, between, now, rate, moments)
        return Exhibit(EvidenceKind.TIMELINE, made, made.zero_at)

    def _sheet_of_now(self, heads: Sequence[str], scene: SceneReading) -> Iterator[Exhibit]:
        chips = []
        for head in heads:
            picture = self._eye.still(head)
            if picture is not None:
                unseen = scene.heads[head].unseen
                at = clock_of(scene.wall_time, self._zone)
                chips.append(Chip(written(head, heads), picture, at if unseen is None else f"{at} {unseen.value}"))
        sheet = contact_sheet(chips)
        if sheet is not None:
            yield Exhibit(EvidenceKind.AFTER, sheet, scene.wall_time, label_of(heads))

    def _marks(self, finding: Finding, heads: Sequence[str]) -> Iterator[Mark]:
        for head in heads[:MOST_MARKS]:
            yield Mark(box=self._placed(self._settings.heads[head]), label=f"{head} {_WORDS[finding.fault]}")

    def _box(self, heads: Sequence[str]) -> Box | None:
        """Around all of them, as they lie in the picture."""
        if not heads:
            return None
        boxes = [self._placed(self._settings.heads[head]) for head in heads]
        left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
        return Box(x=round(left, 1), y=round(top, 1), width=round(right - left, 1), height=round(bottom - top, 1))

    def _placed(self, head: HeadSettings) -> tuple[float, float, float, float]:
        points = [self._placement.at(*point) for point in head.polygon]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def heads_concerned(detail: SignalDetail, settings: TrafficSignalSettings) -> Sequence[str]:
    """All heads that a fault is about: an event lists no more of them than it has room for."""
    listed = [head for head in detail.heads if head in settings.heads]
    if len(detail.heads) >= detail.heads_total:
        return listed
    if detail.scope == "approach":
        more = [head for head, values in settings.heads.items() if values.approach == detail.approach]
    elif detail.scope == "groups":
        more = [head for head, values in settings.heads.items() if values.group in detail.groups]
    else:
        more = list(settings.heads)
    return [*listed, *(head for head in more if head not in listed)]


def _failed_lamp(detail: SignalDetail, settings: TrafficSignalSettings) -> int | None:
    """The index, in the first head, of the lamp that a fault names."""
    if detail.lamp is None or detail.heads[0] not in settings.heads:
        return None
    faces = [(lamp.colour, lamp.shape.value) for lamp in settings.heads[detail.heads[0]].lamps]
    named = Colour(detail.lamp.colour), detail.lamp.shape
    return faces.index(named) if named in faces else None


def _visibility(scene: SceneReading, placement: Placement) -> Visibility:
    if scene.moved or placement.registration is Registration.MOVED:
        return Visibility.INVALID
    seen = sum(head.seen for head in scene.heads.values())
    return Visibility.CLEAR if seen >= SEEN_SHARE * len(scene.heads) else Visibility.UNKNOWN
