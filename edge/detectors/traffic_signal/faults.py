"""Faults that are open: from the picture that made them certain to the normal cycles that end them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from contract.details import Box, SignalDetail, SignalLamp, listed_heads
from edge.detectors.traffic_signal.cycles import Change, CycleCount
from edge.detectors.traffic_signal.durations import DARK
from edge.detectors.traffic_signal.findings import Fault, Finding
from edge.detectors.traffic_signal.heads import Head
from edge.detectors.traffic_signal.junction import Found, Junction
from edge.detectors.traffic_signal.saved import number_in, unless_damaged
from edge.detectors.traffic_signal.settings import Colour, TrafficSignalSettings

SAY_SECONDS = 1.0
"""How often an open fault is repeated."""
SAY_OVER_SECONDS = 30.0
"""How long it is said that one is over: the pipeline may not listen at the moment."""
AMBER_INTERVAL_SECONDS = 1.2
"""With pictures farther apart a cycle may be normal without amber having been seen."""
FLASH_SECONDS = 60.0
"""Night flash for so long is as good as normal cycles: there are none until the morning."""
LONGEST_STEADY_SECONDS = 180.0
"""The longest red that is not stuck: what was lit for longer before it changed was no normal operation."""
OLDEST_SECONDS = 10 * 366 * 86400.0
"""A fault older than a camera was saved damaged, and would have begun at no time that a calendar knows."""
_MAX_GROUPS = 8
_FOUND = TypeAdapter(Found)


@dataclass(slots=True)
class OpenFault:
    """A fault from its opening on."""

    found: Found
    counts: dict[str, CycleCount] = field(default_factory=dict)
    said: float = -1e9
    over: float | None = None
    """When it was over, for the repetitions."""
    repaired: float | None = None
    lit_since: float | None = None


class Faults:
    """Opens, repeats and ends faults; what judges may ask of them."""

    def __init__(self, settings: TrafficSignalSettings) -> None:
        self._settings = settings
        self._open: dict[tuple[Fault, str], OpenFault] = {}
        self._over: dict[tuple[Fault, str], OpenFault] = {}
        self._by_head: dict[str, set[Fault]] = {}

    def is_open(self, fault: Fault, key: str) -> bool:
        return (fault, key) in self._open

    def is_told(self, fault: Fault, key: str) -> bool:
        """Whether it is open, or its end is still being said."""
        return (fault, key) in self._open or (fault, key) in self._over

    def concerning(self, head: str, faults: Collection[Fault]) -> bool:
        return not self._by_head.get(head, set()).isdisjoint(faults)

    def any_concerning(self, head: str) -> bool:
        """Whether any fault of the head is open."""
        return bool(self._by_head.get(head))

    def join(self, fault: Fault, key: str, head: Head) -> None:
        known = self._open[fault, key]
        known.found = replace(known.found, heads=(*known.found.heads, head.id))
        known.counts[head.id] = CycleCount()
        self._index()

    def abnormal(self, fault: Fault, key: str, head: str | None = None, until: float | None = None) -> None:
        known = self._open.get((fault, key))
        if known is not None:
            for counted, count in known.counts.items():
                if head in (None, counted):
                    count.abnormal(until)
            known.lit_since = None

    def open(self, found: Found) -> None:
        """Opens a fault; one of a wider scope replaces those it holds."""
        for place, known in tuple(self._open.items()):
            narrower = place[0] is found.fault and found.scope in ("approach", "junction")
            if narrower and (found.scope == "junction" or set(known.found.heads) <= set(found.heads)):
                found = replace(found, started=min(found.started, known.found.started))
                self._end(place, None)
            elif (found.fault, place[0]) == (Fault.LAMP, Fault.DARK) and known.found.heads == found.heads:
                self._end(place, None)  # it was dark for as long as that colour lasts
        self._over.pop((found.fault, found.key), None)
        counts = {head: CycleCount() for head in found.heads}
        self._open[found.fault, found.key] = OpenFault(found, counts)
        self._index()

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        """Counts normal cycles of the heads that faults concern."""
        if head.id not in self._by_head:
            return
        for (fault, _), known in self._open.items():
            count = known.counts.get(head.id)
            if count is not None:
                count.show(change.after, self._required(junction, head, fault, known.found), seen=change.seen)

    def seen_again(self, junction: Junction, head: Head) -> None:
        """A head is seen for the first time after it was not: its run counts as the beginning of a label."""
        run = head.runs.current
        if run is None or head.id not in self._by_head:
            return
        for (fault, _), known in self._open.items():
            count = known.counts.get(head.id)
            if count is not None:
                count.show(run, self._required(junction, head, fault, known.found), seen=False)

    def end_repaired(self, junction: Junction) -> None:
        """Ends what has been normal for long enough."""
        for place, known in tuple(self._open.items()):
            repaired = self._repaired(junction, known)
            if repaired is not None:
                self._end(place, repaired, junction.now)
        for place, known in tuple(self._over.items()):
            if known.over is not None and junction.now - known.over > SAY_OVER_SECONDS:
                del self._over[place]

    def say(self, junction: Junction) -> Iterator[Finding]:
        """What is to be said with this picture."""
        for (fault, key), known in (*self._open.items(), *self._over.items()):
            if junction.now - known.said < SAY_SECONDS - 1e-6:
                continue
            known.said = junction.now
            if (fault, key) in self._over and known.over is None:
                known.over = junction.now
            found = known.found
            yield Finding(
                fault,
                key,
                junction.now,
                found.started,
                found.severity,
                found.tier,
                found.confidence,
                self._detail(junction, known),
                active=(fault, key) in self._open,
                repaired_media_time=known.repaired,
            )

    def save(self, now: float) -> list[dict[str, Any]]:
        """Open faults as JSON types, with ages instead of times."""
        saved = []
        for known in self._open.values():
            parts = asdict(known.found)
            parts["age"] = round(now - parts.pop("started"), 2)
            saved.append(parts)
        return saved

    def load(self, saved: Sequence[Any], junction: Junction) -> None:
        """Takes up open faults whose heads are still there; they began before 0: see `shift`. What is damaged is left.

        Of an approach or a junction that lost heads the others go on; what concerned one head, or two groups, does not.
        """
        for parts in saved:
            with unless_damaged():
                found = self._restored(parts)
                known = OpenFault(found, {head: CycleCount() for head in found.heads})
                self._detail(junction, known)  # who cannot say it must not have it
                self._open[found.fault, found.key] = known
        self._index()

    def shift(self, seconds: float) -> None:
        """What was loaded began so much later than it says."""
        for known in self._open.values():
            known.found = replace(known.found, started=known.found.started + seconds)

    def _restored(self, parts: Mapping[str, Any]) -> Found:
        age = number_in(parts["age"], 0, OLDEST_SECONDS)
        found = _FOUND.validate_python({**parts, "started": -age})
        number_in(found.confidence, 0, 1)
        settings = self._settings
        heads = tuple(head for head in found.heads if head in settings.heads)
        lamps = range(len(settings.heads[heads[0]].lamps)) if heads else range(0)
        holds = {
            "head": bool(heads) and found.key in (f"head:{heads[0]}", f"head:{heads[0]}:{found.lamp}"),
            "approach": any(settings.heads[head].approach == found.approach for head in heads),
            "groups": len(found.groups) > 0 and settings.groups.keys() >= set(found.groups),
            "junction": True,
        }[found.scope]
        if not heads or not holds or (found.lamp is not None and found.lamp not in lamps):
            raise ValueError(f"found the fault {found.key!r:.60} of heads that are no longer there")
        if found.fault is Fault.COUNTDOWN and settings.heads[heads[0]].countdown is None:
            raise ValueError(f"found the fault {found.key!r:.60} of digits that are no longer there")
        return replace(found, heads=heads)

    def _end(self, place: tuple[Fault, str], repaired: float | None, now: float | None = None) -> None:
        known = self._open.pop(place)
        known.repaired, known.over, known.said = repaired, now, -1e9
        self._over[place] = known
        self._index()

    def _index(self) -> None:
        self._by_head = {}
        for (fault, _), known in self._open.items():
            for head in known.found.heads:
                self._by_head.setdefault(head, set()).add(fault)

    def _repaired(self, junction: Junction, known: OpenFault) -> float | None:
        needed = self._settings.judge.clear_cycles
        flashed = self._flashes_by_timetable(junction, known)
        if flashed is not None:
            return flashed
        normal = [count for count in known.counts.values() if count.count >= needed and count.began is not None]
        if not normal:
            return None
        # Of many heads some may stay hidden, or dark by themselves: those are told by themselves then.
        if len(normal) < (len(known.counts) + 1) // 2:
            return None
        working = [head for head in known.counts if junction.heads[head].seen and junction.heads[head].lit]
        late = [head for head in working if known.counts[head].count < needed]
        if late and min(count.count for count in normal) < 2 * needed:
            return None
        if known.found.fault is Fault.CONFLICT and not self._both_cycled(junction, known, needed):
            return None
        return self._since_when(junction, known, needed)

    def _since_when(self, junction: Junction, known: OpenFault, needed: int) -> float:
        """When normal operation began: when the last of the heads was normal again, as far as that was seen.

        A head that comes out from behind a bus, and an arrow whose turn comes late, may have been for long.
        """
        counts = {head: count for head, count in known.counts.items() if count.count >= needed}
        prompt = [h for h in counts if counts[h].began_seen and not junction.heads[h].may_be_dark]
        told = [self._began(junction, known, junction.heads[head], counts[head]) for head in prompt or counts]
        return max(told) if prompt else min(told)

    def _began(self, junction: Junction, known: OpenFault, head: Head, count: CycleCount) -> float:
        began = count.began
        assert began is not None
        lamp = known.found.lamp
        if known.found.fault is Fault.LAMP and lamp is not None:
            colour = head.colours[lamp].value
            return min((at for label, at in count.starts.items() if colour in label.split("+")), default=began)
        until = count.abnormal_until
        if until is None or not until < began <= until + LONGEST_STEADY_SECONDS:
            return began
        # Steadily lit since the fault showed itself last: the rest of an amber, or of a red that flashed before.
        spans = head.history.spans(until, began)
        return until if spans and all(span.lit for span in spans) else began

    def _both_cycled(self, junction: Junction, known: OpenFault, needed: int) -> bool:
        """Whether both groups went round: while one is hidden the other one may look normal."""
        done = {junction.heads[head].group for head, count in known.counts.items() if count.count >= needed}
        return done.issuperset(known.found.groups)

    def _flashes_by_timetable(self, junction: Junction, known: OpenFault) -> float | None:
        """When night flash began that shows a fault to be over; None: it does not show that."""
        heads = [junction.heads[head] for head in known.counts if junction.heads[head].flash_allowed is not None]
        if known.found.fault not in (Fault.DARK, Fault.FLASHING) or len(heads) < len(known.counts):
            known.lit_since = None
            return None
        seen = [head for head in heads if head.seen]
        dark = any(head.is_dark and (head.runs.current is not None and head.label == DARK) for head in seen)
        if not seen or (known.found.fault is Fault.DARK and dark and junction.interval <= 0.5):
            known.lit_since = None
            return None
        if not any(head.lit for head in seen) and known.lit_since is None:
            return None
        if known.lit_since is None:
            known.lit_since = junction.now
        return known.lit_since if junction.now - known.lit_since >= FLASH_SECONDS else None

    def _required(self, junction: Junction, head: Head, fault: Fault, found: Found) -> set[str]:
        """The labels that make a cycle of a head normal after this fault."""
        colours = {colour.value for colour in head.colours}
        required = colours & {"red", "green", "white"}
        if fault is Fault.LAMP and found.lamp is not None:
            required.add(head.colours[found.lamp].value)
        if fault is Fault.SEQUENCE and junction.interval <= AMBER_INTERVAL_SECONDS and Colour.AMBER in head.colours:
            required.add("amber")
        if len(required) < 2:
            required |= {DARK} if head.may_be_dark else colours
        return required

    def _detail(self, junction: Junction, known: OpenFault) -> SignalDetail:
        found = known.found
        first = self._settings.heads[found.heads[0]]
        lamp = None
        if found.lamp is not None and found.lamp < len(first.lamps):
            own = first.lamps[found.lamp]
            lamp = SignalLamp(colour=own.colour.value, shape=own.shape.value)
        repaired_at = None
        end = junction.now
        if known.repaired is not None and junction.wall_time is not None:
            end = known.repaired
            repaired_at = junction.wall_time_of(known.repaired)
        return SignalDetail(
            scope=found.scope,
            heads=listed_heads(found.heads),
            heads_total=len(found.heads),
            approach=found.approach,
            groups=found.groups[:_MAX_GROUPS],
            box=_box(self._settings, found.heads),
            lamp=lamp,
            seconds=round(max(end - found.started, 0.0), 2),
            expected_seconds=None if found.expected_seconds is None else round(found.expected_seconds, 2),
            flash_hz=found.flash_hz,
            flash_duty=found.flash_duty,
            cycles=found.cycles,
            order=found.order,
            visible_share=found.visible_share,
            samples_per_second=max(round(1 / max(junction.interval, 1e-3), 3), 0.001),
            repaired_at=repaired_at,
        )


def _box(settings: TrafficSignalSettings, heads: Collection[str]) -> Box:
    points = [point for head in heads for point in settings.heads[head].polygon]
    left, top = (min(point[axis] for point in points) for axis in (0, 1))
    right, bottom = (max(point[axis] for point in points) for axis in (0, 1))
    return Box(x=left, y=top, width=right - left, height=bottom - top)
