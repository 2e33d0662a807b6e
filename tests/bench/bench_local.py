"""What the local page costs the supervisor, and how soon it answers, with the real program and five cameras."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import psutil
import yaml

from samples.demo.programs import Program, free_port, installed
from tests.bench.rows import ROOT, Row, publish

CAMERAS = ("gate-3", "block-7", "tower-2", "court-5", "lane-9")
ROUNDS = 3
ROUND_SECONDS = 10.0
ASKED = 40


def run() -> Sequence[Row]:
    """Publishes the rows."""
    rows = local_rows()
    publish("local", rows)
    return rows


def local_rows() -> Sequence[Row]:
    """Processor time of the supervisor (shares of one core) and times of answers, measured in turns."""
    with TemporaryDirectory() as folder:
        config, port = _configuration(Path(folder))
        command = [installed("gridsentry-edge"), "run", "--config", str(config)]
        program = Program("edge", command, Path(folder) / "log")
        url = f"http://127.0.0.1:{port}"
        with program:
            program.wait_until(lambda: _ready(url))
            token = (Path(folder) / "state" / "local.token").read_text(encoding="ascii").strip()
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
                return [*_shares(client), *_answers(client)]


def _configuration(folder: Path) -> tuple[Path, int]:
    config = yaml.safe_load((ROOT / "configs/demo/edge.yaml").read_text(encoding="utf-8"))
    port = free_port()
    config = {key: value for key, value in config.items() if key not in {"server", "mqtt"}}
    config["device"] = {"id": "bench", "state_dir": str(folder / "state")}
    config["local"] = {"port": port}
    config["sources"] = {name: config["sources"][name] for name in CAMERAS}
    for name in CAMERAS:
        clip = str(ROOT / f"samples/clips/{name}.mp4")
        config["sources"][name]["input"] = {"type": "file", "path": clip, "pace": "realtime", "loop": True}
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return path, port


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _shares(client: httpx.Client) -> list[Row]:
    supervisor = psutil.Process().children()[0]
    ways: dict[str, tuple[str, float]] = {
        "nobody looks": ("", 1.0),
        "the page is open": ("/api/box", 1.0),
        "a live picture": ("/api/sources/gate-3/still", 0.5),
        "Prometheus reads every 15 s": ("/metrics", 15.0),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (path, every_seconds) in ways.items():
            found[name].append(100 * _share(supervisor, _asking(client, path), every_seconds))
    rows = []
    for name, values in found.items():
        spread = (round(min(values), 2), round(max(values), 2))
        note = "processor time of the supervisor, of one core; range of the rounds"
        rows.append(Row(f"local page: {name}", round(median(values), 2), "%", n=ROUNDS, interval=spread, note=note))
    return rows


def _asking(client: httpx.Client, path: str) -> Callable[[], None]:
    def ask() -> None:
        if path:
            client.get(path).raise_for_status()

    return ask


def _share(process: psutil.Process, ask: Callable[[], None], every_seconds: float) -> float:
    before, began = process.cpu_times(), time.monotonic()
    asked_at = float("-inf")
    while time.monotonic() - began < max(ROUND_SECONDS, every_seconds):
        if time.monotonic() - asked_at >= every_seconds:
            asked_at = time.monotonic()
            ask()
        time.sleep(0.02)
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return spent / (time.monotonic() - began)


def _answers(client: httpx.Client) -> list[Row]:
    rows = []
    for path in ("/readyz", "/api/box", "/metrics", "/api/sources/gate-3/still"):
        times = []
        for _ in range(ASKED):
            began = time.perf_counter()
            client.get(path).raise_for_status()
            times.append(1000 * (time.perf_counter() - began))
            time.sleep(0.05)
        spread = (round(min(times), 1), round(max(times), 1))
        size = len(client.get(path).content)
        rows.append(
            Row(f"local page: {path}", round(median(times), 1), "ms", n=ASKED, interval=spread, note=f"{size} bytes")
        )
    return rows
