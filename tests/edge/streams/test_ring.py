"""The packet ring keeps what a clip needs, and no more than it may."""

from __future__ import annotations

import gc
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.video import StreamTemplate
from edge.streams.ring import PacketRing, RingBudget, RingPacket
from edge.streams.twin import TwinRing

TEMPLATE = object.__new__(StreamTemplate)  # the ring only hands it on


def packet(number: int, *, gop: int = 10, size: int = 100, fps: int = 10) -> RingPacket:
    return RingPacket(
        data=bytes(size),
        media_time=number / fps,
        pts=number * 100,
        dts=number * 100,
        duration=100,
        time_base=Fraction(1, 100 * fps),
        is_key=number % gop == 0,
    )


def filled(count: int, *, seconds: float = 3, most: int = 1_000_000, gop: int = 10) -> PacketRing:
    ring = PacketRing(seconds, most)
    for number in range(count):
        ring.append(packet(number, gop=gop), TEMPLATE)
    return ring


def test_a_cut_begins_at_the_key_frame_before_its_start() -> None:
    cut = filled(100, seconds=30).cut(2.55, 4.0)
    assert cut is not None
    assert (cut.start_media_time, cut.end_media_time) == (2.0, 4.0)
    assert cut.packets[0].is_key
    assert cut.covers_start


def test_a_start_on_a_key_frame_takes_that_one() -> None:
    cut = filled(100, seconds=30).cut(3.0, 3.5)
    assert cut is not None
    assert cut.start_media_time == 3.0


def test_a_start_that_is_forgotten_is_said_so() -> None:
    cut = filled(200, seconds=3).cut(1.0, 18.0)
    assert cut is not None
    assert not cut.covers_start
    assert cut.start_media_time == 16.0, "three seconds, and the group that they begin in"


def test_what_is_wholly_gone_or_not_yet_there_gives_nothing() -> None:
    ring = filled(200, seconds=3)
    assert ring.cut(1.0, 2.0) is None
    assert PacketRing(3, 1000).cut(0, 1) is None
    assert ring.cut(50, 60) is not None, "the last group, which may go on into that time"


def test_without_a_key_frame_nothing_can_be_decoded() -> None:
    ring = PacketRing(3, 1000)
    ring.append(packet(1), TEMPLATE)
    assert ring.cut(0, 5) is None


@given(
    count=st.integers(1, 300),
    gop=st.integers(1, 60),
    seconds=st.floats(0.5, 12),
    most=st.integers(100, 20_000),
)
def test_both_bounds_hold_and_history_is_kept_where_bytes_allow(
    count: int, gop: int, seconds: float, most: int
) -> None:
    ring = PacketRing(seconds, most)
    for number in range(count):
        ring.append(packet(number, gop=gop), TEMPLATE)
        assert ring.size_bytes <= most
    newest = (count - 1) / 10
    if most >= 100 * count:
        cut = ring.cut(max(newest - seconds, 0), newest)
        assert cut is not None
        assert cut.covers_start
        assert len(ring) <= (seconds * 10) + gop + 1, "no more than the history and a group"


def test_frames_shown_out_of_order_are_all_in_a_cut() -> None:
    ring = PacketRing(30, 1_000_000)
    for position, shown in enumerate([0, 4, 2, 1, 3, 8, 6, 5, 7]):
        entry = packet(shown, gop=100)
        ring.append(
            RingPacket(entry.data, entry.media_time, entry.pts, position * 100, 100, entry.time_base, position == 0),
            TEMPLATE,
        )
    cut = ring.cut(0, 0.3)
    assert cut is not None
    assert sorted(p.pts for p in cut.packets) == [0, 100, 200, 300, 400]


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="a ring needs room"):
        PacketRing(0, 1000)


# ---- the budget of a process


def feed(ring: PacketRing, groups: int) -> None:
    """Groups of ten packets of 1000 bytes, one second each."""
    for number in range(groups * 10):
        ring.append(packet(number, size=1000), TEMPLATE)


def test_rings_share_the_bytes_of_their_process() -> None:
    budget = RingBudget(120_000)
    rings = [PacketRing(600, 100_000, budget)]
    feed(rings[0], 30)
    assert rings[0].size_bytes == 100_000, "alone it has all that it may have"
    for _ in range(3):
        rings.append(PacketRing(600, 100_000, budget))
        feed(rings[-1], 30)
    assert [ring.size_bytes for ring in rings] == [100_000, 60_000, 40_000, 30_000], "as they came"
    for ring in rings:
        feed(ring, 1)
        cut = ring.cut(0, 600)
        assert cut is not None
        assert cut.packets[0].is_key, "what is left can be decoded"
    assert sum(ring.size_bytes for ring in rings) <= 120_000
    del ring, rings[1:]
    gc.collect()
    assert budget.share_bytes == 120_000, "rings that are gone take nothing"


def test_a_camera_with_two_streams_has_one_share() -> None:
    budget = RingBudget(120_000)
    twin = TwinRing(600, 100_000, budget)
    other = PacketRing(600, 100_000, budget)
    assert budget.share_bytes == 60_000
    feed(twin, 30)
    assert twin.size_bytes == 60_000, "while its main stream is away, the decoded one has all"
    feed(twin.main, 30)
    assert twin.main.size_bytes == 40_000, "whole groups of ten, in three quarters of the share"
    feed(twin, 1)
    assert twin.size_bytes == 60_000, "and the decoded one what is left"
    cut = twin.main.cut(0, 600)
    assert cut is not None
    assert cut.packets[0].is_key
    del other
    gc.collect()
    feed(twin.main, 30)
    feed(twin, 30)
    assert (twin.main.size_bytes, twin.size_bytes) == (70_000, 100_000), "its own bound holds for both together"
    main = twin.main
    del twin
    gc.collect()
    assert budget.share_bytes == 120_000, f"nothing is counted any more, though {len(main)} packets are still held"
