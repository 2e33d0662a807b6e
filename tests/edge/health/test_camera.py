"""A camera's health as events and episodes: what is said, when, how often, and what outlives the program."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.events import Phase, Tier
from contract.evidence import EvidenceKind
from edge.config.health import CameraCondition as Is
from edge.config.health import CameraHealthSettings, camera_health_settings
from edge.detectors.interface import Visibility
from edge.evidence.store import EvidenceStore
from edge.health.camera import sight_name
from edge.health.outage import OUTAGE_NAME
from edge.health.source import health_name
from tests.edge.evidence.small_disk import fill_up, small_disk
from tests.edge.health.scenes import Moment, Regime, Rig, hand
from tests.edge.health.watching import CAMERA, Outbox, Watched

DAY = Moment(Regime.DAY)


def seeing(rig: Rig, start: float, end: float, step: float = 1.0):  # type: ignore[no-untyped-def]
    """Ordinary pictures."""
    return [(float(t), rig.picture(float(t), DAY)) for t in np.arange(start, end, step)]


def test_a_camera_that_is_lost_says_so_at_once_and_is_a_hazard_when_it_lasts() -> None:
    watched = Watched().see(seeing(Rig(1), 0, 5))
    watched.lose(5)
    assert watched.health.state == "offline"
    assert watched.outbox.health[-1].data.reason == "no packets for 10 s"
    watched.pause(5, 13)
    assert watched.outbox.story() == []
    watched.pause(18, 5)
    assert watched.outbox.story() == [("camera_offline", "opened")]
    opened = watched.outbox.hazards[0].data
    assert opened.tier is Tier.REVIEW
    assert opened.detail["reason"] == "no packets for 10 s"
    assert opened.observed_at - opened.started_at == pytest.approx(timedelta(seconds=15), abs=timedelta(seconds=2))
    watched.see(seeing(Rig(1), 30, 45))
    assert watched.health.state == "online"
    assert watched.outbox.story()[-1] == ("camera_offline", "cleared")
    assert watched.outbox.open == {}


def test_a_camera_that_restarts_its_stream_wakes_nobody() -> None:
    watched = Watched().see(seeing(Rig(1), 0, 40, 2))
    watched.lose(40)
    watched.pause(40, 8)
    watched.see(seeing(Rig(1), 50, 60))
    assert watched.outbox.hazards == []
    assert [event.data.state for event in watched.outbox.health] == ["online", "offline", "online"]


def test_a_stream_that_comes_and_goes_makes_no_storm() -> None:
    """Three seconds of pictures, five without, for five minutes."""
    rig, watched = Rig(1), Watched()
    for start in range(0, 300, 8):
        watched.see(seeing(rig, start, start + 3))
        watched.lose(start + 3)
        watched.pause(start + 3, 5)
    assert len(watched.outbox.health) <= 3
    assert watched.outbox.story() == [("camera_offline", "opened")]


def test_flicker_is_no_fault() -> None:
    """Covered for six seconds of every twelve."""
    rig, watched = Rig(2), Watched(learn_seconds=20)
    for t in range(240):
        watched.show(t, rig.picture(t, DAY, hand if t > 30 and t % 12 < 6 else None))
    assert watched.outbox.hazards == []


def test_what_a_camera_cannot_see_with_inhibits_its_detectors() -> None:
    rig, watched = Rig(2), Watched(learn_seconds=20)
    watched.see(seeing(rig, 0, 30))
    assert "thrown_object" not in watched.health.inhibits
    for t in range(30, 36):
        watched.show(t, rig.picture(t, DAY, hand))
    assert watched.health.conditions == (), "it is not said yet"
    assert "thrown_object" in watched.health.inhibits, "and not believed any more"
    for t in range(36, 60):
        watched.show(t, rig.picture(t, DAY, hand))
    assert watched.health.conditions == (Is.COVERED,)
    watched.see(seeing(rig, 60, 80))
    assert "thrown_object" not in watched.health.inhibits
    watched.lose(80)
    assert "thrown_object" in watched.health.inhibits


def test_a_detector_that_needs_no_view_goes_on_when_the_camera_was_moved() -> None:
    rig = Rig(3)
    watched = Watched(learn_seconds=20, moved_spares=("fire",))
    for t in range(60):
        watched.show(t, rig.picture(t, Moment(Regime.DAY, shift=(0.1, 0) if t > 30 else (0, 0))))
    assert watched.health.conditions == (Is.MOVED,)
    assert "thrown_object" in watched.health.inhibits
    assert "fire" not in watched.health.inhibits


def test_an_operator_sees_before_and_after(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    rig = Rig(2)
    watched = Watched(learn_seconds=20, store=store).see(seeing(rig, 0, 40))
    for t in range(40, 60):
        watched.show(t, rig.picture(t, DAY, hand))
    first, second = watched.outbox.hazards
    assert (first.data.phase, first.data.evidence) == (Phase.OPENED, ())
    assert {item.kind for item in second.data.evidence} == {EvidenceKind.SNAPSHOT, EvidenceKind.BEFORE}
    spread = {
        item.kind: float(cv2.imread(str(store.path_of(item.sha256)), cv2.IMREAD_GRAYSCALE).std())
        for item in second.data.evidence
    }
    assert spread["before"] > 3 * spread["snapshot"]


def test_a_picture_that_a_full_disk_does_not_take_is_listed_and_so_reported_lost(tmp_path: Path) -> None:
    """As all evidence is: the uplink finds no file for what an event lists, and tells the server so."""
    with small_disk(tmp_path / "disk", 64 * 1024 * 1024) as disk:
        store = EvidenceStore(disk / "evidence")
        rig = Rig(2)
        watched = Watched(store=store, learn_seconds=20).see(seeing(rig, 0, 40))
        fill_up(disk, leave_bytes=256 * 1024)
        for t in range(40, 60):
            watched.show(t, rig.picture(t, DAY, hand))
        opened, shown = watched.outbox.hazards
        assert opened.data.evidence == ()
        assert {item.kind for item in shown.data.evidence} == {EvidenceKind.SNAPSHOT, EvidenceKind.BEFORE}
        assert not any(store.path_of(item.sha256).exists() for item in shown.data.evidence)


def test_an_event_of_health_is_small_and_names_everything() -> None:
    rig = Rig(2)
    watched = Watched(learn_seconds=20, off={"moved": "it is a PTZ camera"}).see(seeing(rig, 0, 30))
    for t in range(30, 60):
        watched.show(t, rig.picture(t, DAY, hand))
    said = watched.outbox.health[-1].data
    assert said.state == "covered"
    assert said.conditions == ("covered",)
    assert said.unwatched == {"moved": "it is a PTZ camera"}
    assert said.sight is not None
    assert said.sight.sight_seconds + said.sight.blind_seconds + said.sight.unknown_seconds == pytest.approx(41, abs=3)
    assert len(watched.outbox.hazards[0].model_dump_json()) < 2048
    assert watched.meter.state == "covered"
    assert list(watched.meter.conditions) == ["covered"]


def test_a_check_that_is_off_finds_nothing_and_ends_what_it_had_found() -> None:
    rig = Rig(3)
    first = Watched(learn_seconds=20)
    for t in range(60):
        first.show(t, rig.picture(t, Moment(Regime.DAY, shift=(0.1, 0) if t > 30 else (0, 0))))
    assert len(first.outbox.open) == 1
    second = Watched(first.outbox, learn_seconds=20, off={"moved": "PTZ"})
    second.see([(t, rig.picture(t, Moment(Regime.DAY, shift=(0.1, 0)))) for t in range(30)])
    assert second.found == {}
    assert second.outbox.story() == [("camera_moved", "opened"), ("camera_moved", "cleared")]


def test_an_episode_goes_on_over_a_restart_of_the_program() -> None:
    rig = Rig(2)
    first = Watched(learn_seconds=20).see(seeing(rig, 0, 30))
    for t in range(30, 60):
        first.show(t, rig.picture(t, DAY, hand))
    first.health.close(first.wall(60))
    second = Watched(first.outbox, learn_seconds=20)
    assert second.health.conditions == (Is.COVERED,)
    for t in range(60, 70):
        second.show(t, rig.picture(t, DAY, hand))
    assert second.outbox.story() == [("camera_covered", "opened")], "not a second time"
    second.see(seeing(rig, 70, 90))
    assert second.outbox.story()[-1] == ("camera_covered", "cleared")


def test_seconds_of_sight_are_counted_kept_and_told_once_a_day() -> None:
    rig = Rig(2)
    first = Watched(learn_seconds=20).see(seeing(rig, 0, 60))
    first.lose(60)
    first.pause(60, 40)
    first.health.close(first.wall(100))
    assert first.meter.sight_seconds == pytest.approx(59, abs=3)
    assert first.meter.blind_seconds == pytest.approx(40, abs=2)
    assert sight_name(CAMERA.id) in first.outbox.state
    second = Watched(first.outbox, learn_seconds=20)
    assert second.meter.blind_seconds == pytest.approx(40, abs=2)
    told = len(second.outbox.health)
    second.wall = lambda seconds: first.wall(seconds) + timedelta(days=1)
    second.see(seeing(rig, 100, 130))
    daily = [event.data for event in second.outbox.health[told:]]
    assert len([said for said in daily if said.state == "online"]) == 1, "back online and the day's report are one"
    assert daily[-1].sight is not None
    assert daily[-1].sight.blind_seconds >= 38


@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "back"])
def test_a_clock_that_is_set_by_an_hour_neither_clears_nor_repeats(hours: int) -> None:
    rig = Rig(2)
    watched = Watched(learn_seconds=20).see(seeing(rig, 0, 30))
    plain = watched.wall
    for t in range(30, 90):
        # Set in the middle of the dwell.
        watched.wall = (lambda s: plain(s) + timedelta(hours=hours)) if t > 36 else plain
        watched.show(t, rig.picture(t, DAY, hand))
    assert watched.outbox.story() == [("camera_covered", "opened")]
    assert 0 <= watched.found[Is.COVERED] - 30 <= 30
    watched.see(seeing(rig, 90, 110))
    assert watched.outbox.story() == [("camera_covered", "opened"), ("camera_covered", "cleared")]
    for event in watched.outbox.hazards:
        assert event.data.started_at <= event.data.observed_at


def test_a_camera_lost_with_all_others_is_left_to_the_box() -> None:
    outbox = Outbox()
    outbox.state[OUTAGE_NAME] = f"{CAMERA.id}\ncam-2\ncam-3"
    watched = Watched(outbox).see(seeing(Rig(1), 0, 3))
    watched.lose(3)
    watched.pause(3, 60)
    assert watched.health.state == "offline"
    assert watched.outbox.story() == []
    outbox.state[OUTAGE_NAME] = ""
    watched.pause(63, 20)
    assert watched.outbox.story() == [("camera_offline", "opened")], "the others are back, this one is not"


def test_what_no_detector_can_judge_is_blindness_and_no_hazard() -> None:
    rig, watched = Rig(1), Watched()
    for t in range(40):
        watched.show(t, rig.picture(t, DAY))
        watched.health.saw(Visibility.INVALID)
    assert watched.health.state == "blind"
    assert watched.outbox.hazards == []
    for t in range(40, 60):
        watched.show(t, rig.picture(t, DAY))
        watched.health.saw(Visibility.CLEAR)
    assert watched.health.state == "online"
    assert watched.outbox.state[health_name(CAMERA.id)] == "online"


def test_a_recording_that_is_given_up_is_a_hazard_at_once() -> None:
    watched = Watched()
    watched.health.offline("no such file", watched.wall(0), lasting=True)
    assert watched.outbox.story() == [("camera_offline", "opened")]


def test_a_camera_has_its_own_settings_over_those_of_all() -> None:
    common = CameraHealthSettings.model_validate({"off": {"frozen": "slow encoders"}, "covered_after_seconds": 20})
    own = CameraHealthSettings.model_validate({"off": {"moved": "PTZ"}, "moved_share": 0.03})
    merged = camera_health_settings(common, own)
    assert merged.off == {Is.FROZEN: "slow encoders", Is.MOVED: "PTZ"}
    assert (merged.covered_after_seconds, merged.moved_share) == (20, 0.03)
    assert camera_health_settings(common, None) is common
