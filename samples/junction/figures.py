"""From judged scenes to rows: recall, time to detect, false alarms per camera-day, and what else must hold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edge.detectors.traffic_signal.findings import Fault
from edge.evaluate.intervals import poisson_rate, wilson
from edge.evaluate.rows import SECONDS_PER_DAY, Row
from samples.junction.judging import Answered, Judged, Verdict
from samples.junction.running import SceneResult

RECALL, RECALL_OF_KIND = 0.98, 0.95
DARK_MEDIAN_SECONDS, DARK_P95_SECONDS = 60.0, 120.0
FALSE_PER_DAY = 0.02


def rows_of(judged: Judged, results: Sequence[SceneResult]) -> list[Row]:
    """The table."""
    calm = {result.name for result in results if result.name.startswith("calm")}
    rows = [_recall("recall", judged.answered, RECALL)]
    for kind in Fault:
        of_kind = [answer for answer in judged.answered if answer.fault.kind is kind]
        if of_kind:
            rows.append(_recall(f"recall.{kind.value}", of_kind, RECALL_OF_KIND))
    rows += _delays(judged.answered)
    rows.append(_false("false_per_camera_day.normal_operation", judged, [r for r in results if r.name in calm]))
    rows.append(_false("false_per_camera_day.all_scenes", judged, results))
    rows.append(_hidden(judged))
    rows += _repairs(judged.answered)
    rows += _time(results)
    rows += _others(judged)
    return rows


def _recall(name: str, answered: Sequence[Answered], target: float) -> Row:
    found = sum(answer.said is not None for answer in answered)
    n = len(answered)
    missed = Counter(answer.scene for answer in answered if answer.said is None)
    note = f"{found} of {n} faults of at least 3 min" + (f"; missed in {', '.join(sorted(missed))}" if missed else "")
    value = found / n if n else None
    ok = None if value is None else value >= target
    return Row(name=name, value=value, unit="share", target=target, ok=ok, n=n, interval=wilson(found, n), note=note)


def _delays(answered: Sequence[Answered]) -> list[Row]:
    rows = []
    for kind in Fault:
        delays = sorted(
            answer.delay_seconds
            for answer in answered
            if answer.fault.kind is kind and answer.delay_seconds is not None
        )
        targets = (DARK_MEDIAN_SECONDS, DARK_P95_SECONDS) if kind is Fault.DARK else (None, None)
        for (name, share), target in zip((("median", 0.5), ("p95", 0.95)), targets, strict=True):
            value = quantile(delays, share)
            rows.append(
                Row(
                    name=f"time_to_detect_{name}.{kind.value}",
                    value=value,
                    unit="s",
                    target=target,
                    ok=None if value is None or target is None else value <= target,
                    n=len(delays),
                    note="from the fault's beginning to the event",
                )
            )
    return rows


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of them do not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None


def _false(name: str, judged: Judged, results: Sequence[SceneResult]) -> Row:
    false = judged.false({result.name for result in results})
    days = sum(result.seconds for result in results) / SECONDS_PER_DAY
    interval = poisson_rate(len(false), days)
    kinds = Counter(other.said.hazard for other in false)
    where = f" ({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))})" if kinds else ""
    return Row(
        name=name,
        value=len(false) / days if days else None,
        unit="per camera-day",
        target=FALSE_PER_DAY,
        ok=None if interval is None or interval[0] <= FALSE_PER_DAY < interval[1] else interval[1] <= FALSE_PER_DAY,
        n=round(days, 3),
        interval=interval,
        note=f"{len(false)}{where} in {days * 24:.1f} camera-hours: too few to prove the target, enough to break it",
    )


def _hidden(judged: Judged) -> Row:
    said = [answer.said for answer in judged.answered if answer.said is not None]
    said += [other.said for other in judged.others]
    dark = [item for item in said if item.hazard == Fault.DARK]
    # Of a junction some heads may be hidden; it is the heads that are seen that make it dark.
    blind = [item for item in dark if len(item.hidden) == len(item.heads)]
    return Row(
        name="dark_said_of_hidden_heads",
        value=len(blind),
        unit="alarms",
        target=0,
        ok=not blind,
        n=len(dark),
        note="raised while every head concerned was occluded, fogged in, or the camera turned away",
    )


def _repairs(answered: Sequence[Answered]) -> list[Row]:
    errors = sorted(abs(e) for answer in answered if (e := answer.repair_error_seconds) is not None)
    told = sum(answer.said is not None for answer in answered)
    return [
        Row(name="repair_told", value=len(errors) / told if told else None, unit="share", n=told,
            interval=wilson(len(errors), told), note="of the faults that were told, those whose repair was told too"),
        Row(name="repair_time_error_median", value=quantile(errors, 0.5), unit="s", n=len(errors),
            note="from the true repair to the first normal cycle's beginning"),
        Row(name="repair_time_error_p95", value=quantile(errors, 0.95), unit="s", n=len(errors)),
    ]  # fmt: skip


def _time(results: Sequence[SceneResult]) -> list[Row]:
    seconds = sum(result.seconds for result in results)
    unknown = sum(result.unknown_seconds for result in results)
    hidden = sum(result.hidden_seconds for result in results)
    frames = sum(result.frames for result in results)
    looks = sum(result.frames * result.heads for result in results)
    judging = sum(result.judge_seconds for result in results)
    rendering = sum(result.render_seconds for result in results)
    return [
        Row(name="unknown_time_share", value=unknown / seconds if seconds else None, unit="share", n=round(seconds),
            note=f"no head could be judged; heads were truly hidden {hidden / max(seconds, 1):.3f} of their time"),
        Row(name="ms_per_head_and_sample", value=1000 * judging / looks if looks else None, unit="ms", n=looks,
            note="wall time of the whole pipeline on a machine that renders beside it; see the bench for the cost"),
        Row(name="ms_per_rendered_picture", value=1000 * rendering / frames if frames else None, unit="ms", n=frames),
    ]  # fmt: skip


def _others(judged: Judged) -> list[Row]:
    rows = []
    for verdict in (Verdict.DUPLICATE, Verdict.ALSO_TRUE, Verdict.WRONG_KIND):
        others = [other for other in judged.others if other.verdict is verdict]
        pairs = Counter(f"{other.truth or 'none'} → {other.said.hazard}" for other in others)
        note = ", ".join(f"{count} × {pair}" for pair, count in pairs.most_common(8))
        rows.append(Row(name=f"alarms.{verdict.value}", value=len(others), unit="alarms", n=len(judged.answered),
                        note=note))  # fmt: skip
    return rows
