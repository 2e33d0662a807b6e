"""Alarms against episodes, and the intervals of what is counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from contract.events import Tier
from edge.evaluate.alarms import Alarm, Box
from edge.evaluate.intervals import poisson_rate, wilson
from edge.evaluate.matching import DEFAULT_T_MAX_SECONDS, evaluate, match, t_max_seconds
from edge.evaluate.rows import Row, rows_of
from edge.evaluate.stats import ClipStats
from edge.evaluate.truth import TrueClip, TrueEpisode


def episode(start: float, end: float, hazard: str = "thrown_object", box: Box | None = None) -> TrueEpisode:
    return TrueEpisode(hazard=hazard, start_seconds=start, end_seconds=end, box=box)


def alarm(
    raised: float,
    hazard: str = "thrown_object",
    *,
    clip: str = "gate",
    tier: Tier = Tier.ALARM,
    place: Box | None = None,
) -> Alarm:
    return Alarm(clip, hazard, f"{hazard}-{raised}", tier, raised - 0.5, raised, 0.8, place)


def clip(*episodes: TrueEpisode, name: str = "gate", seconds: float | None = 60) -> TrueClip:
    return TrueClip(file=Path(f"{name}.mp4"), episodes=episodes, duration_seconds=seconds)


@pytest.mark.parametrize(("raised", "found"), [(4.0, True), (3.9, False), (5.0, True), (15.0, True), (15.1, False)])
def test_an_answer_comes_within_its_time(raised: float, found: bool) -> None:
    result = match(clip(episode(5, 7)), [alarm(raised)])
    assert bool(result.answers) is found
    assert bool(result.missed) is not found
    assert bool(result.false) is not found


def test_only_the_same_hazard_answers() -> None:
    result = match(clip(episode(5, 7)), [alarm(6, "fire")])
    assert result.missed
    assert result.false


def test_a_second_alarm_is_a_duplicate_and_not_false() -> None:
    result = match(clip(episode(5, 7)), [alarm(6), alarm(8), alarm(40)])
    assert [answer.alarm.raised_seconds for answer in result.answers] == [6]
    assert [a.raised_seconds for a in result.duplicates] == [8]
    assert [a.raised_seconds for a in result.false] == [40]


def test_as_many_answers_as_possible() -> None:
    """The first alarm could answer both episodes, the second only the earlier one."""
    early, late = episode(5, 6), episode(9, 10)
    result = match(clip(early, late), [alarm(8.5), alarm(7)])
    assert len(result.answers) == 2
    assert {(a.episode.start_seconds, a.alarm.raised_seconds) for a in result.answers} == {(5, 7), (9, 8.5)}


@pytest.mark.parametrize(("place", "found"), [((90, 90, 20, 20), True), ((200, 200, 5, 5), False), (None, True)])
def test_a_place_must_overlap_where_both_are_known(place: Box | None, found: bool) -> None:
    result = match(clip(episode(5, 7, box=(0, 0, 100, 100))), [alarm(6, place=place)])
    assert bool(result.answers) is found


@given(
    st.lists(st.floats(0, 60), max_size=6),
    st.lists(st.floats(0, 60), max_size=8),
)
def test_every_alarm_and_every_episode_is_counted_once(starts: list[float], raised: list[float]) -> None:
    episodes = [episode(start, start + 2) for start in starts]
    alarms = [alarm(t) for t in raised]
    result = match(clip(*episodes), alarms)
    assert len(result.answers) + len(result.missed) == len(episodes)
    assert len(result.answers) + len(result.duplicates) + len(result.false) == len(alarms)
    assert all(-1 <= answer.delay_seconds <= 10 for answer in result.answers)


def test_alarms_find_their_own_clip() -> None:
    results = evaluate(
        [clip(episode(5, 7)), clip(name="other")], [alarm(6), alarm(6, clip="other"), alarm(6, clip="x")]
    )
    assert [len(result.answers) for result in results] == [1, 0]
    assert [len(result.false) for result in results] == [0, 1]


def test_time_limits() -> None:
    assert t_max_seconds("thrown_object") == 10
    assert t_max_seconds("never_heard_of") == DEFAULT_T_MAX_SECONDS


def test_wilson_agrees_with_the_book() -> None:
    """Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for successes, n, low, high in [
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)
    ]:  # fmt: skip
        interval = wilson(successes, n)
        assert interval is not None
        assert interval == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert wilson(0, 0) is None


