"""Drills through the real programs: asked for at the box, marked at the server; a lost one is said."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import cv2
import httpx
import numpy as np
import pytest
import yaml

from samples.demo.__main__ import ACCOUNTS
from samples.demo.programs import free_port, installed
from tests.e2e.line import PLACE, Line
from tests.edge.detectors.falls import drawn, falling, wall_settings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

T = TypeVar("T")
LOOP_SECONDS = 24.0
REAL_FALL_AT = 16.0


def record_wall(path: Path) -> None:
    """A wall on which something really falls once in each loop."""
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "18"}
        stream.time_base = Fraction(1, 25)
        for _, luma in drawn(LOOP_SECONDS, [falling(REAL_FALL_AT, 15, 20)]):
            picture = av.VideoFrame.from_ndarray(cv2.cvtColor(luma, cv2.COLOR_GRAY2BGR), format="bgr24")
            for packet in stream.encode(picture):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)


def camera(path: Path, **background: Any) -> dict[str, Any]:
    settings = wall_settings().model_dump(mode="json", exclude_defaults=True)
    return {
        "kind": "camera",
        "name": "测试墙",
        "location": PLACE,
        "input": {"type": "file", "path": str(path), "pace": "realtime", "loop": True},
        "detectors": {"thrown_object": {**settings, **({"background": background} if background else {})}},
    }


@pytest.fixture
def box(line: Line) -> Iterator[Line]:
    """The line with two cameras and one sensor; the second camera takes nothing for an object."""
    clip = line.folder / "wall.mp4"
    record_wall(clip)
    path = line.folder / "edge.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["local"] = {"port": free_port()}
    config["sources"] = {
        "s-00": config["sources"]["s-00"],
        "wall": camera(clip),
        "deaf": camera(clip, blob_px=[1, 3]),
    }
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    line.start()
    line.edge.wait_until(lambda: all_see(line))
    return line


def all_see(line: Line) -> bool:
    """Both cameras have sent a picture."""
    log = line.edge.log_path.read_text(encoding="utf-8", errors="replace")
    return all(
        any(" online " in row and f"source={name}" in row for row in log.splitlines()) for name in ("wall", "deaf")
    )


def drill(box: Line, source: str) -> subprocess.CompletedProcess[str]:
    command = [installed("gridsentry-edge"), "canary", source, "--wait", "--config", str(box.folder / "edge.yaml")]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)


def eventually(find: Callable[[], T | None], what: str, seconds: float = 90) -> T:
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


@pytest.fixture
def operator(box: Line) -> Iterator[httpx.Client]:
    name, password = ACCOUNTS[1]
    with httpx.Client(base_url=box.url, timeout=30, trust_env=False) as client:
        answer = client.post("/api/v1/session", json={"username": name, "password": password})
        assert answer.is_success, answer.text
        yield client


def alerts(operator: httpx.Client, source: str, *, is_drill: bool) -> list[dict[str, Any]]:
    found = operator.get("/api/v1/alerts").json()["alerts"]
    return [alert for alert in found if alert["source_id"] == source and bool(alert["canary"]) == is_drill]


def test_drills_come_out_at_the_server_as_what_they_are(box: Line, operator: httpx.Client) -> None:
    found = drill(box, "wall")
    assert found.returncode == 0, found.stdout + found.stderr
    assert "found by thrown_object" in found.stdout
    (alert,) = eventually(lambda: alerts(operator, "wall", is_drill=True), "the drill's alert")
    canary = alert["canary"]
    assert canary["injected_at"] < canary["opened_at"] <= alert["created_at"], "the way, step by step"
    (real,) = eventually(lambda: alerts(operator, "wall", is_drill=False), "the real fall's alert")
    assert real["queue"] == alert["queue"]
    assert real["hazard"] == alert["hazard"] == "thrown_object"
    counted = next(
        queue for queue in operator.get("/api/v1/queues").json()["queues"] if queue["code"] == alert["queue"]
    )
    assert (counted["open"], counted["canaries"]) == (1, 1)
    sha256 = eventually(
        lambda: operator.get(f"/api/v1/alerts/{alert['id']}").json()["snapshot_sha256"], "the drill's picture"
    )
    assert is_stamped(operator.get(f"/api/v1/evidence/{sha256}").content)
    real_sha256 = eventually(
        lambda: operator.get(f"/api/v1/alerts/{real['id']}").json()["snapshot_sha256"], "the real picture"
    )
    assert not is_stamped(operator.get(f"/api/v1/evidence/{real_sha256}").content)

    sensor = drill(box, "s-00")
    assert sensor.returncode == 0, sensor.stdout + sensor.stderr
    (level,) = eventually(lambda: alerts(operator, "s-00", is_drill=True), "the sensor's drill")
    assert level["hazard"] == "water_level"
    assert alerts(operator, "s-00", is_drill=False) == []


def test_a_drill_that_is_lost_is_a_fault_that_somebody_sees(box: Line, operator: httpx.Client) -> None:
    lost = drill(box, "deaf")
    assert lost.returncode == 1, lost.stdout
    assert "did not find" in lost.stderr, lost.stderr
    (alert,) = eventually(lambda: alerts(operator, "deaf", is_drill=False), "the fault")
    assert (alert["hazard"], alert["tier"]) == ("canary_lost", "review")
    assert alerts(operator, "deaf", is_drill=True) == []
    unknown = drill(box, "nobody")
    assert unknown.returncode == 1
    assert "nobody" in unknown.stderr


def is_stamped(jpeg: bytes) -> bool:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    blue, green, red = (int(level) for level in picture[3, 4])
    return blue < 90 and green > 150 and red > 180
