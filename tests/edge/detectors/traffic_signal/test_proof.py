"""The proof: timelines that keep what is unknown, and sheets on which each head can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contract.timeline import MAX_SPANS
from edge.detectors.interface import Image
from edge.detectors.traffic_signal.history import Span
from edge.detectors.traffic_signal.proof import (
    Chip,
    Instant,
    SpansOf,
    clock_of,
    contact_sheet,
    label_of,
    timeline,
    written,
)
from edge.detectors.traffic_signal.readings import HeadReading, Lit, SceneReading, Unseen
from edge.detectors.traffic_signal.stills import MOST_HIGH, MOST_WIDE, Stills
from tests.edge.detectors.traffic_signal.crossing import settings

NOW = Instant(1000.0, datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
ON, OFF = Lit.ON, Lit.OFF


def spans_of(**heads: Sequence[Span]) -> SpansOf:
    """As the time machine cuts them."""

    def cut(head: str, start: float, end: float) -> Sequence[Span]:
        return [span for span in heads.get(head, ()) if span.end > start and span.start < end]

    return cut


RED, DARK = (0,), ()


def test_a_timeline_shows_those_concerned_first_and_unknown_as_unknown() -> None:
    history = spans_of(
        N1=[Span(700, 900, RED), Span(900, 950, DARK, "occluded"), Span(950, 1000, DARK, None, Lit.OFF)],
        N2=[Span(650, 1000, RED)],
        E1=[Span(700, 1000, (2,))],
    )
    made = timeline(settings(), history, ["N1"], (600, 1000), NOW, 2.0, [("began", 900), ("certain", 1000)])
    assert [(head.head, head.concerned) for head in made.heads] == [("N1", True), ("N2", False), ("E1", False)]
    assert made.zero_at == NOW.wall_time - timedelta(seconds=350), "what nobody remembers is left out"
    assert (made.start, made.end) == (0, 350)
    shown = [(span.start, span.end, span.lit, span.unseen, span.countdown) for span in made.heads[0].spans]
    assert shown == [
        (50, 250, RED, None, None),
        (250, 300, DARK, "occluded", None),
        (300, 350, DARK, None, "off"),
    ]
    assert [(moment.at, moment.what) for moment in made.moments] == [(250, "began"), (350, "certain")]
    assert [lamp.colour for lamp in made.heads[0].lamps] == ["red", "amber", "green"]


def test_a_timeline_without_any_past_is_one() -> None:
    made = timeline(settings(), spans_of(), [], (1000, 1000), NOW, 0.0)
    assert made.end > made.start
    assert all(head.spans == () for head in made.heads)


def test_what_began_before_anything_is_remembered_lies_before_the_timeline() -> None:
    made = timeline(settings(), spans_of(N1=[Span(800, 1000, RED)]), ["N1"], (100, 1000), NOW, 1.0, [("began", 400)])
    assert made.moments[0].at == -400


def test_a_timeline_holds_no_more_than_can_be_drawn() -> None:
    many = [Span(number / 10, (number + 1) / 10, RED if number % 2 else DARK) for number in range(10_000)]
    made = timeline(settings(), spans_of(N1=many), ["N1"], (0, 1000), NOW, 10.0)
    assert len(made.heads[0].spans) == MAX_SPANS
    assert made.heads[0].spans[-1].end == 1000


def chip(head_id: str, width: int, height: int) -> Chip:
    return Chip(head_id, np.full((height, width, 3), (0, 0, 200), np.uint8), "03-02 16:00:00")


@pytest.mark.parametrize(("width", "height"), [(9, 22), (40, 100), (400, 150), (12, 300)])
def test_every_head_is_enlarged_until_it_can_be_seen(width: int, height: int) -> None:
    sheet = contact_sheet([chip("N1", width, height)])
    assert sheet is not None
    red = (sheet == (0, 0, 200)).all(axis=2)
    assert max(red.any(axis=0).sum(), red.any(axis=1).sum()) >= 160
    assert sheet.shape[0] <= 520
    below = sheet[np.flatnonzero(red.any(axis=1))[-1] + 1 :]
    assert (below.max(axis=2) < 120).any(), "its name stands beneath"


def test_twelve_heads_are_two_rows_and_more_are_left_out() -> None:
    sheets = [contact_sheet([chip(f"h{number}", 60, 140) for number in range(count)]) for count in (6, 12, 30)]
    six, twelve, thirty = (sheet.shape for sheet in sheets if sheet is not None)
    assert twelve == thirty
    assert twelve[0] > 1.9 * six[0]
    assert six[1] == twelve[1]


def test_a_sheet_of_one_head_is_labelled_with_it_and_one_of_several_is_not() -> None:
    assert label_of(["北1"]) == "北1"
    assert label_of(["N1", "N2"]) == ""


def test_heads_that_cannot_be_written_are_numbered_by_their_rows() -> None:
    heads = ["N1", "北2", "东1"]
    assert [written(head, heads) for head in heads] == ["N1", "#2", "#3"]


def test_sheets_give_the_time_of_the_place() -> None:
    assert clock_of(datetime(2026, 3, 2, 18, 5, 9, tzinfo=UTC), ZoneInfo("Asia/Shanghai")) == "03-03 02:05:09"


def test_no_heads_make_no_sheet() -> None:
    assert contact_sheet([]) is None


# ---- stills


class Watch:
    """Keeps stills of scenes and counts the pictures taken."""

    def __init__(self) -> None:
        self.stills = Stills()
        self.taken: list[str] = []

    def see(self, t: float, heads: Mapping[str, HeadReading]) -> None:
        def take(head: str) -> Image:
            self.taken.append(head)
            return np.full((40, 16, 3), round(t) % 256, np.uint8)

        self.stills.keep(SceneReading(t, NOW.wall_time + timedelta(seconds=t), heads), take)


def lit(*lamps: Lit, unseen: Unseen | None = None) -> HeadReading:
    return HeadReading(lamps, unseen)


def test_stills_are_taken_one_a_picture_and_rarely() -> None:
    watch = Watch()
    for number in range(240):
        watch.see(number / 8, {"N1": lit(ON, OFF, OFF), "N2": lit(OFF, OFF, ON)})
    assert watch.taken == ["N1", "N2"] * 2


def test_the_last_still_before_a_fault_is_shown_with_the_lamp_that_failed() -> None:
    watch = Watch()
    for t in range(0, 300, 20):
        watch.see(t, {"N1": lit(ON, OFF, OFF) if t < 100 else lit(OFF, OFF, ON)})
    newest = watch.stills.before("N1", 290)
    red = watch.stills.before("N1", 290, lamp=0)
    assert newest is not None
    assert newest.lit == (2,)
    assert red is not None
    assert (red.lit, red.media_time) == ((0,), 80)
    assert watch.stills.before("N1", -1) is None
    assert watch.stills.before("E1", 290) is None


def test_a_still_of_the_fault_itself_does_not_replace_all_of_those_before_it() -> None:
    """A fault that is certain only after minutes has been in the newest still since."""
    watch = Watch()
    for t in range(0, 600, 20):
        watch.see(t, {"N1": lit(ON, OFF, OFF)})
    before = watch.stills.before("N1", 500)
    assert before is not None
    assert before.media_time >= 300


@pytest.mark.parametrize(
    "reading",
    [lit(OFF, OFF, OFF), lit(ON, OFF, OFF, unseen=Unseen.OCCLUDED), lit(ON, Lit.UNKNOWN, OFF)],
    ids=["dark", "unseen", "in doubt"],
)
def test_what_does_not_surely_work_is_not_kept(reading: HeadReading) -> None:
    watch = Watch()
    watch.see(0, {"N1": reading})
    assert watch.taken == []


def test_large_heads_are_remembered_small() -> None:
    stills = Stills()
    scene = SceneReading(0, NOW.wall_time, {"N1": lit(ON)})
    stills.keep(scene, lambda _head: np.zeros((900, 300, 3), np.uint8))
    still = stills.before("N1", 1)
    assert still is not None
    assert still.picture.shape[0] <= MOST_HIGH
    assert still.picture.shape[1] <= MOST_WIDE
