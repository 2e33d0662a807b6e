"""Records out of messages and packets: fields by paths, clocks that are wrong, and everything hostile."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from edge.config.device import MqttSettings
from edge.config.telemetry import KlvTelemetry, MqttTelemetry
from edge.flights.live.channels import MOST_A_SECOND, KlvChannel, MessageClock, MqttChannel, Valve
from edge.flights.live.messages import MessageError, record_of
from edge.flights.live.track import Absent, LiveTrack, Moment
from edge.sources.payload import PayloadError
from tests.edge.flights.reading.packets import flying, packet

BROKER = MqttSettings(host="127.0.0.1", port=1, client_id="box-1")

DOCK: dict[str, Any] = {
    "type": "mqtt",
    "topic": "thing/product/1ZNBJ7R0010/osd",
    "time_path": "timestamp",
    "fields": {
        "latitude": "data.latitude",
        "longitude": "data.longitude",
        "above_takeoff_m": "data.elevation",
        "above_ellipsoid_m": "data.height",
        "gimbal_yaw": "data.52-0-0.gimbal_yaw",
        "gimbal_pitch": "data.52-0-0.gimbal_pitch",
        "gimbal_roll": "data.52-0-0.gimbal_roll",
        "heading": "data.attitude_head",
    },
}
"""As docks publish it."""


def telemetry(**changes: Any) -> MqttTelemetry:
    return TypeAdapter(MqttTelemetry).validate_python({**DOCK, **changes})


def message(n: int = 0, **data: Any) -> bytes:
    said = {"latitude": 34.7500013 + n * 1e-5, "longitude": 113.6200017, "elevation": 80.5, "height": 190.25}
    said |= {"attitude_head": -170.0, "52-0-0": {"gimbal_yaw": 12.5, "gimbal_pitch": -60.0, "gimbal_roll": 0.0}}
    return json.dumps({"timestamp": 1_778_549_400_000 + n * 500, "data": {**said, **data}}).encode()


def test_fields_by_paths() -> None:
    fix, sent = record_of(telemetry(), message())
    assert (fix.latitude, fix.longitude) == (34.7500013, 113.6200017)
    assert (fix.above_takeoff_m, fix.above_ellipsoid_m, fix.above_sea_m) == (80.5, 190.25, None)
    assert fix.gimbal is not None and (fix.gimbal.yaw, fix.gimbal.pitch) == (12.5, -60.0)
    assert fix.platform is not None and fix.platform.yaw == -170.0
    assert sent == 1_778_549_400.0


def test_scales_and_a_yaw_from_the_nose() -> None:
    """As MAVLink's GLOBAL_POSITION_INT has it."""
    fields = {
        "latitude": {"path": "lat", "scale": 1e-7},
        "longitude": {"path": "lon", "scale": 1e-7},
        "above_takeoff_m": {"path": "relative_alt", "scale": 0.001},
        "heading": {"path": "hdg", "scale": 0.01},
        "gimbal_yaw": "mount.2",
        "gimbal_pitch": "mount.1",
    }
    settings = telemetry(fields=fields, gimbal_yaw_from="nose", time_path=None)
    said = {"lat": 347500013, "lon": 1136200017, "relative_alt": 60250, "hdg": 35000, "mount": [0, -45.5, 20]}
    fix, sent = record_of(settings, json.dumps(said).encode())
    assert fix.latitude == pytest.approx(34.7500013) and fix.above_takeoff_m == pytest.approx(60.25)
    assert fix.gimbal is not None
    assert fix.gimbal.yaw == pytest.approx(10.0) and (fix.gimbal.pitch, fix.gimbal.roll) == (-45.5, 0.0)
    assert sent is None


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"x" * 300_000, "expected at most"),
        (b"[]", "latitude: found nothing at data.latitude"),
        (message(latitude=None), "latitude: found nothing"),
        (message(latitude="34.7"), "latitude: found str"),
        (message(longitude=True), "longitude: found bool"),
        (message(elevation=float("nan")), "above_takeoff_m: found nan"),
        (message(height=10**400), "above_ellipsoid_m: found inf"),
        (message(**{"52-0-0": {"gimbal_yaw": 1250, "gimbal_pitch": -60}}), "state a scale"),
        (message().replace(b"1778549400000", b'"yesterday"'), "expected RFC 3339 text or Unix time"),
    ],
)
def test_what_is_no_record_says_why(payload: bytes, words: str) -> None:
    with pytest.raises((MessageError, PayloadError)) as raised:
        record_of(telemetry(), payload)
    assert words in str(raised.value)


