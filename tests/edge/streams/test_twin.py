"""Cameras with two streams: which is decoded, what is kept, and one of them away. Real RTSP servers, real pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.config.sources import CameraSource
from edge.detectors.registry import PictureSize
from edge.detectors.thrown_object import ThrownObjectSettings
from edge.detectors.thrown_object.scaling import scaled
from edge.sources.errors import SourceError
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream
from edge.streams.late import Baseline
from edge.streams.needs import needs_of, settings_for
from edge.streams.opened import open_camera
from edge.streams.ring import PacketRing
from edge.streams.twin import MainRecorder, TwinRing
from tests.edge.brokers import free_port
from tests.edge.sources.test_rtsp import Camera, clip  # noqa: F401 - a fixture

MAIN, SUB = PictureSize(1280, 720), PictureSize(640, 360)
FACADE = {
    "polygon": [[100, 100], [900, 60], [1000, 700]],
    "ignore": [[[200, 200], [300, 200], [300, 300]]],
    "homography": [
        {"pixel": [100, 700], "metres": [0, 0]},
        {"pixel": [1100, 700], "metres": [20, 0]},
        {"pixel": [100, 100], "metres": [0, 15]},
        {"pixel": [1000, 120], "metres": [20, 15]},
    ],
}
POSE = {"height_m": 1.5, "tilt_degrees": 20, "focal_px": 1100, "distance_m": 30}


def camera(main: str, sub: str, **detectors: Any) -> CameraSource:
    address = {"type": "rtsp", "streams": {"main": main, "sub": sub}, "open_timeout_seconds": 5}
    return CameraSource.model_validate({"kind": "camera", "input": address, "detectors": detectors})


def pictures(width: int, height: int) -> str:
    return (
        f"videotestsrc is-live=true ! video/x-raw,width={width},height={height},framerate=10/1,format=I420 ! "
        "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=10 ! rtph264pay name=pay0 pt=96"
    )


@pytest.fixture
def twin(clip: Path) -> Iterator[Camera]:  # noqa: F811
    server = Camera(f"/main={pictures(1280, 720)}", f"/sub={pictures(640, 360)}")
    yield server
    server.close()


def url(server: Camera, path: str) -> str:
    return f"rtsp://127.0.0.1:{server.port}/{path}"


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def test_the_sub_stream_is_decoded_and_the_main_one_is_kept(twin: Camera) -> None:
    opened = open_camera(camera(url(twin, "main"), url(twin, "sub")), None)
    assert (opened.role, opened.size, opened.main_size) == ("sub", SUB, MAIN)
    assert opened.kept is not None
    ring = TwinRing(20, 10_000_000)
    stream = CameraStream("twin", opened.decoded, needs=opened.needs, role=opened.role, ring=ring)
    said: list[str] = []
    recorder = MainRecorder(
        opened.kept,
        lambda: pytest.fail("it was open"),
        ring.main,
        stream.baseline,
        told=said.append,
        backoff=lambda _: 1,
    )
    recorder.start()
    try:
        for frame in stream.frames():
            assert frame.luma.shape == (360, 640)
            if frame.media_time >= 3.5:
                break
        wait_until(lambda: ring.main.seconds >= 2, "the main stream's packets")
        cut = ring.cut(2.0, 3.0)
    finally:
        recorder.stop()
        opened.decoded.close()
        recorder.join(20)
    assert cut is not None
    assert (cut.template.width, cut.template.height) == (1280, 720), "evidence in full quality"
    assert cut.covers_start
    assert 0.9 <= cut.start_media_time <= 2.0, "on the decoded stream's own time, from the key frame before"
    assert 2.5 <= cut.end_media_time <= 3.2
    assert said[-1] == ""


def test_without_its_main_stream_a_camera_goes_on(twin: Camera) -> None:
    dead = f"rtsp://127.0.0.1:{free_port()}/main"
    opened = open_camera(camera(dead, url(twin, "sub")), MAIN)
    assert (opened.role, opened.main_size, opened.keeps_main, opened.kept) == ("sub", MAIN, True, None)
    assert "cannot be opened" in opened.missing
    ring = TwinRing(20, 10_000_000)
    stream = CameraStream("twin", opened.decoded, needs=opened.needs, role=opened.role, ring=ring)
    said: list[str] = []

    def again() -> Any:
        raise SourceError("still away")

    recorder = MainRecorder(None, again, ring.main, stream.baseline, told=said.append, backoff=lambda _: 0.1)
    recorder.start()
    for frame in stream.frames():
        if frame.media_time >= 2.5:
            break
    recorder.stop()
    opened.decoded.close()
    recorder.join(20)
    cut = ring.cut(1, 2)
    assert cut is not None
    assert cut.template.width == 640, "evidence from what there is"
    assert said.count("still away") > 3


def test_without_its_sub_stream_the_main_one_is_decoded(twin: Camera) -> None:
    dead = f"rtsp://127.0.0.1:{free_port()}/sub"
    opened = open_camera(camera(url(twin, "main"), dead), None)
    opened.close()
    assert (opened.role, opened.wanted_role, opened.keeps_main) == ("main", "sub", False)


def test_without_both_the_main_ones_trouble_is_said() -> None:
    port = free_port()
    with pytest.raises(SourceError, match=f"127.0.0.1:{port}/main: cannot be opened"):
        open_camera(camera(f"rtsp://127.0.0.1:{port}/main", f"rtsp://127.0.0.1:{port}/sub"), None)


def test_a_detector_of_small_things_keeps_the_main_stream(twin: Camera) -> None:
    settings = camera(
        url(twin, "main"),
        url(twin, "sub"),
        thrown_object=ThrownObjectSettings.model_validate({"facade": FACADE}),
    )
    opened = open_camera(settings, None)
    opened.close()
    assert (opened.role, opened.keeps_main, opened.kept) == ("main", False, None)
    heights = [need.min_height for need in needs_of(settings, PictureSize(2560, 1440), MAIN)]
    assert max(heights) == 720, "a sub stream of 720 lines would do"


@pytest.mark.parametrize("decoded", [SUB, PictureSize(704, 576)], ids=["same shape", "squeezed"])
@pytest.mark.parametrize("calibration", ["homography", "camera"])
def test_settings_mean_the_same_places_in_the_other_stream(calibration: str, decoded: PictureSize) -> None:
    facade = dict(FACADE)
    if calibration == "camera":
        del facade["homography"]
        facade["camera"] = POSE
    before = ThrownObjectSettings.model_validate({"facade": facade})
    after = scaled(before, MAIN, decoded)
    across, down = decoded.width / MAIN.width, decoded.height / MAIN.height
    plane, moved = before.facade.plane(MAIN), after.facade.plane(decoded)
    for x, y in [*before.facade.polygon, (640, 360), (200, 650)]:
        there, here = plane.at(x, y), moved.at(x * across, y * down)
        assert (here.x_m, here.y_m) == pytest.approx((there.x_m, there.y_m), abs=0.01)
        assert here.per_pixel_m == pytest.approx(there.per_pixel_m / down, rel=0.01)
    assert np.allclose(np.asarray(after.facade.polygon), np.asarray(before.facade.polygon) * [across, down])
    assert after.background.blob_px[1] < before.background.blob_px[1]
    assert ThrownObjectSettings.model_validate(after.model_dump()) == after, "still valid settings"
    source = CameraSource.model_validate({"kind": "camera", "detectors": {"thrown_object": before}})
    assert settings_for(source, MAIN, decoded).detectors["thrown_object"] == after
    assert settings_for(source, MAIN, MAIN) is source


def test_a_recorder_that_breaks_forgets_what_cannot_be_joined(tmp_path: Path) -> None:
    from tests.edge.video import record

    path = record(tmp_path / "clip.mp4", seconds=2)
    ring, decoded = PacketRing(30, 10_000_000), Baseline()
    decoded.saw(0, time.monotonic())
    opened: list[int] = []

    def again() -> FileSource:
        opened.append(len(ring))
        return FileSource(path, realtime=True)

    recorder = MainRecorder(None, again, ring, decoded, told=lambda _: None, backoff=lambda _: 0.05)
    recorder.start()
    wait_until(lambda: len(opened) >= 2 and 0 < len(ring) < 20, "a second round")
    recorder.stop()
    recorder.join(10)
    cut = ring.cut(0, 1e9)
    assert cut is not None
    stamps = [packet.dts for packet in cut.packets]
    assert stamps == sorted(stamps), "one session's packets only"
