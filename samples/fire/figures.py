"""From judged shows to rows: recall in time, time to detect, false alarms per camera-day by kind; and the ablation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from contract.events import Tier
from edge.evaluate.intervals import poisson_rate, wilson
from edge.evaluate.rows import FALSE_PER_DAY, SECONDS_PER_DAY, Row
from samples.fire.judging import FLAME_SECONDS, SMOKE_SECONDS, Answered, Judged
from samples.fire.lookalikes.shared import Lookalike
from samples.fire.running import ShowResult, Variant


def rows_of(judged: dict[Variant, Judged], results: Sequence[ShowResult]) -> list[Row]:
    """The table: what is shipped in detail, then each variant's recall and false alarms."""
    shipped = judged[Variant.CALIBRATION]
    like = [result for result in results if result.name.startswith("like-")]
    real = [result for result in results if result.name.startswith(("real-", "still-"))]
    rows = _recalls(shipped.answered)
    for tier in (Tier.ALARM, Tier.REVIEW):
        rows.append(false_row(f"false_{tier.value}_per_camera_day.lookalikes", shipped, like, tier))
    for kind in Lookalike:
        of_kind = [result for result in like if result.name.startswith(f"like-{kind.value}-")]
        if of_kind:
            rows.append(false_row(f"false_alarm_per_camera_day.{kind.value}", shipped, of_kind, Tier.ALARM))
    rows.append(_silence(shipped, real))
    rows.append(_elsewhere(shipped, [result for result in results if result.fires]))
    rows += _costs(results)
    for variant, one in judged.items():
        rows += _ablation(variant, one, like, [result for result in real if not result.fires])
    return rows


def _recalls(answered: Sequence[Answered]) -> list[Row]:
    real = [one for one in answered if one.show.startswith("real-")]
    made = [one for one in answered if not one.show.startswith("real-")]
    flames, smokes = [one for one in made if one.flames], [one for one in made if not one.flames]
    rows = [
        _recall("recall_in_time.real_clips", real, 1.0),
        _recall("recall_in_time.rendered_flames", flames, None),
        _recall("recall_in_time.rendered_smoke", smokes, None),
    ]
    for name, some, limit in (("flames", flames, FLAME_SECONDS), ("smoke", smokes, SMOKE_SECONDS)):
        delays = sorted(one.delay_seconds for one in some if one.delay_seconds is not None)
        for label, share in (("median", 0.5), ("p95", 0.95)):
            value = quantile(delays, share)
            ok = None if value is None else value <= limit
            rows.append(
                Row(name=f"time_to_detect_{label}.{name}", value=value, unit="s", target=limit, ok=ok, n=len(delays),
                    note="from the first picture in which a person could see it, of those that were told")
            )  # fmt: skip
    return rows


def _recall(name: str, answered: Sequence[Answered], target: float | None) -> Row:
    found, n = sum(one.in_time for one in answered), len(answered)
    late = sum(one.said is not None and not one.in_time for one in answered)
    missed = [one.show for one in answered if one.said is None]
    note = f"{found} of {n} in time, {late} told later" + (f"; never: {', '.join(missed)}" if missed else "")
    value = found / n if n else None
    ok = None if value is None or target is None else value >= target
    return Row(name=name, value=value, unit="share", target=target, ok=ok, n=n, interval=wilson(found, n), note=note)


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` of them do not exceed."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None


def false_row(name: str, judged: Judged, results: Sequence[ShowResult], tier: Tier) -> Row:
    """False alarms (or reviews) per camera-day of some shows, with the interval of a Poisson count."""
    false = judged.false_in((result.name for result in results), tier)
    days = sum(result.seconds for result in results) / SECONDS_PER_DAY
    interval, target = poisson_rate(len(false), days), FALSE_PER_DAY[tier]
    ok = None if interval is None or interval[0] <= target < interval[1] else interval[1] <= target
    return Row(
        name=name,
        value=len(false) / days if days else None,
        unit="per camera-day",
        target=target,
        ok=ok,
        n=round(days, 4),
        interval=interval,
        note=f"{len(false)} in {days * 24:.2f} camera-hours that hold nothing but this{_where(false)}",
    )


def _where(false: Iterable[tuple[str, object]]) -> str:
    names = Counter(name for name, _ in false)
    return f": {', '.join(f'{count} × {name}' for name, count in names.most_common(6))}" if names else ""


def _silence(judged: Judged, real: Sequence[ShowResult]) -> Row:
    calm = [result for result in real if not result.fires]
    said = [item for tier in Tier for item in judged.false_in((result.name for result in calm), tier)]
    hours = sum(result.seconds for result in calm) / 3600
    return Row(
        name="said_on_real_footage_without_fire", value=len(said), unit="alarms", target=0, ok=not said, n=len(calm),
        note=f"{len(calm)} clips and held stills of streets, signals, falls and drones, {hours:.2f} h{_where(said)}",
    )  # fmt: skip


def _elsewhere(judged: Judged, burning: Sequence[ShowResult]) -> Row:
    said = [item for tier in Tier for item in judged.false_in((result.name for result in burning), tier)]
    return Row(name="said_beside_a_fire", value=len(said), unit="alarms", n=len(burning),
               note=f"of the wrong place or before it could be seen; {len(judged.duplicates)} duplicates{_where(said)}",
               )  # fmt: skip


def _costs(results: Sequence[ShowResult]) -> list[Row]:
    frames = sum(result.frames for result in results)
    judging = sum(result.judge_seconds[Variant.CALIBRATION] for result in results)
    rendering = sum(result.render_seconds for result in results)
    seconds = sum(result.seconds for result in results)
    unknown = sum(result.unknown_seconds for result in results)
    return [
        Row(name="unknown_time_share", value=unknown / seconds if seconds else None, unit="share", n=round(seconds)),
        Row(name="ms_per_picture", value=1000 * judging / frames if frames else None, unit="ms", n=frames,
            note="wall time of the whole pipeline beside a renderer; see the bench for the cost"),
        Row(name="ms_per_shown_picture", value=1000 * rendering / frames if frames else None, unit="ms", n=frames),
    ]  # fmt: skip


def _ablation(variant: Variant, judged: Judged, like: Sequence[ShowResult], calm: Sequence[ShowResult]) -> list[Row]:
    found, n = sum(one.in_time for one in judged.answered), len(judged.answered)
    false = [item for tier in Tier for item in judged.false_in((result.name for result in like), tier)]
    days = sum(result.seconds for result in like) / SECONDS_PER_DAY
    said = sum(len(judged.false_in((result.name for result in calm), tier)) for tier in Tier)
    return [
        Row(name=f"ablation.recall_in_time.{variant.value}", value=found / n if n else None, unit="share", n=n,
            interval=wilson(found, n)),
        Row(name=f"ablation.false_per_camera_day.{variant.value}", value=len(false) / days if days else None,
            unit="per camera-day", n=round(days, 4), interval=poisson_rate(len(false), days),
            note=f"{len(false)} alarms and reviews on look-alikes"),
        Row(name=f"ablation.said_on_real_footage_without_fire.{variant.value}", value=said, unit="alarms",
            n=len(calm), note="alarms and reviews"),
    ]  # fmt: skip
