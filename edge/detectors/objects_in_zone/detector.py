"""The detector: ask a model → things over time → rules of zones → observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from contract.details import Box, ObjectBox, ObjectsDetail
from contract.events import Model
from edge.detectors.interface import Detections, Frame, GroundPort, InferencePort, Mark, Observation, Region, Visibility
from edge.detectors.objects_in_zone.rules import Breach, Breaking, Rule, rule_of
from edge.detectors.objects_in_zone.settings import ObjectsInZoneSettings, RuleSettings, ZoneSettings
from edge.detectors.objects_in_zone.things import BoxPx, Thing, Things
from edge.detectors.registry import PictureSize
from edge.vision.zones import Zones, anchor_points

NAME = "objects_in_zone"
VERSION = "1.0"

SILENCE_SECONDS = 30.0
"""Without an answer for so long the detector does not see: an overloaded box still answers every ten seconds."""
SHOWN = 6
"""Things that an event lists and a picture marks: the contract's limit."""
MARGIN, HEADROOM = 0.1, 0.3
"""Of the picture, around the zones and above them: a thing that stands in a zone reaches out of it, mostly upward."""
MOST_CONFIDENT = 0.95
"""What a network says of itself is not more certain than that."""
LEAST_CLEAR_LOOKS = 3
"""… without a breach, until a rule is kept again."""
REPORT_SECONDS = 1.0
"""How often the box's own page is told: made beside the looks, for it is asked for from other threads."""
_SAVED_FORM = 1


@dataclass(slots=True)
class _Watched:
    """A rule of a zone, with its memory."""

    zone_index: int
    zone: ZoneSettings
    settings: RuleSettings
    rule: Rule
    key: str
    """Of its observations; those of a rule that is broken several times at once have a number behind it."""


@dataclass(slots=True)
class _Open:
    """A breach that was told and is not over. `clear_seconds` and `clear_looks`: looked at without finding it."""

    last: Observation
    clear_seconds: float = 0.0
    clear_looks: int = 0


