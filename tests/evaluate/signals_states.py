"""The time machine alone, without pixels: false alarms of camera-days of normal operation, and faults found.

Junctions of many kinds, pictures at 0.2 to 8 a second, readings that err, hide and are missing, restarts, clocks that
are set. `python -m tests.evaluate.signals_states --days 100 --faults 300` writes var/bench/signals_states.json.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from edge.detectors.traffic_signal.findings import Fault, Finding
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import SceneReading
from edge.detectors.traffic_signal.settings import Colour, HeadKind, LawfulOrder, TrafficSignalSettings
from samples.junction.controller import Junction
from samples.junction.faults import Disorder, TrueFault
from samples.junction.plans import Crossroads, JunctionSpec
from tests.bench.rows import Row, percentile, publish
from tests.evaluate.signals_stream import REAL, Errors, Stream, settings_of

BUDGET = 0.02
"""False alarms a camera-day."""
RATES = (0.2, 0.2, 0.2, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 2.0)
FAST = (4.0, 8.0)
BEFORE_SECONDS = 1500.0
AFTER_SECONDS = 900.0
WINDY = replace(REAL, hidden_per_hour=40.0, hidden_seconds=12.0, flicker_seen=0.05)
RAINY = replace(REAL, misread=0.003, unsure=0.01, beat=0.03, stutter=0.05)


@dataclass(frozen=True)
class Told:
    """An opening of a finding."""

    fault: Fault
    key: str
    at: float
    review: bool
    started: float
    text: str


def a_junction(rng: random.Random, *, flash: bool = True) -> JunctionSpec:
    """Any crossroads."""
    adaptive = rng.random() < 0.6
    left_turns = rng.random() < 0.8
    return Crossroads(
        adaptive=adaptive,
        rests=adaptive and rng.random() < 0.5,
        left_turns=left_turns,
        pedestrians=rng.random() < 0.7,
        arrow=left_turns and rng.random() < 0.5,
        countdown_seconds=rng.choice((None, 9.0, 99.0)),
        order=rng.choice((LawfulOrder.CHINA, LawfulOrder.CHINA, LawfulOrder.RED_AMBER)),
        night_flash=rng.choice((None, (23 * 3600.0, 5 * 3600.0))) if flash else None,
        scale=rng.choice((0.8, 1.0, 1.3, 1.8)),
        heads_per_group=rng.choice((1, 2, 2, 3)),
        flash_hz=rng.choice((0.9, 1.0, 1.0, 1.1)),
    ).spec()


Places = set[tuple[Fault, str]]


def tell(machine: TimeMachine, pictures: Iterator[SceneReading], told: list[Told], open_now: Places) -> None:
    """Runs pictures through the machine and notes what opens."""
    for picture in pictures:
        for finding in machine.observe(picture):
            place = finding.fault, finding.key
            if not finding.active:
                open_now.discard(place)
            elif place not in open_now:
                open_now.add(place)
                told.append(_told(finding))


def _told(finding: Finding) -> Told:
    said = finding.detail.model_dump(mode="json", exclude_none=True, exclude={"box"})
    return Told(
        finding.fault,
        finding.key,
        finding.media_time,
        finding.tier.value == "review",
        finding.started_media_time,
        f"{finding.confidence} {json.dumps(said)}",
    )


def _line(one: Told) -> str:
    return f"{one.fault} {one.key} at {one.at:.0f} since {one.started:.0f} {one.text}"


def normal_day(number: int, *, verbose: bool) -> tuple[float, list[Told]]:
    """A camera-day without faults: seconds watched, and what was told all the same."""
    rng = random.Random(f"normal {number}")
    rate = rng.choice(FAST) if number % 25 == 24 else rng.choice(RATES)
    seconds = 86_400.0 if rate < 4 else 14_400.0
    spec = a_junction(rng)
    errors = rng.choice((REAL, REAL, WINDY, RAINY))
    settings = settings_of(spec, plan=rng.random() < 0.8, learning_hours=rng.choice((0.5, 26.0)))
    begins = datetime(2026, 3, rng.randrange(1, 28), rng.randrange(24), rng.randrange(60), tzinfo=UTC)
    local = begins + timedelta(hours=8)
    junction = Junction(spec, number, begins=local.hour * 3600.0 + local.minute * 60.0)
    stream = Stream(junction, rate, errors, number, begins)
    told: list[Told] = []
    open_now: Places = set()
    machine = TimeMachine(settings)
    t = 0.0
    while t < seconds:
        until = min(t + rng.expovariate(1 / 14_400.0), seconds)
        tell(machine, stream.pictures(t, until), told, open_now)
        t = until + rng.choice((0.0, 0.0, 40.0, 900.0))  # a restart, or the stream was away
        if rng.random() < 0.5:
            machine = _restarted(machine, settings)
    if verbose:
        for one in told:
            print(
                f"day {number} {rate}/s {one.fault} {one.key} at {one.at:.0f} since {one.started:.0f} {one.text}",
                file=sys.stderr,
            )
    return seconds, told


def _restarted(machine: TimeMachine, settings: TrafficSignalSettings) -> TimeMachine:
    fresh = TimeMachine(settings)
    fresh.load(json.loads(json.dumps(machine.save())))
    return fresh


def a_fault(rng: random.Random, spec: JunctionSpec, kind: Fault, start: float) -> TrueFault:
    """A fault of this kind, 3 to 8 minutes; what shows once a cycle lasts as many cycles as it needs and two more."""
    heads = [head for head in spec.heads if head.kind is not HeadKind.ARROW]
    vehicles = [head for head in heads if head.kind is HeadKind.VEHICLE]
    cycle = sum(stage.longest + 8 for stage in spec.plans[0].stages)
    seconds = rng.uniform(180, 480)
    if kind in (Fault.LAMP, Fault.SEQUENCE, Fault.COUNTDOWN, Fault.CONFLICT):
        seconds = max(seconds, 5 * cycle)
    if kind is Fault.STUCK:
        # Where anything varies, what is stuck is told after three times the longest; else after three minutes.
        adaptive = any(stage.longest > stage.shortest for stage in spec.plans[0].stages)
        seconds = 3 * 2.2 * cycle + rng.uniform(60, 180) if adaptive else 180.0
    one = rng.choice(vehicles if kind in (Fault.SEQUENCE, Fault.FLASHING) else heads)
    match kind:
        case Fault.DARK if rng.random() < 0.4:
            return TrueFault(kind, tuple(head.id for head in spec.heads), start, start + seconds, "junction")
        case Fault.FLASHING if rng.random() < 0.5:
            return TrueFault(
                kind, tuple(h.id for h in heads), start, start + seconds, "junction", flash_hz=rng.uniform(0.8, 1.2)
            )
        case Fault.CONFLICT:
            groups = rng.choice(spec.conflicts)
            ids = tuple(head.id for head in heads if head.group == groups[1])
            return TrueFault(kind, ids, start, start + seconds, "groups", groups=groups)
        case Fault.COUNTDOWN:
            one = next(head for head in heads if head.countdown_seconds is not None)
    lasting = [i for i, (colour, _) in enumerate(one.lamps) if colour is not Colour.AMBER]
    disorder = rng.choice((Disorder.NO_AMBER, Disorder.ALL_AT_ONCE))
    return TrueFault(kind, (one.id,), start, start + seconds, lamp=rng.choice(lasting), disorder=disorder)


@dataclass(frozen=True)
class Tried:
    """A fault, what was told of it, and what was told beside it."""

    truth: TrueFault
    delay: float | None
    rate: float
    extra: tuple[Told, ...]
    ended: bool


RATES_FOR = {
    Fault.FLASHING: (4.0, 8.0),
    Fault.CONFLICT: (2.0, 4.0),
    Fault.SEQUENCE: (1.0, 2.0, 4.0),
    Fault.COUNTDOWN: (1.0, 2.0),
}


def try_fault(number: int, kind: Fault, *, verbose: bool) -> Tried:
    """A fault after 25 minutes of normal operation, and its end."""
    rng = random.Random(f"fault {number} {kind}")
    spec = a_junction(rng, flash=False)
    while kind is Fault.COUNTDOWN and not any(head.countdown_seconds for head in spec.heads):
        spec = a_junction(rng, flash=False)
    rate = rng.choice(RATES_FOR.get(kind, (0.2, 0.5, 1.0, 2.0, 4.0)))
    truth = a_fault(rng, spec, kind, BEFORE_SECONDS + rng.uniform(0, 200))
    errors: Errors = rng.choice((REAL, REAL, RAINY))
    stream = Stream(Junction(spec, number, [truth]), rate, errors, number)
    machine = TimeMachine(settings_of(spec))
    told: list[Told] = []
    open_now: Places = set()
    tell(machine, stream.pictures(0, truth.end_seconds + AFTER_SECONDS), told, open_now)
    mine = [one for one in told if one.fault is kind and truth.start_seconds <= one.at <= truth.end_seconds]
    extra = tuple(one for one in told if one not in mine[:1])
    if verbose and (not mine or extra or open_now):
        lines = [f"fault {number} at {rate}/s: {truth}"]
        lines.append(f"   {truth.start_seconds:.0f}-{truth.end_seconds:.0f} open at the end: {open_now}")
        lines += [f"   {_line(one)}" for one in told]
        print("\n".join(lines), file=sys.stderr)
    return Tried(truth, mine[0].at - truth.start_seconds if mine else None, rate, extra, not open_now)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share."""
    z, share = 1.96, hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return round(middle - half, 4), round(min(middle + half, 1.0), 4)


