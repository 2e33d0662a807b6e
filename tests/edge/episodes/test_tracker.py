"""Episodes open at once, are updated when it matters, and clear by time or by word."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.canonical import canonical_bytes
from contract.details import (
    Box,
    FallFit,
    SignalDetail,
    SignalLamp,
    ThrownObjectDetail,
    TrackPoint,
    listed_heads,
)
from contract.events import HazardEvent, Model, Phase, Severity, Tier
from contract.evidence import Evidence
from edge.episodes.episode import Episode, episode_from_text
from edge.episodes.events import OPENED_EVENT_BYTES
from tests.edge.parts import T0, moment, observation, tracker, writer

PICTURE = Evidence(sha256="ab" * 32, kind="snapshot", media_type="image/jpeg", bytes=9, captured_at=T0, redacted=False)


def opened(episodes=None) -> Episode:
    change = (episodes or tracker()).observe("d", observation(10, started=8), moment(10))
    assert change is not None
    assert change.opened
    assert change.event_due
    return change.episode


def test_an_observation_opens_an_episode_at_once() -> None:
    episode = opened()
    assert (episode.phase, episode.revision) == (Phase.OPENED, 1)
    assert episode.started_at == T0 + timedelta(seconds=8)
    assert episode.observed_at == T0 + timedelta(seconds=10)


def test_only_a_graver_episode_is_updated_at_once() -> None:
    episodes = tracker()
    opened(episodes)
    same = episodes.observe("d", observation(11, confidence=0.9), moment(11))
    assert same is not None
    assert not same.event_due, "confidence alone waits for the interval"
    graver = episodes.observe("d", observation(12, severity=Severity.RED), moment(12))
    assert graver is not None
    assert graver.event_due
    assert graver.episode.revision == 2
    woken = episodes.observe("d", observation(12.5, tier=Tier.ALARM), moment(12.5))
    assert woken is not None
    assert woken.event_due
    assert woken.episode.severity is Severity.RED, "an episode never becomes milder"


def test_confidence_is_said_again_after_the_interval_if_it_changed() -> None:
    episodes = tracker(None)
    opened(episodes)
    due = {}
    for seconds, confidence in [(15, 0.9), (20.5, 0.9), (21, 0.95), (31, 0.98), (42, 0.75)]:
        change = episodes.observe("d", observation(seconds, confidence=confidence), moment(seconds))
        assert change is not None
        due[seconds] = change.event_due
    assert due == {15: False, 20.5: True, 21: False, 31: False, 42: True}


def test_what_doubles_or_halves_is_said_again_after_the_interval() -> None:
    """A fire that grows changes nobody's confidence, and everything for who goes there."""
    episodes = tracker(None)
    said: list[tuple[float, float | None]] = []
    extents = [
        (0, 100),
        (4, 250),
        (12, 190),
        (13, 210),
        (20, 900),
        (24, 900),
        (40, 500),
        (52, 449),
        (53, 100),
        (63, 100),
    ]
    for seconds, extent in extents:
        change = episodes.observe("d", observation(seconds, extent=float(extent)), moment(seconds))
        assert change is not None
        if change.event_due:
            said.append((seconds, change.episode.said_extent))
    assert said == [(0, 100.0), (13, 210.0), (24, 900.0), (52, 449.0), (63, 100.0)]
    silent = episodes.observe("d", observation(90), moment(90))
    assert silent is not None
    assert (silent.event_due, silent.episode.extent) == (False, 100.0), "one that does not say keeps what was said"


def test_silence_clears_and_the_end_is_the_last_observation() -> None:
    episodes = tracker(5)
    episode = opened(episodes)
    assert episodes.overdue(moment(14.99)) == []
    assert episodes.overdue(moment(15)) == [episode]
    cleared = episodes.clear(episode)
    assert (cleared.phase, cleared.revision, cleared.ended_at) == (Phase.CLEARED, 2, T0 + timedelta(seconds=10))
    assert episodes.open_episodes == ()
    again = episodes.observe("d", observation(16), moment(16))
    assert again is not None
    assert again.opened
    assert again.episode.episode_id != episode.episode_id


def test_a_detector_that_says_so_itself_is_not_timed_out() -> None:
    episodes = tracker(None)
    opened(episodes)
    assert episodes.overdue(moment(3 * 86_400)) == []
    over = episodes.observe("d", observation(500, active=False), moment(500))
    assert over is not None
    assert over.event_due
    assert over.episode.phase is Phase.CLEARED
    assert over.episode.ended_at == T0 + timedelta(seconds=500)
    assert episodes.observe("d", observation(501, active=False), moment(501)) is None


def test_evidence_comes_with_an_event_of_its_own() -> None:
    episodes = tracker()
    episode = opened(episodes)
    with_picture = episodes.attach(episode, [PICTURE])
    assert (with_picture.phase, with_picture.revision, with_picture.evidence) == (Phase.UPDATED, 2, (PICTURE,))
    assert episodes.attach(with_picture, [PICTURE]).evidence == (PICTURE,), "no file is listed twice"
    current = episodes.current(episode.episode_id)
    assert current is not None
    cleared = episodes.clear(current)
    late = episodes.attach(cleared, [PICTURE.model_copy(update={"kind": "clip", "sha256": "cd" * 32})])
    assert (late.phase, late.revision, len(late.evidence)) == (Phase.CLEARED, cleared.revision + 1, 2)


def test_evidence_of_an_old_episode_leaves_the_new_one_of_its_key_alone() -> None:
    episodes = tracker()
    old = episodes.clear(opened(episodes))
    new = episodes.observe("d", observation(20), moment(20))
    assert new is not None
    assert episodes.attach(old, [PICTURE]).phase is Phase.CLEARED
    assert episodes.current(new.episode.episode_id) == new.episode