@given(st.integers(0, 200), st.floats(0.01, 1000))
def test_poisson_limits_leave_a_fortieth_on_each_side(count: int, exposure: float) -> None:
    interval = poisson_rate(count, exposure)
    assert interval is not None
    low, high = interval[0] * exposure, interval[1] * exposure
    assert poisson.cdf(count, high) == pytest.approx(0.025, abs=1e-6)
    if count:
        assert poisson.sf(count - 1, low) == pytest.approx(0.025, abs=1e-6)
    assert poisson_rate(count, 0) is None


def test_thirty_quiet_camera_days_are_needed_to_claim_a_tenth() -> None:
    """detectors.md §0; two-sided limits ask for 36.9."""
    within = poisson_rate(0, 37)
    beyond = poisson_rate(0, 30)
    assert within is not None
    assert beyond is not None
    assert within[1] <= 0.1 < beyond[1]


def table(rows: list[Row]) -> dict[str, Row]:
    return {row.name: row for row in rows}


def test_the_table() -> None:
    clips = [clip(episode(5, 7), episode(30, 32)), clip(name="calm", seconds=86_400 / 2)]
    alarms = [alarm(6.5), alarm(8), alarm(20, tier=Tier.REVIEW)]
    alarms += [alarm(100, clip="calm"), alarm(200, clip="calm", tier=Tier.REVIEW)]
    rows = table(rows_of(evaluate(clips, alarms), {"gate": 60, "calm": 43_200}))
    recall = rows["thrown_object.recall"]
    assert (recall.value, recall.n, recall.interval) == (0.5, 2, wilson(1, 2))
    quiet = rows["thrown_object.false_alarms_per_camera_day_nuisance"]
    assert (quiet.value, quiet.target, quiet.ok, quiet.n) == (2, 0.1, None, 0.5)
    assert rows["thrown_object.false_reviews_per_camera_day_nuisance"].value == 2
    assert rows["thrown_object.false_per_camera_day_all"].note == "3 in 12 camera-hours of 2 clips"
    assert rows["thrown_object.time_to_detect_median"].value == 1.5
    assert rows["thrown_object.duplicates"].value == 1
    assert rows["thrown_object.duplicates"].ok is False
    assert rows["unknown_time_share"].value is None


def test_what_the_replay_took_is_a_mean_over_its_clips() -> None:
    stats = [
        ClipStats(clip="a", frames=100, frames_judged=90, media_seconds=10, unknown_seconds=1, cpu_seconds=0.5),
        ClipStats(clip="b", frames=300, frames_judged=300, media_seconds=30, unknown_seconds=3, cpu_seconds=0.7),
    ]
    rows = table(rows_of([], {}, stats))
    assert (rows["unknown_time_share"].value, rows["unknown_time_share"].n) == (0.1, 40)
    assert (rows["ms_per_frame"].value, rows["ms_per_frame"].n) == (pytest.approx(3), 400)


def test_a_budget_is_only_met_or_missed_where_the_interval_says_so() -> None:
    def verdict(false: int, days: float) -> bool | None:
        clips = [clip(name="calm", seconds=days * 86_400)]
        alarms = [alarm(100.0 + n, clip="calm") for n in range(false)]
        rows = table(rows_of(evaluate(clips, alarms), {"calm": days * 86_400}))
        name = "thrown_object" if false else "all"
        return rows[f"{name}.false_alarms_per_camera_day_nuisance"].ok

    assert verdict(0, 40) is True
    assert verdict(0, 1) is None
    assert verdict(1, 1) is None
    assert verdict(9, 1) is False


def test_a_clip_of_unknown_duration_is_said_so() -> None:
    rows = table(rows_of(evaluate([clip(name="calm", seconds=None)], []), {}))
    row = rows["all.false_alarms_per_camera_day_nuisance"]
    assert (row.value, row.ok) == (None, None)
    assert row.note == "no nuisance clips of known duration"
