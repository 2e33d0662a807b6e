"""A fire that a drone films has a place: by its log, by packets in its stream, by messages beside it."""

from __future__ import annotations

import json
import math
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
import yaml
from paho.mqtt.enums import CallbackAPIVersion

from contract.geometry import Point, distance_m
from edge.camera_worker import CameraWorker, SharedParts
from edge.checks import Finding, Grade, findings
from edge.config.document import config_from_text, load_config, load_config_with_lines
from edge.config.health import CameraCondition
from edge.config.problems import ConfigError
from edge.config.sources import CameraSource, config_sha256
from edge.flights.telemetry import Attitude
from edge.outbox.sink import Commit
from edge.replay import Progress, replay
from edge.status import SourceMeter
from edge.vision.pose import Pose
from edge.worker.bell import Bell, new_bell
from edge.worker.cameras import source_parts
from edge.worker.state import State
from samples.town.exif import SITE_M
from tests.edge.brokers import Broker, running
from tests.edge.flights.live.filming import (
    FPS,
    HOME,
    LENS,
    PLANE,
    Drone,
    Film,
    Fire,
    circling,
    hovering,
    passing,
    write_csv,
    write_video,
)
from tests.edge.sources.test_rtsp import SYSTEM_PYTHON, Camera, clip  # noqa: F401 - a fixture

FIRE = Fire(east_m=2.0, north_m=3.0, begins=0.2)
TRUE_PLACE = PLANE.point(FIRE.east_m, FIRE.north_m)
SECONDS = 9.0
"""Of the clip that is judged with the detector's own times: a fire is told after five."""
QUICK = {
    "hazards": ["fire"],
    "gate": {"start_seconds": 0.5},
    "tubes": {"votes": 2, "spread_votes": 1, "fast_votes": 2},
    "timing": {"fire_warning_seconds": 0.5},
    "stages": {"behaviour": False, "calibration": False},
}
"""For tests of places alone: tells what is flame-coloured and restless within a second or two."""
WRONG = {"off_m": (1.4, -1.1, 1.5), "off_degrees": (1.6, -0.25)}
"""About a standard deviation of everything that consumer GNSS is trusted with."""
GROUND = {"height_m": SITE_M, "datum": "sea", "sigma_m": 1.0}
"""Of `samples.town.klv`, whose heights are above the sea."""
KLV = {"type": "klv", "ground": GROUND, "sea_height_sigma_m": 2.0, "lens": {"focal_px": LENS.focal_x}}


def source(telemetry: dict[str, Any] | None, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "kind": "camera",
        "location": {"lon": HOME.longitude, "lat": HOME.latitude, "accuracy_m": 2000},
        "detectors": {"fire_smoke": QUICK},
        **changes,
    }
    return made if telemetry is None else {**made, "telemetry": telemetry}


def document(folder: Path, one: dict[str, Any], **sections: Any) -> str:
    return yaml.safe_dump(
        {"device": {"id": "box-1", "state_dir": str(folder / "state")}, **sections, "sources": {"drone": one}}
    )


def placed(events: Sequence[dict[str, Any]]) -> list[tuple[float, float, str]]:
    """Of each event of a fire: metres from the truth, accuracy, method."""
    found = []
    for event in events:
        if event.get("data", {}).get("hazard") == "fire":
            location = event["data"]["location"]
            longitude, latitude = location["point"]["coordinates"]
            away = distance_m(Point(coordinates=(longitude, latitude)), TRUE_PLACE)
            found.append((away, location["accuracy_m"], location["method"]))
    return found


# ---- recordings


