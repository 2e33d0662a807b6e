"""The event-level table: recall, false alarms per camera-day, time to detect, duplicates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contract.events import Tier
from edge.evaluate.alarms import Alarm
from edge.evaluate.intervals import Interval, poisson_rate, wilson
from edge.evaluate.matching import ClipResult
from edge.evaluate.stats import ClipStats

SECONDS_PER_DAY = 86_400.0
FALSE_PER_DAY = {Tier.ALARM: 0.1, Tier.REVIEW: 1.0}
"""The budget per camera."""


class Row(BaseModel):
    """One figure. `ok` is None where there is no target, or the interval leaves it open."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: float | None
    unit: str
    target: float | None = None
    ok: bool | None = None
    n: Annotated[float, Field(ge=0)]
    """What was counted: episodes, answers, or camera-days."""
    interval: Interval | None = None
    """95 %."""
    note: str = ""


def rows_of(
    results: Sequence[ClipResult], durations_seconds: dict[str, float], stats: Sequence[ClipStats] = ()
) -> list[Row]:
    """The table of every hazard that is in the truth or in the events, by name. `stats`: what the replay took."""
    hazards = {episode.hazard for result in results for episode in result.clip.episodes}
    hazards |= {alarm.hazard for result in results for alarm in (*result.false, *result.duplicates)}
    rows: list[Row] = []
    for hazard in sorted(hazards):
        rows += _hazard_rows(hazard, results, durations_seconds)
    if not hazards:
        rows += _false_rows("all", results, durations_seconds)
    return rows + _cost_rows(stats)


def _cost_rows(stats: Sequence[ClipStats]) -> list[Row]:
    seconds = sum(clip.media_seconds for clip in stats)
    unknown = sum(clip.unknown_seconds for clip in stats)
    frames = sum(clip.frames for clip in stats)
    cpu = sum(clip.cpu_seconds for clip in stats)
    absent = "not recorded beside these events"
    return [
        Row(
            name="unknown_time_share",
            value=unknown / seconds if seconds else None,
            unit="share",
            n=seconds,
            note=f"{unknown:.1f} of {seconds:.1f} s in which no detector could judge" if seconds else absent,
        ),
        Row(
            name="ms_per_frame",
            value=1000 * cpu / frames if frames else None,
            unit="ms",
            n=frames,
            note=f"{cpu:.1f} s of processor time, decoding included" if frames else absent,
        ),
    ]


def _hazard_rows(hazard: str, results: Sequence[ClipResult], durations: dict[str, float]) -> list[Row]:
    answers = [answer for result in results for answer in result.answers if answer.episode.hazard == hazard]
    missed = [e for result in results for e in result.missed if e.hazard == hazard]
    duplicates = [a for result in results for a in result.duplicates if a.hazard == hazard]
    episodes = len(answers) + len(missed)
    loud = sum(answer.alarm.tier is Tier.ALARM for answer in answers)
    delays = sorted(answer.delay_seconds for answer in answers)
    return [
        _share(f"{hazard}.recall", len(answers), episodes, f"{len(answers)} of {episodes} episodes"),
        _share(f"{hazard}.recall_alarm_tier", loud, episodes, f"{loud} of {episodes} reached the tier alarm"),
        *_false_rows(hazard, results, durations),
        _quantile(f"{hazard}.time_to_detect_median", delays, 0.5),
        _quantile(f"{hazard}.time_to_detect_p95", delays, 0.95),
        Row(
            name=f"{hazard}.duplicates",
            value=len(duplicates),
            unit="alarms",
            target=0,
            ok=not duplicates,
            n=len(answers),
            note="further alarms of an episode that was answered",
        ),
    ]


def _share(name: str, count: int, n: int, note: str) -> Row:
    return Row(name=name, value=count / n if n else None, unit="share", n=n, interval=wilson(count, n), note=note)


def _false_rows(hazard: str, results: Sequence[ClipResult], durations: dict[str, float]) -> list[Row]:
    nuisance = [result for result in results if result.clip.is_nuisance]
    rows = []
    for tier in (Tier.ALARM, Tier.REVIEW):
        name = f"{hazard}.false_{tier.value}s_per_camera_day_nuisance"
        rows.append(_rate(name, _false(hazard, nuisance, tier), nuisance, durations, FALSE_PER_DAY[tier]))
    rows.append(_rate(f"{hazard}.false_per_camera_day_all", _false(hazard, results, None), results, durations, None))
    return rows


def _false(hazard: str, results: Sequence[ClipResult], tier: Tier | None) -> list[Alarm]:
    return [
        alarm
        for result in results
        for alarm in result.false
        if hazard in {alarm.hazard, "all"} and tier in {alarm.tier, None}
    ]


def _rate(
    name: str,
    alarms: Sequence[Alarm],
    results: Sequence[ClipResult],
    durations: dict[str, float],
    target: float | None,
) -> Row:
    measured = [result for result in results if result.clip.name in durations]
    days = sum(durations[result.clip.name] for result in measured) / SECONDS_PER_DAY
    interval = poisson_rate(len(alarms), days)
    note = f"{len(alarms)} in {days * 24:.3g} camera-hours of {len(measured)} clips"
    if len(measured) < len(results):
        note += f"; {len(results) - len(measured)} clips of unknown duration"
    return Row(
        name=name,
        value=len(alarms) / days if days else None,
        unit="per camera-day",
        target=target,
        ok=_within(interval, target),
        n=days,
        interval=interval,
        note=note if days else "no nuisance clips of known duration",
    )


def _within(interval: Interval | None, target: float | None) -> bool | None:
    """True or False only where the whole interval says so: few hours of video prove no low rate."""
    if interval is None or target is None:
        return None
    if interval[1] <= target:
        return True
    return False if interval[0] > target else None


def _quantile(name: str, ordered: Sequence[float], share: float) -> Row:
    """The smallest value that at least `share` of them do not exceed."""
    value = ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None
    return Row(name=name, value=value, unit="s", n=len(ordered), note="from the labelled start to the alarm")