def poisson(events: int, days: float) -> tuple[float, float]:
    """95 % interval of a rate, by the chi-square's Wilson-Hilferty cube."""

    def bound(k: float, z: float) -> float:
        return 0.0 if k <= 0 else k * (1 - 1 / (9 * k) + z / (3 * math.sqrt(k))) ** 3

    return round(bound(events, -1.96) / days, 4), round(bound(events + 1, 1.96) / days, 4)


def normal_rows(first: int, days: int, *, verbose: bool) -> list[Row]:
    """False alarms of normal operation."""
    told: Counter[Fault] = Counter()
    reviews = 0
    seconds = 0.0
    for number in range(first, first + days):
        watched, found = normal_day(number, verbose=verbose)
        seconds += watched
        told.update(one.fault for one in found if not one.review)
        reviews += sum(one.review for one in found)
    camera_days = seconds / 86_400
    total = sum(told.values())
    note = "95 % interval; simulated readings"
    rows = [_rate_row("false alarms", total, camera_days, BUDGET, note)]
    rows += [_rate_row(f"false {fault}", told[fault], camera_days) for fault in Fault]
    rows.append(_rate_row("false reviews", reviews, camera_days, 1.0))
    return rows


def _rate_row(name: str, count: int, days: float, target: float | None = None, note: str = "") -> Row:
    rate = count / days
    ok = None if target is None else rate <= target
    return Row(name, rate, "/camera-day", target, ok, round(days, 2), poisson(count, days), note)


