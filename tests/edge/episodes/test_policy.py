"""What is waited for, what is withheld and what never is: dwell, hysteresis, cool-down, budget, staleness."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.events import Canary, Phase, Severity, Tier
from contract.ids import DeterministicIds, uuid7
from edge.detectors.policy import EpisodePolicy
from edge.episodes.episode import Episode, severity_rank, tier_rank
from edge.episodes.tracker import OVER_BUDGET, Change, EpisodeTracker, Moment
from tests.edge.parts import PLACE, SOURCE, T0, moment, observation

FIRE = EpisodePolicy(clear_after_seconds=5, dwell_seconds=10, cool_down_seconds=60)


def episodes(policy: EpisodePolicy, remembered: str | None = None, resumed: tuple[Episode, ...] = ()) -> EpisodeTracker:
    policies = {"d": policy, "other": policy}
    return EpisodeTracker(SOURCE, PLACE, DeterministicIds("episodes"), policies, resumed, remembered)


def seen(tracker: EpisodeTracker, seconds: float, detector: str = "d", **changes: object) -> Change | None:
    return tracker.observe(detector, observation(seconds, **changes), moment(seconds))


def opened(tracker: EpisodeTracker, seconds: float, detector: str = "d", **changes: object) -> Episode | None:
    change = seen(tracker, seconds, detector, **changes)
    return change.episode if change is not None and change.opened else None


def silence(tracker: EpisodeTracker, seconds: float) -> list[Episode]:
    return [tracker.clear(episode) for episode in tracker.overdue(moment(seconds))]


class TestDwell:
    def test_an_episode_opens_when_the_dwell_is_over_and_began_with_the_first_observation(self) -> None:
        tracker = episodes(FIRE)
        times = [number / 25 for number in range(0, 300)]
        first = next(t for t in times if opened(tracker, t, started=t - 1))
        assert first == pytest.approx(10)
        (episode,) = tracker.open_episodes
        assert episode.started_at == T0 - timedelta(seconds=1)

    def test_five_frames_of_one_flash_are_one_vote(self) -> None:
        tracker = episodes(FIRE)
        flashes = [base + number / 25 for base in (0, 9.9) for number in range(5)]
        assert not any(opened(tracker, t) for t in flashes), "10 s apart, but two votes"
        assert opened(tracker, 12)

    def test_what_pauses_for_longer_begins_anew(self) -> None:
        tracker = episodes(FIRE)
        assert not any(opened(tracker, t) for t in (0, 2, 4, 6, 8))
        assert silence(tracker, 19) == []
        assert not any(opened(tracker, t) for t in (19, 21, 23, 25, 27))
        assert opened(tracker, 29)

    def test_a_slow_detector_opens_too(self) -> None:
        tracker = episodes(replace(FIRE, dwell_seconds=15, clear_after_seconds=40))
        assert [bool(opened(tracker, t)) for t in (0, 10, 20)] == [False, False, True]

    def test_a_dwell_of_nothing_opens_at_once(self) -> None:
        assert opened(episodes(replace(FIRE, dwell_seconds=0)), 3)

    @given(st.lists(st.floats(0.04, 30), min_size=1, max_size=60), st.floats(0.5, 60))
    def test_nothing_opens_before_its_dwell(self, waits: list[float], dwell: float) -> None:
        tracker = episodes(EpisodePolicy(clear_after_seconds=5, dwell_seconds=dwell))
        for t in itertools.accumulate(waits):
            episode = opened(tracker, t)
            if episode is not None:
                assert episode.observed_seconds - episode.start_seconds >= dwell - 1e-6
                assert t - waits[0] >= dwell - 1e-6


class TestHysteresis:
    POLICY = EpisodePolicy(clear_after_seconds=5, open_confidence=0.7, keep_confidence=0.4)

    def test_it_opens_high_and_stays_open_lower(self) -> None:
        tracker = episodes(self.POLICY)
        assert opened(tracker, 0, confidence=0.69) is None
        assert opened(tracker, 1, confidence=0.7)
        assert seen(tracker, 5, confidence=0.4) is not None
        assert silence(tracker, 9) == []
        assert seen(tracker, 9, confidence=0.39) is None, "not enough to keep it"
        assert [episode.ended_at for episode in silence(tracker, 10)] == [T0 + timedelta(seconds=5)]


class TestClocks:
    """A wall clock that is set clears nothing, opens nothing twice and holds nothing open."""

    @pytest.mark.parametrize("jump", [-3600.0, 3600.0])
    def test_a_clock_that_jumps_by_an_hour_changes_no_episode(self, jump: float) -> None:
        def at(seconds: float) -> Moment:
            wall = T0 + timedelta(seconds=seconds + (jump if seconds >= 10 else 0))
            return Moment(seconds, wall)

        tracker = episodes(EpisodePolicy(clear_after_seconds=5))
        said = []
        for number in range(80):
            t = number / 4
            change = tracker.observe("d", observation(t, confidence=0.5 + (t >= 15) * 0.3), at(t))
            assert change is not None
            said += [(t, change.episode.phase)] if change.event_due else []
            assert tracker.overdue(at(t)) == []
        assert said == [(0.0, Phase.OPENED), (15.0, Phase.UPDATED)], "updates come as ever, too"
        assert tracker.overdue(at(24.7)) == []
        (over,) = tracker.overdue(at(24.75))
        cleared = tracker.clear(over)
        assert cleared.ended_at is not None
        assert cleared.ended_at >= cleared.started_at

    def test_what_a_restart_resumed_is_silent_from_then_on(self) -> None:
        first = episodes(EpisodePolicy(clear_after_seconds=5))
        episode = opened(first, 0)
        assert episode is not None
        resumed = episodes(EpisodePolicy(clear_after_seconds=5), resumed=(episode,))
        assert resumed.overdue(moment(500_000)) == [], "how long the program was away says nothing"
        assert resumed.overdue(moment(500_004)) == []
        assert resumed.overdue(moment(500_005)) == [episode]

    def test_while_blind_an_episode_is_held_and_silence_begins_anew(self) -> None:
        tracker = episodes(EpisodePolicy(clear_after_seconds=5))
        opened(tracker, 0)
        for t in range(1, 100):
            tracker.hold({"d"}, moment(t))
            assert tracker.overdue(moment(t)) == []
        assert tracker.overdue(moment(103.9)) == []
        assert len(tracker.overdue(moment(104))) == 1

    def test_a_momentary_episode_is_over_blind_or_not(self) -> None:
        tracker = episodes(EpisodePolicy(clear_after_seconds=5, momentary=True))
        opened(tracker, 0)
        tracker.hold({"d"}, moment(5))
        assert len(tracker.overdue(moment(5))) == 1

    def test_media_time_that_begins_anew_goes_on_with_the_sources_time(self) -> None:
        tracker = episodes(EpisodePolicy(clear_after_seconds=5))
        tracker.observe("d", observation(900), Moment(900, T0, 100))
        assert tracker.overdue(Moment(0, T0, 1001)) == []
        again = tracker.observe("d", observation(2), Moment(2, T0, 1001))
        assert again is not None
        assert not again.opened


class TestStale:
    POLICY = EpisodePolicy(clear_after_seconds=5, stale_after_seconds=100)

    def test_an_episode_that_does_not_end_is_said_to_be_stale_once(self) -> None:
        tracker = episodes(self.POLICY)
        opened(tracker, 0)
        said = []
        for t in range(1, 400):
            change = seen(tracker, t, confidence=0.2 + 0.6 * ((t + 7) // 20 % 2))
            assert change is not None
            said += [(t, "confidence")] * change.event_due
            said += [(t, "stale") for _ in tracker.turned_stale(moment(t))]
        assert [what for t, what in said if t >= 95] == ["stale"], "and its confidence interests nobody any more"
        assert (100, "stale") in said
        rise = seen(tracker, 400, severity=Severity.RED)
        assert rise is not None
        assert rise.event_due, "a rise does"

    def test_how_long_it_lasted_is_known_after_a_restart(self) -> None:
        tracker = episodes(self.POLICY)
        opened(tracker, 0)
        change = seen(tracker, 80, severity=Severity.RED)
        assert change is not None
        after = episodes(self.POLICY, resumed=(change.episode,))
        assert after.turned_stale(moment(7_000)) == []
        assert len(after.turned_stale(moment(7_021))) == 1


class TestBudget:
    POLICY = EpisodePolicy(clear_after_seconds=5, alarms_per_hour=3, alarms_per_day=8)
    ALARM: ClassVar = {"tier": Tier.ALARM, "severity": Severity.RED}

    def test_a_surplus_of_alarms_goes_to_review_and_says_so(self) -> None:
        tracker = episodes(self.POLICY)
        found = [opened(tracker, t, key=f"k{t}", **self.ALARM) for t in range(5)]
        assert [episode.tier for episode in found if episode] == [Tier.ALARM] * 3 + [Tier.REVIEW] * 2
        assert [episode.demoted for episode in found if episode] == [None] * 3 + [OVER_BUDGET] * 2
        assert all(episode.severity is Severity.RED for episode in found if episode), "only the tier is changed"
        assert tracker.counts.demoted == 2

    def test_it_comes_back_with_time(self) -> None:
        tracker = episodes(self.POLICY)
        for t in range(3):
            opened(tracker, t, key=f"k{t}", **self.ALARM)
        tiers = {}
        for t in (1000, 1210, 2000, 2420):
            episode = opened(tracker, t, key=f"k{t}", **self.ALARM)
            assert episode is not None
            tiers[t] = episode.tier
        assert tiers == {1000: Tier.REVIEW, 1210: Tier.ALARM, 2000: Tier.REVIEW, 2420: Tier.ALARM}

    def test_what_was_review_and_becomes_an_alarm_is_counted_then(self) -> None:
        tracker = episodes(replace(self.POLICY, alarms_per_hour=1))
        opened(tracker, 0, key="a", tier=Tier.REVIEW)
        opened(tracker, 0, key="b", tier=Tier.REVIEW)
        first, second = seen(tracker, 1, key="a", **self.ALARM), seen(tracker, 1, key="b", **self.ALARM)
        assert first is not None
        assert second is not None
        assert (first.episode.tier, first.episode.demoted) == (Tier.ALARM, None)
        assert (second.episode.tier, second.episode.demoted, second.event_due) == (Tier.REVIEW, OVER_BUDGET, True)
        again = seen(tracker, 2, key="b", **self.ALARM)
        assert again is not None
        assert not again.event_due, "said once"

    def test_hazards_have_budgets_of_their_own(self) -> None:
        tracker = episodes(replace(self.POLICY, alarms_per_hour=1))
        tiers = [opened(tracker, 0, hazard=hazard, **self.ALARM) for hazard in ("gas", "tilt")]
        assert [episode.tier for episode in tiers if episode] == [Tier.ALARM] * 2

    def test_what_becomes_red_after_it_was_demoted_passes(self) -> None:
        tracker = episodes(replace(self.POLICY, alarms_per_hour=0))
        episode = opened(tracker, 0, tier=Tier.ALARM, severity=Severity.YELLOW)
        assert episode is not None
        assert episode.demoted == OVER_BUDGET
        same = seen(tracker, 1, tier=Tier.ALARM, severity=Severity.YELLOW, confidence=0.95)
        assert same is not None
        assert same.episode.tier is Tier.REVIEW, "confidence is no news"
        red = seen(tracker, 2, **self.ALARM)
        assert red is not None
        assert (red.episode.tier, red.episode.demoted, red.event_due) == (Tier.ALARM, None, True)

    def test_what_another_detector_sees_something_red_beside_passes(self) -> None:
        tracker = episodes(replace(self.POLICY, alarms_per_hour=0))
        alone = opened(tracker, 0, key="a", **self.ALARM)
        assert alone is not None
        assert alone.tier is Tier.REVIEW
        same_kind = opened(tracker, 1, key="b", **self.ALARM)
        assert same_kind is not None
        assert same_kind.tier is Tier.REVIEW, "the same detector is no second witness"
        witness = opened(tracker, 2, "other", key="c", **self.ALARM)
        assert witness is not None
        assert witness.tier is Tier.ALARM
        first = seen(tracker, 3, key="a", **self.ALARM)
        assert first is not None
        assert (first.episode.tier, first.event_due) == (Tier.ALARM, True)

    def test_a_drill_is_no_witness_and_spends_nothing(self) -> None:
        tracker = episodes(replace(self.POLICY, alarms_per_hour=1))
        drill = Canary(id=uuid7(T0), injected_at=T0)
        for number in range(5):
            drilled = observation(0, key=f"canary-{number}", **self.ALARM)
            change = tracker.observe("other", drilled, moment(0), drill)
            assert change is not None
            assert (change.episode.tier, change.episode.canary) == (Tier.ALARM, drill)
        tiers = [opened(tracker, 1, key=key, **self.ALARM) for key in ("a", "b")]
        assert [episode.tier for episode in tiers if episode] == [Tier.ALARM, Tier.REVIEW]

    def test_it_survives_a_restart_and_time_away_counts_for_nothing(self) -> None:
        tracker = episodes(self.POLICY)
        for t in range(3):
            opened(tracker, t, key=f"k{t}", **self.ALARM)
        after = episodes(self.POLICY, remembered=tracker.saved())
        after.overdue(moment(10**6))
        first = opened(after, 10**6 + 600, key="x", **self.ALARM)
        second = opened(after, 10**6 + 1210, key="y", **self.ALARM)
        assert first is not None
        assert second is not None
        assert (first.tier, second.tier) == (Tier.REVIEW, Tier.ALARM)

    @given(st.lists(st.tuples(st.floats(0.1, 4000), st.booleans()), max_size=80))
    def test_no_hour_holds_more_than_twice_and_none_is_lost(self, steps: list[tuple[float, bool]]) -> None:
        tracker = episodes(replace(self.POLICY, clear_after_seconds=0.05))
        alarms, now = [], 0.0
        for number, (wait, loud) in enumerate(steps):
            now += wait
            silence(tracker, now)
            tier = Tier.ALARM if loud else Tier.REVIEW
            episode = opened(tracker, now, key=f"k{number}", tier=tier, severity=Severity.RED)
            assert episode is not None, "never to nothing"
            assert episode.tier is tier or episode.demoted == OVER_BUDGET
            alarms += [now] if episode.tier is Tier.ALARM else []
        for start in alarms:
            assert sum(start <= t <= start + 3600 for t in alarms) <= 2 * 3
            assert sum(start <= t <= start + 86_400 for t in alarms) <= 2 * 8


class TestCoolDown:
    POLICY = EpisodePolicy(clear_after_seconds=5, cool_down_seconds=60)

    def cleared_at_15(self, policy: EpisodePolicy = POLICY, **changes: object) -> tuple[EpisodeTracker, Episode]:
        tracker = episodes(policy)
        first = opened(tracker, 10, **changes)
        assert first is not None
        assert len(silence(tracker, 15)) == 1
        return tracker, first

    def test_the_same_thing_again_is_the_same_story(self) -> None:
        tracker, _ = self.cleared_at_15()
        for t in (20, 21, 40, 41, 60):
            assert seen(tracker, t) is None
            tracker.overdue(moment(t + 0.5))
        tracker.overdue(moment(74))
        assert tracker.counts.folded == 3, "at 20, at 40 and at 60"

    def test_what_is_still_there_when_it_ends_gets_an_episode_of_the_story(self) -> None:
        tracker, first = self.cleared_at_15()
        assert seen(tracker, 30) is None
        tracker.overdue(moment(40))
        found = [t for t in range(70, 80) if opened(tracker, t)]
        assert found == [75], "a cool-down delays by at most its length"
        (again,) = tracker.open_episodes
        assert (again.repeat_of, again.quiet_repeats) == (first.episode_id, 1)
        assert again.start_seconds == 70

    def test_after_it_the_same_thing_is_a_new_story(self) -> None:
        tracker, _ = self.cleared_at_15()
        tracker.overdue(moment(76))
        episode = opened(tracker, 77)
        assert episode is not None
        assert episode.repeat_of is None

    @pytest.mark.parametrize(
        "other", [{"key": "b"}, {"hazard": "gas"}, {"severity": Severity.RED}, {"tier": Tier.ALARM}], ids=str
    )
    def test_anything_else_opens_at_once(self, other: dict[str, object]) -> None:
        tracker, first = self.cleared_at_15()
        episode = opened(tracker, 20, **other)
        assert episode is not None
        graver = "severity" in other or "tier" in other
        assert episode.repeat_of == (first.episode_id if graver else None)

    def test_a_story_is_as_grave_as_it_was_told_not_as_its_detector_meant(self) -> None:
        tracker, _ = self.cleared_at_15(replace(self.POLICY, alarms_per_hour=0), tier=Tier.ALARM)
        assert opened(tracker, 20, tier=Tier.ALARM), "the first was moved to review: this one may be an alarm"

    def test_it_survives_a_restart(self) -> None:
        tracker, _ = self.cleared_at_15()
        after = episodes(self.POLICY, remembered=tracker.saved())
        after.overdue(moment(9000))
        assert seen(after, 9030) is None
        after.overdue(moment(9040))
        assert opened(after, 9070)

    steps = st.lists(
        st.tuples(
            st.floats(0.05, 40),
            st.sampled_from(["a", "b"]),
            st.sampled_from(["gas", "tilt"]),
            st.sampled_from(list(Severity)),
            st.sampled_from(list(Tier)),
        ),
        max_size=60,
    )

    @given(steps, st.floats(1, 120))
    def test_a_cool_down_never_hides_another_thing_nor_a_rise(self, steps: list[tuple], cool_down: float) -> None:
        """Against a plain account of what was told: each observation is part of an open episode, or opens one, or it
        belongs to a place whose last episode ended less than the cool-down ago and was at least as grave."""
        tracker = episodes(replace(self.POLICY, cool_down_seconds=cool_down))
        told: dict[tuple[str, str], tuple[float, int, int]] = {}
        now = 0.0
        for wait, key, hazard, severity, tier in steps:
            now += wait
            for episode in silence(tracker, now):
                gravity = (severity_rank(episode.severity), tier_rank(episode.tier))
                told[episode.hazard, episode.key] = (now, *gravity)
            was_open = any((e.hazard, e.key) == (hazard, key) for e in tracker.open_episodes)
            change = seen(tracker, now, key=key, hazard=hazard, severity=severity, tier=tier)
            if change is not None:
                assert change.opened != was_open
                assert (change.episode.hazard, change.episode.key) == (hazard, key)
                assert severity_rank(change.episode.severity) >= severity_rank(severity)
                continue
            assert (hazard, key) in told, "another key or hazard was hidden"
            ended, severity_told, tier_told = told[hazard, key]
            assert now - ended < cool_down, "hidden for longer than the cool-down"
            assert severity_rank(severity) <= severity_told, "a rise in severity was hidden"
            assert tier_rank(tier) <= tier_told, "a rise in tier was hidden"

    @given(steps)
    def test_sources_know_nothing_of_each_other(self, steps: list[tuple]) -> None:
        alone, beside, noise = (episodes(self.POLICY) for _ in range(3))
        now = 0.0
        for wait, key, hazard, severity, tier in steps:
            now += wait
            changes = {"key": key, "hazard": hazard, "severity": severity, "tier": tier}
            seen(noise, now - 0.01, **changes)
            assert bool(opened(alone, now, **changes)) == bool(opened(beside, now, **changes))
            assert [e.key for e in silence(alone, now)] == [e.key for e in silence(beside, now)]
