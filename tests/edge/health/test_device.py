"""The box's own health: what is said of its disk, heat, clock and uplink, and of all its cameras gone at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contract.events import Clock, SourceKind
from contract.geometry import LocationMethod, at_point
from edge.config.health import DeviceCondition as Is
from edge.config.health import DeviceHealthSettings
from edge.disk import DiskSpace
from edge.health.device import Box, DeviceHealth, Probes
from edge.health.outage import OUTAGE_NAME
from edge.health.thermometer import Heat, read_heat
from tests.edge.health.watching import Outbox, Steady
from tests.edge.parts import T0

GB = 1_000_000_000
CAMERAS = ("cam-1", "cam-2", "cam-3", "cam-4")


class WatchedBox:
    """A box whose surroundings a test sets."""

    def __init__(self, outbox: Outbox | None = None, **settings: Any) -> None:
        self.outbox = outbox or Outbox()
        self.steady = Steady()
        self.set_ahead = timedelta(0)
        self.disk: Callable[[], DiskSpace] = lambda: DiskSpace(100 * GB, 50 * GB)
        self.heat: list[Heat] = []
        self.clock = Clock(synced=True)
        self.trouble: tuple[str, Any] | None = None
        self.models: dict[str, str] = {}
        place = at_point(113.6, 34.7, 50, LocationMethod.MANUAL)
        self.health = DeviceHealth(
            Box("box-1", place, CAMERAS),
            DeviceHealthSettings(**settings),
            self.outbox,
            Probes(
                disk=self._disk_now,
                heat=lambda: self.heat,
                clock=lambda: self.clock,
                uplink_trouble=lambda: self.trouble,
                recall=self.outbox.state.get,
                model_troubles=lambda: self.models,
            ),
            resumed=tuple(self.outbox.open.values()),
            monotonic=self.steady,
            now=lambda: T0 + timedelta(seconds=self.steady.now) + self.set_ahead,
        )

    def _disk_now(self) -> DiskSpace:
        return self.disk()

    def live(self, seconds: float) -> WatchedBox:
        for _ in range(int(seconds)):
            self.steady.now += 1
            self.health.step()
        return self

    def cameras(self, state: str, *names: str) -> None:
        for name in names or CAMERAS:
            self.outbox.state[f"health:{name}"] = state


def test_a_box_that_is_well_says_so_once() -> None:
    box = WatchedBox().live(120)
    assert [event.data.state for event in box.outbox.health] == ["online"]
    assert box.outbox.hazards == []
    assert box.outbox.health[0].data.source.kind is SourceKind.DEVICE


def test_a_disk_that_runs_short_is_said_and_mended_only_with_room_to_spare() -> None:
    box = WatchedBox().live(5)
    box.disk = lambda: DiskSpace(10 * GB, GB // 3)
    box.live(30)
    assert box.outbox.story() == [("disk_short", "opened")]
    detail = box.outbox.hazards[0].data.detail
    assert "333 MB free" in detail["reason"]
    assert detail["measured"]["disk_free_bytes"] == GB // 3
    box.disk = lambda: DiskSpace(10 * GB, int(0.55 * GB))
    box.live(120)
    assert box.health.conditions == (Is.DISK_SHORT,), "a little above the limit is not enough"
    box.disk = lambda: DiskSpace(10 * GB, 2 * GB)
    box.live(60)
    assert box.outbox.story()[-1] == ("disk_short", "cleared")
    assert box.health.snapshot()["conditions"] == {}


def test_a_disk_that_cannot_be_asked_is_not_short() -> None:
    def broken() -> DiskSpace:
        raise OSError(5, "Input/output error")

    box = WatchedBox().live(3)
    box.disk = broken
    assert box.live(60).outbox.hazards == []


def test_heat_is_held_against_the_machines_own_limit() -> None:
    box = WatchedBox()
    box.heat = [Heat("coretemp Core 0", 84, 80), Heat("nvme", 60, None)]
    box.live(30)
    assert box.outbox.story() == [("device_hot", "opened")]
    assert box.outbox.hazards[0].data.detail["reason"] == "coretemp Core 0: 84 °C, expected below 80 °C"
    box.heat = [Heat("coretemp Core 0", 78, 80)]
    box.live(120)
    assert len(box.outbox.story()) == 1, "a processor that throttles hovers at its limit"
    box.heat = [Heat("coretemp Core 0", 60, 80)]
    box.live(60)
    assert box.outbox.story()[-1] == ("device_hot", "cleared")


def test_a_machine_without_thermometers_claims_nothing() -> None:
    assert WatchedBox().live(60).outbox.hazards == []
    assert all(heat.limit_celsius is None or heat.limit_celsius > 0 for heat in read_heat())


def test_a_clock_that_jumps_is_wrong_at_once_and_one_that_is_unsynced_after_a_while() -> None:
    box = WatchedBox().live(5)
    box.clock = Clock(synced=False, offset_seconds=3600)
    box.set_ahead = timedelta(hours=1)
    box.live(3)
    assert box.outbox.story() == [("clock_wrong", "opened")]
    assert "jumped by +3600 s" in box.outbox.hazards[0].data.detail["reason"]
    assert box.outbox.hazards[0].data.clock == box.clock
    box.clock = Clock(synced=True)
    box.live(60)
    assert box.outbox.story()[-1] == ("clock_wrong", "cleared")
    box.clock = Clock(synced=False)
    box.live(890)
    assert len(box.outbox.story()) == 2
    box.live(20)
    assert box.outbox.story()[-1] == ("clock_wrong", "opened")


@pytest.mark.parametrize("hours", [0, 1, -1], ids=["well", "ahead", "back"])
def test_an_uplink_that_is_down_is_said_whatever_the_clock_does(hours: int) -> None:
    box = WatchedBox().live(2)
    box.trouble = ("connection refused", T0 + timedelta(seconds=box.steady.now))
    box.live(100)
    assert box.outbox.hazards == []
    box.set_ahead = timedelta(hours=hours)
    box.live(250)
    assert box.outbox.story() == [("uplink_down", "opened")]
    box.trouble = None
    box.live(60)
    assert box.outbox.story() == [("uplink_down", "opened"), ("uplink_down", "cleared")]


def test_a_switch_that_fails_is_one_episode_with_the_cameras_listed() -> None:
    box = WatchedBox()
    box.cameras("online")
    box.live(5)
    for camera in CAMERAS:
        box.cameras("offline", camera)
        box.live(3)
    box.live(10)
    assert box.outbox.story() == [("cameras_offline", "opened")]
    detail = box.outbox.hazards[0].data.detail
    assert detail["sources"] == list(CAMERAS)
    assert detail["sources_total"] == 4
    assert box.outbox.state[OUTAGE_NAME].splitlines() == list(CAMERAS)
    box.cameras("online", "cam-1", "cam-2", "cam-3")
    box.live(60)
    assert box.outbox.story()[-1] == ("cameras_offline", "cleared")
    assert box.outbox.state[OUTAGE_NAME] == ""


def test_cameras_that_go_one_by_one_are_no_outage() -> None:
    box = WatchedBox()
    box.cameras("online")
    for camera in CAMERAS:
        box.live(60)
        box.cameras("offline", camera)
    assert box.live(60).outbox.hazards == []


def test_a_model_that_failed_is_said_with_all_others_until_none_is_left() -> None:
    box = WatchedBox().live(5)
    box.models = {"things": "2 is refused, 1 serves: it is damaged", "fire": "fire.onnx: cannot be read"}
    box.live(15)
    assert box.outbox.story() == [("model_failed", "opened")]
    detail = box.outbox.hazards[0].data.detail
    assert detail["reason"] == "model fire: fire.onnx: cannot be read; model things: " + box.models["things"]
    assert detail["measured"] == {"models_failed": 2}
    box.models = {"fire": "fire.onnx: cannot be read"}
    box.live(60)
    assert box.outbox.story() == [("model_failed", "opened")]
    box.models = {}
    box.live(40)
    assert box.outbox.story() == [("model_failed", "opened"), ("model_failed", "cleared")]


def test_cameras_that_were_taken_away_are_not_waited_for() -> None:
    box = WatchedBox()
    box.cameras("online")
    box.live(5)
    box.health.watch(CAMERAS[:3])
    box.cameras("offline", *CAMERAS[:3])
    box.live(10)
    assert box.outbox.story() == [("cameras_offline", "opened")]


def test_a_check_that_is_off_is_shown_with_its_reason() -> None:
    box = WatchedBox(off={"uplink_down": "it has no server"})
    box.trouble = ("refused", T0)
    box.live(600)
    assert box.outbox.hazards == []
    assert box.outbox.health[-1].data.unwatched == {"uplink_down": "it has no server"}
    assert box.health.snapshot()["unwatched"] == {"uplink_down": "it has no server"}


def test_an_episode_of_the_box_goes_on_over_a_restart() -> None:
    first = WatchedBox().live(3)
    first.disk = lambda: DiskSpace(10 * GB, 1)
    first.live(30)
    second = WatchedBox(first.outbox)
    second.disk = lambda: DiskSpace(10 * GB, 1)
    second.live(30)
    assert second.outbox.story() == [("disk_short", "opened")]
    second.disk = lambda: DiskSpace(10 * GB, 5 * GB)
    second.live(60)
    assert second.outbox.story() == [("disk_short", "opened"), ("disk_short", "cleared")]