def test_a_gimbal_that_is_not_there_is_not_made_up() -> None:
    assert record_of(telemetry(), message(**{"52-0-0": None}))[0].gimbal is None
    assert record_of(telemetry(), message(**{"52-0-0": {"gimbal_yaw": 3.0}}))[0].gimbal is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fields": {"latitude": "a", "longitude": "b"}}, "found no height"),
        ({"fields": {**DOCK["fields"], "gimbal_pitch": None}}, "expected both or neither"),
        ({"gimbal_yaw_from": "nose", "fields": {**DOCK["fields"], "heading": None}}, "without a field heading"),
        ({"fields": {**DOCK["fields"], "latitude": {"path": "a", "scale": 0}}}, "a scale of 0"),
        ({"topic": "a/#/b"}, "expected a topic filter"),
        ({"stale_after_seconds": 0}, "greater than 0"),
        ({"ground": {"elevation": "a.tif", "height_m": 3}}, "give one of them"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        telemetry(**change)


# ---- clocks


def test_a_wrong_clock_is_no_harm_and_jitter_is_taken_out() -> None:
    """The drone's clock is an hour off; messages take 0.1 to 0.4 s."""
    clock, rng = MessageClock(), random.Random(1)
    found = [clock.steady(3600 + t / 2, 1000 + t / 2 + 0.1 + 0.3 * rng.random()) for t in range(200)]
    late = [at - (1000 + t / 2) for t, at in enumerate(found)]
    assert max(late[20:]) - min(late[20:]) < 0.1, "its own steps, and nothing of the network's"
    assert all(0.1 <= each < 0.25 for each in late[20:])


def test_a_clock_that_is_set_is_followed() -> None:
    clock = MessageClock()
    before = [clock.steady(100 + t, 1000 + t) for t in range(5)]
    ahead = [clock.steady(9100 + t, 1005 + t) for t in range(5)]
    back = [clock.steady(50 + t, 1010 + t) for t in range(5)]
    assert [*before, *ahead, *back] == pytest.approx([1000 + t for t in range(15)], abs=0.01)


def test_messages_that_the_network_held_back_keep_their_time() -> None:
    clock = MessageClock()
    for t in range(10):
        clock.steady(float(t), 1000.0 + t)
    assert [clock.steady(10 + t / 10, 1016.0) for t in range(10)] == pytest.approx(
        [1010 + t / 10 for t in range(10)], abs=0.01
    )
    assert clock.steady(None, 7.0) == 7.0, "a message without a time is of its arrival"


def test_a_valve_lets_no_more_through() -> None:
    valve = Valve(10)
    assert sum(valve.lets(1, 5.0) for _ in range(100)) == 10
    assert sum(valve.lets(1, 5.5) for _ in range(100)) == 5
    assert valve.lets(1, -1e9) is False and valve.lets(1, 1e9) is True


# ---- channels


def channel(**changes: Any) -> tuple[MqttChannel, LiveTrack]:
    track = LiveTrack(2.0, 3.0)
    return MqttChannel("drone-1", telemetry(**changes), BROKER, track), track


def test_messages_reach_the_track() -> None:
    heard, track = channel()
    for n in range(5):
        heard.take(message(n), 500.0 + n / 2 + 0.05 * (n % 2))
    found = track.at(501.25)
    assert isinstance(found, Moment)
    assert found.fix.latitude == pytest.approx(34.7500013 + 2.5e-5, abs=1e-7)


def test_messages_that_are_none_cost_themselves_only() -> None:
    heard, track = channel()
    rng = random.Random(7)
    for n in range(40):
        whole = message(n)
        garbage = [b"", b"{", whole[: rng.randrange(len(whole))], rng.randbytes(200), b"null", b'{"data": []}']
        heard.take(whole, 500.0 + n / 2)
        heard.take(rng.choice(garbage), 500.0 + n / 2)
        heard.take(message(n, latitude=-12.0), 500.0 + n / 2)
    assert track.counts["taken"] == 40


def test_a_storm_of_messages_is_let_through_as_far_as_is_useful() -> None:
    heard, track = channel(time_path=None)
    for n in range(5000):
        heard.take(message(n), 500.0 + n / 1000)
    assert track.counts["taken"] <= 6 * MOST_A_SECOND


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["data", "latitude", "longitude", "elevation", "52-0-0", "timestamp"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_a_record_or_an_error(document: Any) -> None:
    try:
        fix, sent = record_of(telemetry(), json.dumps(document).encode())
    except (MessageError, PayloadError):
        return
    assert math.isfinite(fix.latitude) and (sent is None or math.isfinite(sent))


def klv() -> tuple[KlvChannel, LiveTrack]:
    track = LiveTrack(2.0, 3.0)
    return KlvChannel("drone-1", KlvTelemetry(type="klv"), track), track


def test_packets_between_pictures_reach_the_track() -> None:
    heard, track = klv()
    for n in range(10):
        heard.take(packet(flying(n)), 90.0 + n / 5, n / 5)
    found = track.at(90.5)
    assert isinstance(found, Moment) and found.fix.latitude == pytest.approx(34.750025, abs=1e-6)
    assert found.fix.gimbal is not None and found.fix.gimbal.pitch == pytest.approx(-90, abs=0.01)
    assert heard.trouble == ""


def test_broken_packets_cost_themselves_only() -> None:
    heard, track = klv()
    rng = random.Random(3)
    for n in range(60):
        good = packet(flying(n))
        spoilt = bytearray(good)
        spoilt[rng.randrange(17, len(spoilt))] ^= 1 + rng.randrange(255)
        heard.take(rng.choice([bytes(spoilt), rng.randbytes(rng.randrange(500)), b"", good[:16]]), n / 5 - 0.1, n / 5)
        heard.take(good, n / 5, n / 5)
    assert track.counts["taken"] >= 55
    assert isinstance(track.at(10.0), Moment)


def test_a_flood_of_data_is_not_all_looked_at() -> None:
    heard, track = klv()
    heard.take(bytes(64) * 20_000, 0.0, 0.0)
    for _n in range(2000):
        heard.take(bytes(64 * 1024), 0.0, 0.0)
    heard.take(packet(flying(1)), 5.0, 30.0)
    assert track.counts == {"taken": 1}


def test_nothing_was_heard() -> None:
    heard, track = klv()
    assert "no packet of telemetry yet" in heard.trouble
    assert track.at(0.0) is Absent.SILENT
