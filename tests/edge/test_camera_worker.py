"""One camera as `run` watches it: cameras that change, do not fit, have two streams, or wait."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from edge import calibration_desk, camera_worker
from edge.camera_worker import CameraWorker, SharedParts
from edge.config.document import load_config
from edge.config.sources import CameraSource
from edge.status import SourceMeter
from edge.view import CallError
from edge.worker.bell import Bell, new_bell
from edge.worker.cameras import source_parts
from edge.worker.state import State
from tests.edge.brokers import free_port
from tests.edge.http_camera import HttpCamera, transport_stream
from tests.edge.sources.test_rtsp import PICTURES, Camera, clip  # noqa: F401 - a fixture
from tests.edge.streams.test_twin import pictures

SMALL, LARGE = (160, 120), (320, 240)


def facade(width: int, height: int) -> dict[str, Any]:
    corners = [[0, height], [width, height], [0, 0], [width, 0]]
    places = [[0, 0], [10, 0], [0, 8], [10, 8]]
    points = [{"pixel": pixel, "metres": metres} for pixel, metres in zip(corners, places, strict=True)]
    polygon = [[4, 4], [width - 4, 4], [width - 4, height - 4], [4, height - 4]]
    return {"thrown_object": {"facade": {"polygon": polygon, "homography": points}}}


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@contextmanager
def watching(
    folder: Path, address: dict[str, Any], detectors: dict[str, Any]
) -> Iterator[tuple[CameraWorker, SourceMeter]]:
    """A worker at work in a thread of its own."""
    source = {
        "kind": "camera",
        "location": {"lon": 113.6, "lat": 34.7, "accuracy_m": 20},
        "input": address,
        "detectors": detectors,
        "reconnect": {"first_seconds": 0.2, "max_seconds": 0.5},
        "health": {"clear_after_seconds": 2},
    }
    document = {"device": {"id": "box-1", "state_dir": str(folder / "state")}, "sources": {"gate": source}}
    folder.mkdir(exist_ok=True)
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    config = load_config(path)
    settings = config.sources["gate"]
    assert isinstance(settings, CameraSource)
    bell = new_bell()
    state = State(config, Bell(bell), threading.Event())
    sink, meter = state.patient_sink(), SourceMeter("gate", "camera")
    parts = source_parts(state, config, settings, meter, sink)
    with ThreadPoolExecutor(1) as executor:
        worker = CameraWorker("gate", settings, parts, SharedParts(config.evidence, state.store, executor, sink))
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield worker, meter
        finally:
            worker.stop()
            thread.join(40)
            assert not thread.is_alive()
    state.outbox.close()
    os.close(bell)


def test_a_camera_that_changes_its_size_is_seen_in_the_new_one(tmp_path: Path) -> None:
    with HttpCamera(stream=transport_stream(6) + transport_stream(2, size=LARGE, first=60)) as served:
        address = {"type": "http", "url": served.url("/video.ts")}
        with watching(tmp_path, address, {}) as (worker, meter):
            wait_until(lambda: meter.width == SMALL[0] and meter.last_frame_at, "the small pictures")
            served.stream = transport_stream(30, size=LARGE)
            wait_until(lambda: meter.width == LARGE[0] and meter.last_frame_at, "the large ones")
            wait_until(lambda: worker.latest_frame is not None, "a picture")
            frame = worker.latest_frame
            assert frame is None or frame.luma.shape == (LARGE[1], LARGE[0])
            assert meter.sessions >= 2
            assert meter.failures == 0, "a change is no failure"


def test_settings_that_do_not_fit_are_tried_again_and_never_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_worker, "REFIT_SECONDS", 1.0)
    with HttpCamera(stream=transport_stream(30, size=SMALL)) as served:
        address = {"type": "http", "url": served.url("/video.ts")}
        with watching(tmp_path, address, facade(*LARGE)) as (_, meter):
            wait_until(lambda: meter.sessions >= 2, "another try")
            assert meter.frames_judged == 0, "no detector ever got a picture of the wrong size"
            assert "expected a pixel of the 160 x 120 picture" in meter.reason
            assert meter.state != "online"
            turns = meter.turns
            wait_until(lambda: meter.turns > turns, "a sign of life while it waits")
            served.stream = transport_stream(30, size=LARGE)
            wait_until(lambda: meter.frames_judged > 3, "pictures, once somebody has mended the camera")
            wait_until(lambda: meter.state == "online", "and said to be so")


def test_what_it_meters_and_what_it_shows(tmp_path: Path) -> None:
    with HttpCamera() as served:
        url = served.url("/video.mjpg").replace("http://", "http://viewer:s3cret-pa55@")
        with watching(tmp_path, {"type": "http", "url": url}, facade(*SMALL)) as (worker, meter):
            wait_until(lambda: meter.frames_judged >= 12 and meter.ring_seconds > 0.3, "pictures")
            told = json.loads(json.dumps(meter.snapshot()))
            picture = worker.calls()["still"]({"max_width": 200})
        assert (told["codec"], told["width"], told["height"], told["role"]) == ("mjpeg", 160, 120, "main")
        assert told["decoding"].startswith("full")
        assert told["packets_read"] >= told["frames_decoded"] > 0
        assert told["bytes_read"] > 500 * told["packets_read"]
        assert told["cpu_seconds"] > 0
        assert told["ring_bytes"] > 0
        assert "s3cret" not in json.dumps(told)
        shown = cv2.imdecode(np.frombuffer(base64.b64decode(picture["jpeg"]), np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None
        assert shown.shape == (120, 160, 3)
    assert meter.ring_bytes == 0, "nothing is kept of a stream that is over"


def test_a_camera_with_two_streams(clip: Path, tmp_path: Path) -> None:  # noqa: F811
    server = Camera(f"/main={pictures(1280, 720)}", f"/sub={pictures(640, 360)}")
    main = f"rtsp://127.0.0.1:{server.port}/main"
    try:
        streams = {"main": main, "sub": f"rtsp://127.0.0.1:{server.port}/sub"}
        with watching(tmp_path / "a", {"type": "rtsp", "streams": streams}, {}) as (_, meter):
            wait_until(lambda: meter.role == "sub" and meter.decoding == "key_frames", "health needs no more")
            assert (meter.width, meter.height) == (640, 360)
            wait_until(lambda: meter.ring_seconds > 0 and not meter.notices, "both streams")
        away = {"main": f"rtsp://127.0.0.1:{free_port()}/main", "sub": streams["sub"]}
        with watching(tmp_path / "b", {"type": "rtsp", "streams": away}, {}) as (worker, meter):
            wait_until(lambda: meter.last_frame_at, "pictures of what is there")
            with pytest.raises(CallError, match="calibrated on its main stream, which is away"):
                worker.calls()["signals"]({"do": "propose"})
            wait_until(lambda: any("no main stream" in notice for notice in meter.notices), "and the reason")
            assert meter.state == "online"
    finally:
        server.close()


def _width_of_still(ask: Callable[[Mapping[str, Any]], Any]) -> int:
    try:
        return int(ask({"do": "still"})["width"])
    except CallError:
        return 0


def test_a_calibration_is_lent_the_main_stream_while_somebody_asks(
    clip: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibration_desk, "IDLE_SECONDS", 2.0)
    server = Camera(f"/main={pictures(1280, 720)}", f"/sub={pictures(640, 360)}")
    try:
        streams = {name: f"rtsp://127.0.0.1:{server.port}/{name}" for name in ("main", "sub")}
        with watching(tmp_path / "a", {"type": "rtsp", "streams": streams}, {}) as (worker, meter):
            wait_until(lambda: meter.role == "sub" and meter.decoding == "key_frames", "health needs no more")
            ask = worker.calls()["signals"]
            with pytest.raises(CallError, match="no picture yet"):
                ask({"do": "still"})  # the sub stream's pixels are not what settings are written in
            wait_until(lambda: ask({"do": "status"}) and meter.role == "main", "the main stream")
            wait_until(lambda: _width_of_still(ask) == 1280, "its pictures")
            first = ask({"do": "still"})["media_time"]
            wait_until(lambda: 0 < ask({"do": "still"})["media_time"] - first < 3, "more than a picture a key frame")
            assert meter.decoding != "key_frames"
            wait_until(lambda: meter.role == "sub" and meter.decoding == "key_frames", "as it was, once nobody asks")
            assert meter.failures == 0, "a change is no failure"
    finally:
        server.close()


def test_waiting_for_a_key_frame_is_said(clip: Path, tmp_path: Path) -> None:  # noqa: F811
    slow = f"{PICTURES} x264enc speed-preset=ultrafast key-int-max=90 ! rtph264pay name=pay0 pt=96 config-interval=1"
    server = Camera(f"/slow={slow}")
    try:
        address = {"type": "rtsp", "url": f"rtsp://127.0.0.1:{server.port}/slow"}
        with watching(tmp_path / "first", address, {}) as (_, first):
            wait_until(lambda: first.last_frame_at, "the first viewer")
            with watching(tmp_path / "second", address, {}) as (_, second):
                wait_until(lambda: second.reason == "waiting for a key frame", "the reason")
                spent, turns = second.cpu_seconds, second.turns
                wait_until(lambda: second.turns >= turns + 2, "signs of life")
                assert second.failures == 1, "said once"
                wait_until(lambda: second.last_frame_at, "the next key frame")
                assert second.sessions == 1, "it was never opened again for that"
                assert second.cpu_seconds - spent < 1
    finally:
        server.close()