class ObjectsInZoneDetector:
    """Watches the zones of one camera."""

    name = NAME
    version = VERSION

    def __init__(
        self,
        settings: ObjectsInZoneSettings,
        size: PictureSize,
        port: InferencePort,
        ground: GroundPort | None = None,
    ) -> None:
        """Raises ValueError: the model does not know a class that a rule names."""
        self._settings = settings
        self._port = port
        self._ground = ground
        labels = port.labels(settings.model)
        wanted = frozenset(label for zone in settings.zones for rule in zone.rules for label in rule.classes)
        if unknown := sorted(wanted - set(labels)):
            raise ValueError(f"found classes {', '.join(unknown)}, expected labels of {settings.model}")
        self._things = Things(labels, wanted, settings.alike, settings.min_score)
        self._zones = Zones([zone.polygon for zone in settings.zones])
        self._watched = [
            _Watched(index, zone, rule, rule_of(rule, settings), f"{zone.name}/{rule.kind}")
            for index, zone in enumerate(settings.zones)
            for rule in zone.rules
        ]
        self._region = _region(settings, size)
        self._next_look = 0.0
        self._answered: float | None = None
        self._began: float | None = None
        self._now = 0.0
        self._open: dict[tuple[str, str], _Open] = {}
        self._saved: Mapping[str, Any] | None = None
        """What another stream left, until the first look of this one."""
        self._report: Mapping[str, Any] = {"zones": []}
        self._report_due = 0.0

    @property
    def visibility(self) -> Visibility:
        heard = self._answered if self._answered is not None else self._began
        if self._answered is None or heard is None or self._now - heard > SILENCE_SECONDS:
            return Visibility.UNKNOWN
        return Visibility.CLEAR

    def observe(self, frame: Frame) -> Sequence[Observation]:
        """Asks at its pace, and judges the answers that have come."""
        t = self._now = frame.media_time
        if self._began is None:
            self._began = self._next_look = t
        if t >= self._next_look:
            # On a grid, so that another rate of pictures asks at the same times; after a gap it begins anew.
            self._next_look += self._settings.look_seconds
            if self._next_look <= t:
                self._next_look = t + self._settings.look_seconds
            self._port.ask(self._settings.model, frame, self._region)
        found: list[Observation] = []
        for answer in self._port.answers():
            if self._answered is None or answer.media_time > self._answered:
                found += self._look(answer)
        return found

    def report(self) -> Mapping[str, Any]:
        """What is in which zone, and for how long."""
        return self._report

    # ---- one look

    def _look(self, answer: Detections) -> list[Observation]:
        t = answer.media_time
        if self._saved is not None:
            saved, self._saved = self._saved, None
            self._restore(saved, t)
        passed = 0.0 if self._answered is None else t - self._answered
        self._answered = t
        things = self._things.look(answer)
        inside = self._inside(things)
        found: dict[tuple[str, str], Observation] = {}
        for watched in self._watched:
            here = [
                thing
                for thing, is_in in zip(things, inside[watched.zone_index], strict=True)
                if is_in and thing.label in watched.settings.classes
            ]
            for breach in watched.rule.look(t, here, things):
                observation = self._observation(watched, breach, t, answer.model)
                found[observation.hazard, observation.key] = observation
        over = self._over(found, t, min(passed, 3 * self._settings.look_seconds))
        if t >= self._report_due:
            self._report, self._report_due = self._reported(t), t + REPORT_SECONDS
        return [*found.values(), *over]

    def _inside(self, things: Sequence[Thing]) -> Sequence[Sequence[bool]]:
        """Whether each zone holds each thing."""
        boxes = np.array([thing.box for thing in things], np.float32).reshape(-1, 4)
        by_anchor = {
            anchor: self._zones.contain(anchor_points(boxes, anchor))
            for anchor in {zone.anchor for zone in self._settings.zones}
        }
        return [by_anchor[zone.anchor][index].tolist() for index, zone in enumerate(self._settings.zones)]

    def _over(self, found: Mapping[tuple[str, str], Observation], t: float, passed: float) -> Sequence[Observation]:
        """Ends what was not found in looks over `clear_seconds`; time without looks does not count."""
        for place, observation in found.items():
            self._open[place] = _Open(observation)
        over = []
        for place, state in tuple(self._open.items()):
            if place in found:
                continue
            state.clear_seconds += passed
            state.clear_looks += 1
            if state.clear_seconds >= self._settings.clear_seconds and state.clear_looks >= LEAST_CLEAR_LOOKS:
                del self._open[place]
                over.append(_ended(state.last, t))
        return over

    def _observation(self, watched: _Watched, breach: Breach, t: float, model: Model) -> Observation:
        shown = breach.things[:SHOWN]
        detail = ObjectsDetail(
            zone=watched.zone.name,
            rule=watched.settings.kind,
            count=len(breach.things),
            seconds=round(max(t - breach.since, 0.0), 1),
            limit=breach.limit,
            objects=tuple(_object(thing) for thing in shown),
            heading_degrees=breach.heading_degrees,
        )
        first = breach.things[0].box
        return Observation(
            hazard=watched.settings.hazard,
            key=f"{watched.key}:{breach.name}" if breach.name else watched.key,
            media_time=t,
            # What began before this stream was opened has no media time in it.
            started_media_time=min(max(breach.since, self._began or 0.0), t),
            severity=watched.settings.severity,
            tier=watched.settings.tier,
            confidence=round(min(breach.confidence, MOST_CONFIDENT), 3),
            detail=detail,
            marks=tuple(Mark(box=_sides(thing.box), label=f"{thing.label} {thing.seconds:.0f} s") for thing in shown),
            location=None if self._ground is None else self._ground.at((first[0] + first[2]) / 2, first[3], t),
            model=model,
            extent=float(len(breach.things)),
        )

    def _reported(self, t: float) -> Mapping[str, Any]:
        return {
            "zones": [
                {
                    "zone": watched.zone.name,
                    "rule": watched.settings.kind,
                    "hazard": watched.settings.hazard,
                    "things": [
                        {"label": thing.label, "seconds": round(thing.seconds, 1), "box": [round(x) for x in thing.box]}
                        for thing in watched.rule.present(t)[:SHOWN]
                    ],
                    "broken": any(
                        hazard == watched.settings.hazard and key.split(":")[0] == watched.key
                        for hazard, key in self._open
                    ),
                }
                for watched in self._watched
            ]
        }

    # ---- across power cuts, see `Resumable`

    def save(self) -> Mapping[str, Any]:
        """See `Resumable.save`: who stays where for how long, and what was told."""
        if self._saved is not None:
            return self._saved
        now = self._answered if self._answered is not None else self._now
        return {
            "form": _SAVED_FORM,
            "rules": [
                {"hazard": watched.settings.hazard, "key": watched.key, "memory": watched.rule.saved(now)}
                for watched in self._watched
            ],
            "open": [_told(state.last) for state in self._open.values()],
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """See `Resumable.load`. Used at the first look: before it there is no time to reckon from."""
        if saved.get("form") == _SAVED_FORM:
            self._saved = saved
            self._open = {}
            for entry in saved["open"]:
                observation = self._retold(entry)
                if observation is not None:
                    self._open[observation.hazard, observation.key] = _Open(observation)

    def is_open(self, hazard: str, key: str) -> bool:
        """See `Resumable.is_open`."""
        return (hazard, key) in self._open

    def _restore(self, saved: Mapping[str, Any], t: float) -> None:
        """A damaged memory is left out: raised over, it would be given to the next detector, and so for ever."""
        for watched in self._watched:
            with suppress(ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                for entry in saved["rules"]:
                    if (entry["hazard"], entry["key"]) == (watched.settings.hazard, watched.key):
                        watched.rule.restore(entry["memory"], t)

    def _retold(self, entry: Mapping[str, Any]) -> Observation | None:
        """An observation that was told before; None if its rule is gone."""
        hazard, key = entry["hazard"], entry["key"]
        of_rule = [
            watched
            for watched in self._watched
            if watched.settings.hazard == hazard and (key == watched.key or key.startswith(f"{watched.key}:"))
        ]
        if not of_rule:
            return None
        return Observation(
            hazard=hazard,
            key=key,
            media_time=0.0,
            started_media_time=0.0,
            severity=of_rule[0].settings.severity,
            tier=of_rule[0].settings.tier,
            confidence=float(entry["confidence"]),
            detail=ObjectsDetail.model_validate(entry["detail"]),
        )


def _told(observation: Observation) -> Mapping[str, Any]:
    return {
        "hazard": observation.hazard,
        "key": observation.key,
        "confidence": observation.confidence,
        "detail": observation.detail.as_json(),
    }


def _ended(last: Observation, t: float) -> Observation:
    """That it is over, told with what was last seen of it."""
    return Observation(
        hazard=last.hazard,
        key=last.key,
        media_time=t,
        started_media_time=min(last.started_media_time, t),
        severity=last.severity,
        tier=last.tier,
        confidence=last.confidence,
        detail=last.detail,
        active=False,
        ended_media_time=last.media_time if last.model is not None else None,
        location=last.location,
        model=last.model,
    )


def _object(thing: Breaking) -> ObjectBox:
    x, y, width, height = _sides(thing.box)
    box = Box(x=round(x, 1), y=round(y, 1), width=round(width, 1), height=round(height, 1))
    return ObjectBox(label=thing.label, box=box, seconds=round(thing.seconds, 1))


def _sides(box: BoxPx) -> tuple[float, float, float, float]:
    return box[0], box[1], max(box[2] - box[0], 0.0), max(box[3] - box[1], 0.0)


def _region(settings: ObjectsInZoneSettings, size: PictureSize) -> Region:
    """The part of the picture that shows the zones and what stands in them: the smaller, the finer a model sees it."""
    points = np.array([point for zone in settings.zones for point in zone.polygon])
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    x, y = max(int(left - MARGIN * size.width), 0), max(int(top - HEADROOM * size.height), 0)
    width = min(int(np.ceil(right + MARGIN * size.width)), size.width) - x
    height = min(int(np.ceil(bottom + MARGIN * size.height)), size.height) - y
    return Region(x, y, width, height)
