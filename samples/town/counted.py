"""What surveys of generated towns came to: town by town, and all together against the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table

from edge.evaluate.intervals import poisson_rate, wilson
from edge.evaluate.rows import Row

LEAST_RECALL, MOST_FALSE_KM2, LEAST_OVERLAP, MOST_AGAIN_KM2 = 0.95, 1.0, 0.7, 0.2


@dataclass(frozen=True, slots=True)
class Town:
    """What became of one town."""

    name: str
    examined_km2: float
    wanted: int
    """New structures whose ground lies in two pictures of the baseline or more."""
    seen: int
    """Of them, those that are likely enough to be told, before the register."""
    to_tell: int
    """Of them, those that nothing approves."""
    told: int
    told_again: int
    """Of them, those that are told after a second flight."""
    overlaps: tuple[float, ...]
    false: int
    false_again: int
    """What is told after a second flight and touches nothing that was built."""
    false_twice: int
    """Of them, those that both flights saw."""
    false_alarms: int
    """Of them, alarms."""
    containers: int
    """That were put there and stay, and are told after a second flight."""
    pairs: int
    refused: int
    seconds: float
    """CPU time of comparing both flights, without rendering their pictures."""


def rows_of(towns: Sequence[Town], *, again: bool) -> list[Row]:
    """All towns together."""
    wanted, seen = sum(one.wanted for one in towns), sum(one.seen for one in towns)
    to_tell, told = sum(one.to_tell for one in towns), sum(one.told for one in towns)
    km2 = sum(one.examined_km2 for one in towns)
    overlaps = [value for one in towns for value in one.overlaps]
    pairs = sum(one.pairs for one in towns)
    rows = [
        _share("recall.before_register", seen, wanted),
        _share("recall.told", told, to_tell),
        _rate("false_per_km2.one_flight", sum(one.false for one in towns), km2, MOST_FALSE_KM2),
    ]
    if again:
        rows.insert(2, _share("recall.told_by_second_flight", sum(one.told_again for one in towns), to_tell))
        alarms = sum(one.false_alarms for one in towns)
        rows.append(_rate("false_per_km2.alarms_by_second_flight", alarms, km2, MOST_AGAIN_KM2))
        twice = sum(one.false_twice for one in towns)
        rows.append(_rate("false_per_km2.seen_by_both_flights", twice, km2, MOST_AGAIN_KM2))
        told_again = sum(one.false_again for one in towns)
        rows.append(_rate("false_per_km2.told_by_second_flight", told_again, km2, MOST_FALSE_KM2))
        containers = sum(one.containers for one in towns)
        rows.append(Row(name="containers.told_by_second_flight", value=containers, unit="containers", n=len(towns)))
    middle = median(overlaps) if overlaps else None
    rows.append(
        Row(name="footprint_overlap.median", value=middle, unit="IoU", target=LEAST_OVERLAP, n=len(overlaps),
            ok=None if middle is None else middle >= LEAST_OVERLAP)
    )  # fmt: skip
    spent = sum(one.seconds for one in towns)
    rows.append(
        Row(name="cpu_per_pair", value=spent / pairs if pairs else None, unit="s", n=pairs,
            note="of a picture of each flight; rendering left out")
    )  # fmt: skip
    rows.append(Row(name="pictures_refused", value=sum(one.refused for one in towns), unit="pictures", n=pairs))
    return rows


def _share(name: str, found: int, n: int) -> Row:
    value = found / n if n else None
    ok = None if value is None else value >= LEAST_RECALL
    return Row(name=name, value=value, unit="share", target=LEAST_RECALL, ok=ok, n=n, interval=wilson(found, n),
               note=f"{found} of {n}")  # fmt: skip


def _rate(name: str, count: int, km2: float, target: float) -> Row:
    interval = poisson_rate(count, km2)
    ok = None if interval is None or interval[0] <= target < interval[1] else interval[1] <= target
    return Row(name=name, value=count / km2 if km2 else None, unit="per km²", target=target, ok=ok, n=round(km2, 4),
               interval=interval, note=f"{count} in {km2:.2f} km²")  # fmt: skip


def table_of(rows: Sequence[Row]) -> Table:
    table = Table("figure", "value", "unit", "target", "ok", "n", "95 %", "of")
    for row in rows:
        interval = "" if row.interval is None else f"{row.interval[0]:.3g} … {row.interval[1]:.3g}"
        ok = {True: "yes", False: "NO", None: ""}[row.ok]
        value = "" if row.value is None else f"{row.value:.3g}"
        target = "" if row.target is None else f"{row.target:g}"
        table.add_row(row.name, value, row.unit, target, ok, f"{row.n:g}", interval, row.note)
    return table