def replayed(folder: Path, video: Path, telemetry: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    path = folder / "edge.yaml"
    one = source(telemetry, **changes)
    path.write_text(document(folder, one).replace("drone:", f"{video.stem}:"), encoding="utf-8")
    out = folder / "events.jsonl"
    results = replay([video], load_config(path), out, None, Progress())
    assert results[0].problem is None, results[0].problem
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drone that hovers in the wind over a fire, as a transport stream with packets."""
    folder = tmp_path_factory.mktemp("filmed")
    return write_video(folder / "hover.ts", Film(hovering(), (FIRE,)), SECONDS, Drone(hovering(), **WRONG))  # type: ignore[arg-type]


def test_packets_of_a_recording_place_a_fire(filmed: Path, tmp_path: Path) -> None:
    plain = {"detectors": {"fire_smoke": {"hazards": ["fire"]}}}
    found = placed(replayed(tmp_path, filmed, KLV, **plain))
    assert found
    for away, accuracy, method in found:
        assert away <= accuracy < 12.0
        assert method == "drone_ray"
    assert found == placed(replayed(tmp_path, filmed, KLV, **plain)), "and again the same"


@pytest.mark.parametrize("path", [circling(6.0), passing(6.0)], ids=["circles", "passes"])
def test_a_log_places_a_fire_from_a_moving_drone(tmp_path: Path, path: Callable[[float], Pose]) -> None:
    """At 6 m/s, with five records a second: a picture lies between two of them."""
    video = write_video(tmp_path / "moving.mp4", Film(path, (FIRE,)), 4.0)
    write_csv(tmp_path / "moving.csv", Drone(path, **WRONG), 4.0)  # type: ignore[arg-type]
    telemetry = {"type": "file", "lens": {"focal_px": LENS.focal_x}, "ground": {"sigma_m": 1.0}}
    found = placed(replayed(tmp_path, video, telemetry))
    assert found
    assert all(away <= accuracy < 12.0 for away, accuracy, _ in found)


def test_an_error_of_time_moves_and_turns_a_camera_together(tmp_path: Path) -> None:
    """A second is six metres of the way: the doubt of who passes, and less of who looks at the fire all the time."""
    radii = []
    for name, path in (("round", circling(6.0)), ("past", passing(6.0))):
        video = write_video(tmp_path / f"{name}.mp4", Film(path, (FIRE,)), 3.0)
        write_csv(tmp_path / f"{name}.csv", Drone(path), 3.0)
        telemetry = {"type": "file", "lens": {"focal_px": LENS.focal_x}, "clock_sigma_seconds": 1.0}
        radii.append(placed(replayed(tmp_path, video, telemetry))[0][1])
    assert radii[0] < radii[1] - 2.0
    assert radii[1] > 1.96 * 6.0


def test_where_the_log_is_silent_the_event_is_where_the_source_is(filmed: Path, tmp_path: Path) -> None:
    video = tmp_path / "silent.mp4"
    write_video(video, Film(hovering(), (FIRE,)), 4.0)
    write_csv(tmp_path / "silent.csv", Drone(hovering()), 0.6)
    telemetry = {"type": "file", "lens": {"focal_px": LENS.focal_x}, "stale_after_seconds": 0.3}
    found = placed(replayed(tmp_path, video, telemetry))
    assert found and all((accuracy, method) == (2000, "camera") for _, accuracy, method in found)


def test_a_recording_without_a_log_says_so(tmp_path: Path) -> None:
    video = write_video(tmp_path / "alone.mp4", Film(hovering()), 1.0)
    path = tmp_path / "edge.yaml"
    path.write_text(document(tmp_path, source({"type": "file"})).replace("drone:", "alone:"), encoding="utf-8")
    problem = replay([video], load_config(path), tmp_path / "out.jsonl", None, Progress())[0].problem
    assert problem is not None and "put the log beside the video, named alone.SRT" in problem


# ---- live


class Sink:
    """Keeps what a camera says, and hands it on."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.events: list[dict[str, Any]] = []

    def commit(self, commit: Commit) -> None:
        self.events += [event.as_json() for event in commit.events]
        self._inner.commit(commit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@contextmanager
def watching(folder: Path, one: dict[str, Any], **sections: Any) -> Iterator[tuple[CameraWorker, SourceMeter, Sink]]:
    """A worker at work in a thread of its own."""
    folder.mkdir(exist_ok=True)
    path = folder / "edge.yaml"
    path.write_text(document(folder, one, **sections), encoding="utf-8")
    config = load_config(path)
    settings = config.sources["drone"]
    assert isinstance(settings, CameraSource)
    bell = new_bell()
    state = State(config, Bell(bell), threading.Event())
    patient, meter = state.patient_sink(), SourceMeter("drone", "camera")
    sink = Sink(patient)
    parts = source_parts(state, config, settings, meter, sink)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as executor:
        shared = SharedParts(config.evidence, state.store, executor, sink, broker=config.mqtt)
        worker = CameraWorker("drone", settings, parts, shared)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield worker, meter, sink
        finally:
            worker.stop()
            thread.join(40)
            assert not thread.is_alive()
    state.outbox.close()


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def over_rtsp(path: Path) -> str:
    """A mount that sends a transport stream as it is, packets and all (RFC 2250)."""
    return f'/live=filesrc location="{path}" ! tsparse set-timestamps=true ! rtpmp2tpay name=pay0 pt=33'


def test_packets_in_a_live_stream_place_a_fire(clip: Path, filmed: Path, tmp_path: Path) -> None:  # noqa: F811
    camera = Camera(over_rtsp(filmed))
    try:
        address = {"type": "rtsp", "url": camera.url, "read_timeout_seconds": 4}
        with watching(tmp_path, source(KLV, input=address)) as (_, meter, sink):
            wait_until(lambda: placed(sink.events), "a fire")
            assert meter.notices == ()
    finally:
        camera.close()
    for away, accuracy, method in placed(sink.events):
        assert away <= accuracy < 12.0
        assert method == "drone_ray"
    moved = [event for event in sink.events if event["data"].get("hazard") in {"camera_moved", "camera_blurred"}]
    assert moved == []


def test_packets_that_are_garbage_never_stop_the_pictures(clip: Path, tmp_path: Path) -> None:  # noqa: F811
    class Mad(Drone):
        def said(self, t: float) -> tuple[Point, float, Attitude]:
            _, _, gimbal = super().said(t)
            return Point(coordinates=(-120.0 + 30 * math.sin(9 * t), 80 * math.cos(7 * t))), -800.0, gimbal

    video = write_video(tmp_path / "mad.ts", Film(hovering(), (FIRE,)), 5.0, Mad(hovering()))
    camera = Camera(over_rtsp(video))
    try:
        address = {"type": "rtsp", "url": camera.url, "read_timeout_seconds": 4}
        with watching(tmp_path, source(KLV, input=address)) as (_, meter, sink):
            wait_until(lambda: placed(sink.events), "a fire")
            wait_until(lambda: meter.faults["telemetry_leaps"] > 5, "leaps to be counted")
            assert any("no places" in notice for notice in meter.notices)
            assert meter.failures == 0
    finally:
        camera.close()
    assert {(accuracy, method) for _, accuracy, method in placed(sink.events)} == {(2000, "camera")}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path / "broker") as made:
        yield made


@contextmanager
def telling(
    broker: Broker, topic: str, messages: Callable[[float], bytes | None], rate: float = 10.0
) -> Iterator[None]:
    """A drone's remote control, which publishes so many times a second."""
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    ended = threading.Event()

    def tell() -> None:
        began = time.monotonic()
        while not ended.wait(1 / rate):
            message = messages(time.monotonic() - began)
            if message is not None:
                client.publish(topic, message, 0)

    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        client.disconnect()
        client.loop_stop()


MQTT = {
    "type": "mqtt",
    "topic": "drones/7/osd",
    "time_path": "at",
    "lag_seconds": 0.0,
    "lens": {"focal_px": LENS.focal_x},
    "ground": {"sigma_m": 1.0},
    "fields": {
        "latitude": "place.lat",
        "longitude": "place.lon",
        "above_takeoff_m": "place.height",
        "gimbal_yaw": "gimbal.0",
        "gimbal_pitch": "gimbal.1",
        "gimbal_roll": "gimbal.2",
    },
}


def osd(drone: Drone, t: float) -> bytes:
    place, up, gimbal = drone.said(t)
    said = {"lat": place.latitude, "lon": place.longitude, "height": up}
    return json.dumps({"at": 5000 + t, "place": said, "gimbal": [gimbal.yaw, gimbal.pitch, gimbal.roll]}).encode()


def test_messages_beside_a_live_stream_place_a_fire(clip: Path, filmed: Path, broker: Broker, tmp_path: Path) -> None:  # noqa: F811
    """Among them all that should not be there; the drone's clock is decades off."""
    drone = Drone(hovering(), **WRONG)  # type: ignore[arg-type]
    garbage = [b"", b"{", b"[]", b"null", b"\xff" * 40, b'{"place": 3}', b"9" * 300_000]

    def message(t: float) -> bytes | None:
        number = int(t * 10)
        return garbage[number // 3 % len(garbage)] if number % 3 == 0 else osd(drone, t)

    camera = Camera(over_rtsp(filmed))
    try:
        address = {"type": "rtsp", "url": camera.url, "read_timeout_seconds": 4}
        sections = {"mqtt": {"host": "127.0.0.1", "port": broker.port, "client_id": "box-1"}}
        with (
            telling(broker, "drones/7/osd", message),
            watching(tmp_path, source(MQTT, input=address), **sections) as (_, meter, sink),
        ):
            wait_until(lambda: placed(sink.events), "a fire")
            broker.stop()
            wait_until(lambda: any("no places" in notice for notice in meter.notices), "silence to be said")
            frames = meter.frames_decoded
            wait_until(lambda: meter.frames_decoded > frames + 2 or meter.sessions > 1, "pictures all the same")
    finally:
        camera.close()
    away, accuracy, method = placed(sink.events)[0]
    assert away <= accuracy < 15.0
    assert method == "drone_ray"


def test_messages_beside_a_recording_that_is_played(filmed: Path, broker: Broker, tmp_path: Path) -> None:
    drone = Drone(hovering(), **WRONG)  # type: ignore[arg-type]
    address = {"type": "file", "path": str(filmed), "pace": "realtime"}
    sections = {"mqtt": {"host": "127.0.0.1", "port": broker.port, "client_id": "box-1"}}
    with (
        telling(broker, "drones/7/osd", lambda t: osd(drone, t)),
        watching(tmp_path, source({**MQTT, "time_path": None}, input=address), **sections) as (_, _, sink),
    ):
        wait_until(lambda: placed(sink.events), "a fire")
    away, accuracy, method = placed(sink.events)[0]
    assert away <= accuracy < 15.0 and method == "drone_ray"


@pytest.mark.parametrize(
    ("telemetry", "words"),
    [
        ({"type": "file"}, "put the log beside the video"),
        ({"type": "file", "ground": {"elevation": "none.tif"}}, "none.tif"),
    ],
)
def test_what_cannot_be_read_is_said_and_never_stops_the_pictures(
    tmp_path: Path, telemetry: dict[str, Any], words: str
) -> None:
    video = write_video(tmp_path / "alone.mp4", Film(hovering(), (FIRE,)), 4.0)
    address = {"type": "file", "path": str(video), "pace": "fastest"}
    with watching(tmp_path, source(telemetry, input=address)) as (_, meter, sink):
        wait_until(lambda: placed(sink.events), "a fire, where the source is")
        assert any(notice.startswith("no places: ") and words in notice for notice in meter.notices)
        assert meter.failures == 0
    assert {(accuracy, method) for _, accuracy, method in placed(sink.events)} == {(2000, "camera")}


# ---- what the configuration says


CORNERS = [{"pixel": [x, y], "lon": 113.62 + x / 1e6, "lat": 34.75 - y / 1e6} for x in (0, 9) for y in (0, 9)]
TWO = {"type": "rtsp", "streams": {"main": "rtsp://a/1", "sub": "rtsp://a/2"}}
LOOPED = {"type": "file", "path": "a.mp4", "loop": True}


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (source(MQTT), "found telemetry over mqtt, expected a top-level mqtt"),
        (source({"type": "klv"}, ground={"points": CORNERS}), "found ground and telemetry"),
        (source({"type": "file"}, input={"type": "rtsp", "url": "rtsp://a/b"}), "expected klv or mqtt"),
        (source({"type": "klv"}, input={"type": "v4l2"}), "which holds none"),
        (source({"type": "klv"}, input=TWO), "for two streams"),
        (source({"type": "file"}, input=LOOPED), "ends with the first round"),
        (source({"type": "klv", "lag": 3}), "lag"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, one: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        config_from_text(document(tmp_path, one), tmp_path / "edge.yaml")
    assert words in str(raised.value)
    assert "sources.drone" in str(raised.value)


def checked(folder: Path, one: dict[str, Any], *, online: bool = False) -> list[Finding]:
    path = folder / "edge.yaml"
    path.write_text(document(folder, one), encoding="utf-8")
    return [said for said in findings(path, *load_config_with_lines(path), online=online) if said.subject == "drone"]


def test_check_reads_the_log_and_the_ground(filmed: Path, tmp_path: Path) -> None:
    address = {"type": "file", "path": str(filmed)}
    fine = checked(tmp_path, source(KLV, input=address))
    assert [said.message for said in fine if "records" in said.message] == [
        "telemetry: 72 records up to 8.9 s, 0 left out"
    ]
    lost = checked(tmp_path, source({**KLV, "ground": {"elevation": "none.tif"}}, input=address))
    assert any(said.grade is Grade.PROBLEM and "none.tif" in said.message for said in lost)
    bare = checked(tmp_path, source({"type": "file", "path": "none.srt"}, input=address))
    assert any(said.grade is Grade.PROBLEM and "none.srt" in said.message for said in bare)


def test_check_says_that_a_stream_holds_no_packets(clip: Path, tmp_path: Path) -> None:  # noqa: F811
    camera = Camera(str(clip))
    try:
        address = {"type": "rtsp", "url": camera.url, "read_timeout_seconds": 4}
        said = checked(tmp_path, source(KLV, input=address), online=True)
    finally:
        camera.close()
    assert any(one.grade is Grade.WARNING and "nothing beside its pictures" in one.message for one in said)


def test_the_examples_of_the_documentation_are_configurations(root: Path, tmp_path: Path) -> None:
    text = (root / "docs/edge/drones.md").read_text(encoding="utf-8")
    examples = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    assert len(examples) == 2
    for example in examples:
        config = config_from_text(example, tmp_path / "edge.yaml")
        assert all(isinstance(one, CameraSource) and one.telemetry is not None for one in config.sources.values())


def test_events_name_the_telemetry_that_shaped_them(tmp_path: Path) -> None:
    def digest(telemetry: dict[str, Any]) -> str:
        config = config_from_text(document(tmp_path, source(telemetry)), tmp_path / "edge.yaml")
        return config_sha256(config.sources["drone"], config.evidence)

    assert digest(KLV) != digest({**KLV, "lag_seconds": 1.0})
    assert digest({"type": "file", "path": "a.srt"}) == digest({"type": "file", "path": "b.srt"}), "no paths"


def test_health_of_a_flying_camera_is_judged_without_a_view(tmp_path: Path) -> None:
    address = {"type": "file", "path": str(tmp_path / "none.mp4")}
    with watching(tmp_path, source({"type": "file"}, input=address, health={"off": {"frozen": "why not"}})) as (
        _,
        _,
        sink,
    ):
        wait_until(lambda: any("unwatched" in event["data"] for event in sink.events), "a word of health")
    said = next(event["data"]["unwatched"] for event in sink.events if "unwatched" in event["data"])
    assert set(said) == {CameraCondition.MOVED, CameraCondition.DEFOCUSED, CameraCondition.FROZEN}
    assert said["frozen"] == "why not" and "it flies" in said["moved"]


def test_the_server_is_there() -> None:
    """What the live tests above need."""
    check = (
        "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst; Gst.init(None); "
        "assert all(Gst.ElementFactory.find(name) for name in ('tsparse', 'rtpmp2tpay'))"
    )
    done = subprocess.run([SYSTEM_PYTHON, "-c", check], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no GStreamer with transport streams: apt-get install gstreamer1.0-plugins-bad")
    assert FPS == 8
