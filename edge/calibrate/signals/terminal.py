"""What was proposed and learned, in a terminal: tables, and the timeline as coloured text."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract.timeline import HeadTimeline, SignalTimeline
from edge.calibrate.signals.drawing import colour_of
from edge.calibrate.signals.learning import Learned
from edge.detectors.traffic_signal.settings import MIN_LAMP_PX, HeadSettings

_STYLES: Mapping[str, str] = {"red": "red", "amber": "yellow", "green": "green", "white": "bright_white"}
_LETTERS: Mapping[str, str] = {"red": "R", "amber": "A", "green": "G", "white": "W"}
_DARK, _UNKNOWN = "·", "?"
_NARROWEST = 20


def heads_table(heads: Mapping[str, HeadSettings]) -> Table:
    """Heads with their lamps and sizes; what is too small stands out."""
    table = Table("head", "kind", "box", "lamps", "group", "approach")
    for head_id, head in heads.items():
        left, top = (min(point[axis] for point in head.polygon) for axis in (0, 1))
        right, bottom = (max(point[axis] for point in head.polygon) for axis in (0, 1))
        lamps = Text()
        for number, lamp in enumerate(head.lamps):
            shape = "" if lamp.shape == "ball" else f" {lamp.shape.value}"
            size = "" if lamp.diameter_px >= MIN_LAMP_PX else " bold reverse"
            lamps.append(", " if number else "")
            lamps.append(f"{lamp.colour.value}{shape}", _STYLES[lamp.colour.value])
            lamps.append(f" {lamp.diameter_px:.0f} px", f"default{size}")
        box = f"{left:.0f}, {top:.0f}  {right - left:.0f} × {bottom - top:.0f}"
        table.add_row(head_id, head.kind.value, box, lamps, head.group, head.approach)
    return table


def groups_table(learned: Learned) -> Table:
    """Phase groups with their cycles and durations."""
    table = Table("group", "heads", "cycles", "cycle", "red", "amber", "green", "never green with")
    for group in dict.fromkeys(learned.groups.values()):
        heads = ", ".join(head for head, its in learned.groups.items() if its == group)
        plan = learned.plan.get(group)
        durations = {} if plan is None else {colour.value: value for colour, value in plan.durations.items()}
        cells = []
        for colour in ("red", "amber", "green"):
            value = durations.get(colour)
            cells.append("" if value is None else f"{value.shortest:g} … {value.typical:g} … {value.longest:g} s")
        apart = [b if a == group else a for a, b in learned.conflicts if group in (a, b)]
        cycle = learned.cycle_seconds.get(group)
        table.add_row(
            group,
            heads,
            str(learned.cycles.get(group, 0)),
            "" if cycle is None else f"{cycle:g} s",
            *cells,
            ", ".join(apart),
        )
    return table


def print_timeline(console: Console, timeline: SignalTimeline) -> None:
    """One line a head. Without colours (a file, a pipe) letters say what is lit."""
    widest = max(len(head.head) for head in timeline.heads)
    groups = max(len(head.group) for head in timeline.heads)
    width = max(console.width - widest - groups - 4, _NARROWEST)
    coloured = console.is_terminal and not console.no_color
    order = list(dict.fromkeys(head.group for head in timeline.heads))
    for head in sorted(timeline.heads, key=lambda head: order.index(head.group)):
        line = Text(f"{head.group:{groups}}  {head.head:{widest}}  ")
        for state in states(head, timeline.start, timeline.end, width):
            if state is None:
                line.append("░" if coloured else _UNKNOWN, "dim")
            elif not state:
                line.append(_DARK)
            else:
                line.append("█" if coloured else _LETTERS[state], _STYLES[state])
        console.print(line, soft_wrap=True)
    seconds = timeline.end - timeline.start
    scale = f"{width / max(seconds, 1e-3):.2g} characters a second" if seconds < width else ""
    each = scale or f"{seconds / width:.2g} s a character"
    console.print(f"{'':{groups + widest + 4}}0 … {seconds:.0f} s, {each}; {_DARK} dark, ", end="", soft_wrap=True)
    console.print("░ not seen" if coloured else f"{_UNKNOWN} not seen, R A G W lit", soft_wrap=True)


def states(head: HeadTimeline, start: float, end: float, count: int) -> list[str | None]:
    """What a head showed in each of `count` equal parts of the time: a colour, nothing (empty), or unknown (None).

    Of several states in one part the one that was seen for longest; a short amber is kept before a long green or red,
    for it would be lost otherwise.
    """
    step = (end - start) / count
    shares: list[dict[str | None, float]] = [{} for _ in range(count)]
    for span in head.spans:
        state = None if span.unseen is not None else colour_of(head, span) or ""
        first = min(max(int((span.start - start) / step), 0), count - 1)
        last = min(max(int((span.end - start) / step), first), count - 1)
        for place in range(first, last + 1):
            inside = min(span.end, start + (place + 1) * step) - max(span.start, start + place * step)
            weight = 2.0 if state == "amber" else 1.0
            shares[place][state] = shares[place].get(state, 0.0) + weight * max(inside, 0.0)
    return [max(share, key=lambda state: share[state]) if share else None for share in shares]
