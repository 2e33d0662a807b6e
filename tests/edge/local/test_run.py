"""The real program: cameras come online on its page, the picture lives, metrics and readiness follow."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from playwright.sync_api import expect
from prometheus_client.parser import text_string_to_metric_families

from samples.demo.programs import Program, installed
from tests.e2e.browser import chromium
from tests.edge.brokers import free_port
from tests.edge.local.conftest import wait_until
from tests.edge.test_replay import camera

pytestmark = [pytest.mark.browser, pytest.mark.e2e]


SECRET = "Xyzzy4Plugh"


class Box:
    """A running `gridsentry-edge run` and its page."""

    def __init__(self, program: Program, url: str, state_dir: Path, config: Path) -> None:
        self.program = program
        self.url = url
        self.token_path = state_dir / "local.token"
        self.config = config
        self.said: list[str] = []
        """All that it has answered."""

    def get(self, path: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.token_path.read_text().strip()}"}
        answer = httpx.get(self.url + path, headers=bearer, timeout=60)
        self.said.append(answer.text)
        return answer

    def post(self, path: str, content: str = "") -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.token_path.read_text().strip()}"}
        answer = httpx.post(self.url + path, content=content.encode(), headers=bearer, timeout=60)
        self.said.append(answer.text)
        return answer

    def box(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/box").json()
        return found

    def answers(self, path: str, check: Callable[[httpx.Response], bool]) -> bool:
        try:
            return check(httpx.get(self.url + path))
        except httpx.TransportError:
            return False


def document(root: Path, port: int, *names: str) -> dict[str, Any]:
    sources = {
        name: camera(
            root, name, input={"type": "file", "path": str(root / f"samples/clips/{name}.mp4"), "loop": True}, name=name
        )
        for name in names
    }
    # Nobody answers there: always offline, and its password must never be seen.
    address = {"type": "rtsp", "url": f"rtsp://viewer:{SECRET}@127.0.0.1:9/live?token={SECRET}"}
    sources["yard"] = camera(root, input=address, name="yard")
    return {"device": {"id": "box-1", "state_dir": "state"}, "local": {"port": port}, "sources": sources}


def test_the_page_of_a_running_box(tmp_path: Path, root: Path) -> None:
    port = free_port()
    config = tmp_path / "edge.yaml"
    config.write_text(yaml.safe_dump(document(root, port, "gate-3", "block-7")))
    program = Program("edge", [installed("gridsentry-edge"), "run", "-c", str(config), "--log-json"], tmp_path / "log")
    box = Box(program, f"http://127.0.0.1:{port}", tmp_path / "state", config)
    with program, chromium() as browser:
        program.wait_until(lambda: box.answers("/healthz", lambda answer: answer.status_code == 200))
        assert httpx.get(f"{box.url}/api/box").status_code == 401
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        page.goto(box.url)
        page.locator("#token").fill(box.token_path.read_text().strip())
        page.keyboard.press("Enter")
        for name in ("gate-3", "block-7"):
            expect(page.get_by_test_id(f"source-{name}")).to_have_attribute("data-state", "online", timeout=60_000)
        expect(page.get_by_test_id("ready")).to_have_text("Ready", timeout=60_000)
        page.get_by_test_id("source-gate-3").click()
        still = page.locator("#still")
        expect(still).to_be_visible(timeout=30_000)
        before = still.get_attribute("src") or ""
        expect(still).not_to_have_attribute("src", before, timeout=30_000)
        first, second = (box.get("/api/sources/gate-3/still").content for _ in range(2))
        wait_until(lambda: box.get("/api/sources/gate-3/still").content not in {first, second}, "the picture moves")
        expect(page.get_by_test_id("events")).to_contain_text("thrown object", timeout=60_000)
        expect(page.get_by_test_id("log")).to_contain_text("online")
        expect(page.get_by_test_id("children").locator("tr")).to_have_count(len(box.box()["children"]))
        context.close()
        _metrics(box)
        _a_killed_child(box)
        _a_changed_configuration(box, root, port)
        _no_secret_is_told(box)
        assert program.stop() == 0
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    assert SECRET not in said


def _no_secret_is_told(box: Box) -> None:
    """In no answer, also not where the configuration was refused; nor to whom lists the processes."""
    assert box.post("/api/config/plan", f"sources: {{yard: {{url: 'rtsp://viewer:{SECRET}@h/'}}}}").status_code == 422
    assert any("***@127.0.0.1" in text for text in box.said), "the camera's failure is told"
    assert not [text for text in box.said if SECRET in text]
    lines = [" ".join(process.cmdline()) for process in psutil.Process().children(recursive=True)]
    assert any("edge.worker" in line for line in lines)
    assert not [line for line in lines if SECRET in line]


def _metrics(box: Box) -> None:
    found = {family.name: family for family in text_string_to_metric_families(box.get("/metrics").text)}
    decoded = {sample.labels["source"]: sample.value for sample in found["gridsentry_source_frames_decoded"].samples}
    assert decoded.keys() == {"gate-3", "block-7", "yard"}
    assert decoded["gate-3"] > 0
    assert decoded["block-7"] > 0
    assert found["gridsentry_ready"].samples[0].value == 1
    ups = {sample.labels["child"]: sample.value for sample in found["gridsentry_child_up"].samples}
    assert set(ups.values()) == {1.0}
    assert "uplink" in ups
    waits = found["gridsentry_outbox_waiting_events"].samples
    assert waits[0].value > 0, "no server is configured: what was found waits"


def _a_killed_child(box: Box) -> None:
    """Not ready while a child is away, and ready again; its restart is counted."""
    victim = _camera_worker(box)
    # The first time it may be back before anybody has looked; from the third on it is kept away for seconds.
    kills, missed = 0, False
    while not missed:
        assert kills < 4, "a child that is away is no readiness"
        os.kill(_camera_worker(box)["pid"], signal.SIGKILL)
        kills += 1
        missed = _seen(lambda: box.get("/readyz").status_code == 503)
        wait_until(lambda: _camera_worker(box)["pid"], "the child is replaced")
    assert box.get("/healthz").status_code == 200
    wait_until(lambda: box.get("/readyz").status_code == 200, "the child is replaced")
    again = next(child for child in box.box()["children"] if child["name"] == victim["name"])
    assert again["restarts"] == kills
    assert again["pid"] != victim["pid"]


def _camera_worker(box: Box) -> dict[str, Any]:
    return next(child for child in box.box()["children"] if child["kind"] == "cameras")


def _seen(condition: Callable[[], bool], seconds: float = 4) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def _a_changed_configuration(box: Box, root: Path, port: int) -> None:
    """Refused with the reasons; planned without an effect; applied, also where it moves the page itself."""
    faulty = box.config.read_text().replace("thrown_object", "thrown_objects", 1)
    refused = box.post("/api/config/plan", faulty)
    assert refused.status_code == 422
    assert "thrown_objects" in " ".join(refused.json()["problems"])
    wanted = document(root, port, "gate-3", "court-5")
    text = yaml.safe_dump(wanted)
    plan = box.post("/api/config/plan", text).json()
    assert (plan["starts"], plan["stops"], plan["stays"]) == (["court-5"], ["block-7"], ["gate-3", "yard"])
    assert {source["source_id"] for source in box.box()["sources"]} == {"gate-3", "block-7", "yard"}
    assert box.post("/api/config", text).status_code == 200
    wait_until(
        lambda: {source["source_id"]: source["state"] for source in box.box()["sources"]}.get("court-5") == "online",
        "the new camera is online",
    )
    assert box.config.read_text() == text
    box.config.write_text(faulty)
    wait_until(lambda: bool(box.box()["config"]["problems"]), "the file's fault is shown")
    assert {source["source_id"] for source in box.box()["sources"]} == {"gate-3", "court-5", "yard"}
    wanted["local"]["port"] = free_port()
    box.config.write_text(yaml.safe_dump(wanted))
    box.url = f"http://127.0.0.1:{wanted['local']['port']}"
    wait_until(lambda: box.answers("/healthz", lambda answer: answer.status_code == 200), "the page has moved")
    assert box.box()["config"]["problems"] == []


def test_a_taken_port_never_stops_the_box(tmp_path: Path, root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = tmp_path / "edge.yaml"
        config.write_text(yaml.safe_dump(document(root, taken.getsockname()[1], "gate-3")))
        log = tmp_path / "log"
        program = Program("edge", [installed("gridsentry-edge"), "run", "-c", str(config), "--log-json"], log)
        with program:
            program.wait_until(lambda: '"the local page is not served' in log.read_text())
            program.wait_until(lambda: '"online"' in log.read_text())
            assert program.stop() == 0


def test_without_the_section_nothing_is_served(tmp_path: Path, root: Path) -> None:
    told = document(root, free_port(), "gate-3")
    del told["local"]
    config = tmp_path / "edge.yaml"
    config.write_text(yaml.safe_dump(told))
    log = tmp_path / "log"
    program = Program("edge", [installed("gridsentry-edge"), "run", "-c", str(config)], log)
    with program:
        program.wait_until(lambda: " online " in log.read_text())
        ours = psutil.Process().children(recursive=True)
        assert len(ours) >= 3, "the supervisor and its children"
        listening = [found for process in ours for found in process.net_connections("inet") if found.status == "LISTEN"]
        assert listening == []
        assert not (tmp_path / "state/local.token").exists()
        assert program.stop() == 0