def test_an_episode_survives_the_outbox() -> None:
    episode = replace(opened(), evidence=(PICTURE,), ended_at=T0)
    assert episode_from_text(episode.as_text()) == episode


def test_the_opened_event_of_a_fall_fits_its_limit() -> None:
    track = tuple(TrackPoint(t=123.456 + n / 10, x=1234.5 + n, y=1017.3 + n) for n in range(16))
    fall = FallFit(
        acceleration_mps2=9.812,
        acceleration_error_mps2=0.123,
        end_speed_mps=23.456,
        drop_m=31.234,
        residual_m=0.123,
        observations=123,
        coverage=0.987,
    )
    detail = ThrownObjectDetail(box=Box(x=1234.5, y=1017.3, width=29.5, height=15.5), track=track, fall=fall)
    change = tracker().observe("d", observation(10, hazard="thrown_object", detail=detail), moment(10))
    assert change is not None
    event = writer().hazard(change.episode)
    assert isinstance(event, HazardEvent)
    assert len(canonical_bytes(event.as_json())) + 110 <= OPENED_EVENT_BYTES, "110: the chain's link"


@pytest.mark.parametrize("head", ["n{:02d}", "northbound_left_{:02d}", "北进口左转灯{:02d}"])
def test_the_opened_event_of_a_junction_without_power_fits_its_limit(head: str) -> None:
    detail = SignalDetail(
        scope="junction",
        heads=listed_heads(head.format(number) for number in range(24)),
        heads_total=24,
        approach="northbound",
        groups=("ns", "ns_left", "ew", "ew_left", "pedestrians_n", "pedestrians_s"),
        box=Box(x=1234.5, y=1017.3, width=529.5, height=415.5),
        lamp=SignalLamp(colour="amber", shape="straight"),
        seconds=12345.678,
        expected_seconds=1234.567,
        flash_hz=1.234,
        flash_duty=0.567,
        cycles=12,
        order=("red+amber", "green", "dark"),
        visible_share=0.987,
        samples_per_second=8.123,
    )
    change = tracker().observe("d", observation(10, hazard="signal_dark", key="junction", detail=detail), moment(10))
    assert change is not None
    event = writer().hazard(change.episode)
    assert isinstance(event, HazardEvent)
    assert len(canonical_bytes(event.as_json())) + 110 <= OPENED_EVENT_BYTES, "110: the chain's link"


steps = st.lists(
    st.tuples(
        st.floats(0.01, 8),
        st.sampled_from(["a", "b"]),
        st.booleans(),
        st.sampled_from(list(Severity)),
        st.floats(0, 1),
    ),
    max_size=40,
)


@given(steps)
def test_revisions_grow_by_one_and_every_episode_opens_once_and_clears_once(steps) -> None:
    episodes = tracker(5)
    said: dict[str, list[tuple[int, Phase]]] = {}

    def say(episode: Episode) -> None:
        said.setdefault(episode.episode_id, []).append((episode.revision, episode.phase))

    now = 0.0
    for wait, key, active, severity, confidence in steps:
        now += wait
        seen = observation(now, key=key, active=active, severity=severity, confidence=confidence)
        change = episodes.observe("d", seen, moment(now))
        if change is not None and change.event_due:
            say(change.episode)
        for episode in episodes.overdue(moment(now)):
            say(episodes.clear(episode))
    for episode in episodes.open_episodes:
        say(episodes.clear(episode))
    for history in said.values():
        assert [revision for revision, _ in history] == list(range(1, len(history) + 1))
        phases = [phase for _, phase in history]
        assert phases[0] is Phase.OPENED
        assert phases[-1] is Phase.CLEARED
        assert set(phases[1:-1]) <= {Phase.UPDATED}


def test_an_unknown_detector_of_a_resumed_episode_is_never_timed_out() -> None:
    episodes = tracker()
    foreign = replace(opened(tracker()), detector="gone")
    resumed = type(episodes)(foreign.source, foreign.location, lambda _: "x", {}, [foreign])
    assert resumed.overdue(moment(86_400)) == []
    assert not resumed.clears_by_time(foreign)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1 / 3, 12345.678901])
def test_wall_times_follow_media_times_to_the_microsecond(seconds: float) -> None:
    later = moment(seconds + 2)
    assert abs(later.wall_time_of(seconds) - (T0 + timedelta(seconds=seconds))) <= timedelta(microseconds=1)


def test_events_name_the_weights_of_the_latest_observation_that_had_any() -> None:
    old, new = (Model(name="fire_smoke", version=number, sha256=number * 64) for number in "12")
    episodes, said = tracker(), writer()
    change = episodes.observe("d", observation(10, model=old), moment(10))
    assert change is not None
    assert said.hazard(change.episode).data.producer.model == old
    assert episode_from_text(change.episode.as_text()).model == old
    episodes.observe("d", observation(11), moment(11))
    change = episodes.observe("d", observation(12, severity=Severity.RED, model=new), moment(12))
    assert change is not None
    assert said.hazard(change.episode).data.producer.model == new, "it was replaced while the episode was open"
    episodes.observe("d", observation(13), moment(13))
    assert said.hazard(episodes.clear(episodes.open_episodes[0])).data.producer.model == new


def test_an_episode_written_before_models_were_known_is_read() -> None:
    text = json.loads(opened().as_text())
    del text["model"]
    assert episode_from_text(json.dumps(text)).model is None