def fault_rows(faults: int, *, verbose: bool) -> list[Row]:
    """Faults found, how soon, and what was told beside them."""
    rows = []
    kinds = tuple(Fault)
    tried: dict[Fault, list[Tried]] = defaultdict(list)
    for number in range(faults):
        kind = kinds[number % len(kinds)]
        tried[kind].append(try_fault(number, kind, verbose=verbose))
    for kind, of_kind in tried.items():
        n = len(of_kind)
        delays = [one.delay for one in of_kind if one.delay is not None]
        share = len(delays) / n
        rows.append(Row(f"found {kind}", share, "", 0.95, share >= 0.95, n, wilson(len(delays), n)))
        if delays:
            limits = (60.0, 120.0) if kind is Fault.DARK else (None, None)
            rows.append(_delay_row(f"delay {kind} median", statistics.median(delays), limits[0], len(delays)))
            rows.append(_delay_row(f"delay {kind} p95", percentile(delays, 0.95), limits[1], len(delays)))
        rows.append(Row(f"beside {kind}", sum(len(one.extra) for one in of_kind) / n, "/fault", n=n))
        rows.append(Row(f"ended {kind}", sum(one.ended for one in of_kind) / n, "", n=n))
    return rows


def _delay_row(name: str, seconds: float, limit: float | None, n: int) -> Row:
    return Row(name, seconds, "s", limit, None if limit is None else seconds <= limit, n)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it; 0 when all targets are met, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.evaluate.signals_states", description=__doc__)
    parser.add_argument("--days", type=int, default=10, help="camera-days of normal operation")
    parser.add_argument("--first", type=int, default=0, help="number of the first day: a soak in parts")
    parser.add_argument("--faults", type=int, default=0, help="faults, of all kinds in turn")
    parser.add_argument("--verbose", action="store_true", help="print every false or missed one")
    asked = parser.parse_args(arguments)
    rows = normal_rows(asked.first, asked.days, verbose=asked.verbose) if asked.days else []
    rows += fault_rows(asked.faults, verbose=asked.verbose) if asked.faults else []
    publish("signals_states", rows)
    return 0 if all(row.ok is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
