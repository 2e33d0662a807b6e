"""Ingest over HTTP, durably, on SQLite: events a second in batches of 50, and where the time goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from contract.batch import encode_batch
from contract.ids import uuid7
from server.db import Database
from server.grids.imports import import_grids
from server.ingest.parsing import read_batch
from server.matters.imports import import_matters
from server.migrations import upgrade
from tests.bench.rows import Row, at_least, at_most, publish
from tests.server.support import BEGIN, DeviceBox, Edge, make_device

DISTRICT = Path("samples/district/generated")
BATCH = 50
SENDERS = 4
ROUNDS = 3
BATCHES = 40
"""A round: 2,000 events."""
DISTRICT_STORM = 3_082
"""Every camera of a district sends an event a second (mission.md)."""


def run() -> list[Row]:
    """All rows; also in var/bench/ingest.json."""
    folder = Path(tempfile.mkdtemp(prefix="gs-bench-"))
    try:
        rows = _measure(folder)
    finally:
        shutil.rmtree(folder)
    publish("ingest", rows)
    return rows


def _measure(folder: Path) -> list[Row]:
    url = f"sqlite:///{folder}/server.db"
    database = Database(url)
    upgrade(database)
    import_grids(database, DISTRICT / "grids.geojson", force=False, actor="bench")
    import_matters(database, DISTRICT, force=False, actor="bench")
    devices = [make_device(database, f"box-{number}") for number in range(SENDERS)]
    database.close()
    edges = [Edge(device) for device in devices]
    with _server(url, folder) as address:
        beats = [_rate(address, edges, _heartbeats) for _ in range(ROUNDS)]
        opened = [_rate(address, edges, _opened) for _ in range(ROUNDS)]
        updated = [_rate(address, edges, _updated) for _ in range(ROUNDS)]
        again = [_repeat_rate(address, edges[0]) for _ in range(ROUNDS)]
    size = (folder / "server.db").stat().st_size
    total = 3 * ROUNDS * BATCHES * BATCH
    note = f"{SENDERS} devices at once, batches of {BATCH}, synchronous=FULL, one server process"
    return [
        at_least("heartbeats", beats, "events/s", DISTRICT_STORM, f"stored only; {note}"),
        at_least("updates of open episodes", updated, "events/s", None, f"each brings its alert up to date; {note}"),
        at_least("new episodes", opened, "events/s", None, f"each is placed, routed, makes an alert; {note}"),
        at_least("duplicates", again, "events/s", None, "a device that sends its outbox again"),
        at_most("reading an event", _parse_times(edges[0]), "µs", None, "slice, strict JSON, contract; no database"),
        Row("database", round(size / total), "bytes/event", None, None, total, None, "events, alerts, feed, indexes"),
    ]


@contextmanager
def _server(url: str, folder: Path) -> Iterator[str]:
    environment = os.environ | {"GRIDSENTRY_DATABASE_URL": url, "GRIDSENTRY_DATA_DIR": str(folder / "data")}
    log = folder / "server.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "run", "--port", "0"], stderr=file, env=environment
        )
    try:
        while "Application startup complete" not in (said := log.read_text()):
            if process.poll() is not None:
                raise RuntimeError(said)
            time.sleep(0.05)
        yield said.split("address=")[1].split()[0]
    finally:
        process.terminate()
        process.wait(timeout=30)


def _heartbeats(edge: Edge, count: int) -> list[bytes]:
    return [edge.heartbeat() for _ in range(count)]


def _opened(edge: Edge, count: int) -> list[bytes]:
    return [edge.hazard(source=_source(), hazard="water_level") for _ in range(count)]


def _updated(edge: Edge, count: int) -> list[bytes]:
    episode, source = uuid7(BEGIN), _source()
    first = [edge.hazard(episode, 1, source=source)]
    return first + [edge.hazard(episode, number, "updated", source=source) for number in range(2, count + 1)]


def _source() -> dict[str, str]:
    return {"id": f"well-{uuid7(BEGIN)}", "kind": "sensor", "name": "Well"}


def _rate(address: str, edges: Sequence[Edge], make: Callable[[Edge, int], list[bytes]]) -> float:
    """Events a second from the first byte to the last answer, all devices together."""
    batches = {
        edge.device.id: [encode_batch([*make(edge, BATCH), edge.head()]) for _ in range(BATCHES // len(edges))]
        for edge in edges
    }
    senders = [threading.Thread(target=_send, args=(address, edge.device, batches[edge.device.id])) for edge in edges]
    start = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return BATCH * BATCHES / (time.perf_counter() - start)


def _repeat_rate(address: str, edge: Edge) -> float:
    batch = encode_batch(_heartbeats(edge, BATCH))
    _send(address, edge.device, [batch])
    start = time.perf_counter()
    _send(address, edge.device, [batch] * 20)
    return BATCH * 20 / (time.perf_counter() - start)


def _send(address: str, device: DeviceBox, batches: Sequence[bytes]) -> None:
    with httpx.Client(base_url=address, headers=device.headers, timeout=60) as http:
        for batch in batches:
            answer = http.post("/api/v1/events", content=batch)
            answer.raise_for_status()
            refused = [item for item in answer.json()["results"] if item["status"] == "dead_letter"]
            if refused:
                raise RuntimeError(f"refused: {refused[0]}")


def _parse_times(edge: Edge) -> list[float]:
    body = encode_batch(_opened(edge, BATCH))
    times = []
    for _ in range(20):
        start = time.perf_counter()
        read_batch(body, edge.device.id)
        times.append((time.perf_counter() - start) / BATCH * 1e6)
    return times
