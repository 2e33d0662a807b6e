"""Plays sensor logs to an MQTT broker as if they happened now: `python -m samples.sensors.publish LOG …`."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import paho.mqtt.client as mqtt
import typer
import yaml
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.console import Console

from samples.sensors.generate import EPOCH

SENSORS = Path(__file__).parent
"""Where the demo's logs lie."""
ACKNOWLEDGE_SECONDS = 10.0
"""A broker on the same network acknowledges within milliseconds; after this long it is not there."""


class PublishError(Exception):
    """A log cannot be read, or the broker cannot be reached. The message says which and what to do."""


@dataclass(frozen=True, slots=True)
class PublishedEpisode:
    """A true episode of a log that has been played, at the wall times it was played at."""

    source: str
    hazard: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a log; times inside are relative to the log's start."""

    topic: str
    payload: dict[str, Any] | str
    seconds: float


def publish(
    log: Path,
    host: str,
    port: int,
    *,
    start: datetime,
    speed: float = 1.0,
    stopping: threading.Event | None = None,
    username: str | None = None,
    password: str | None = None,
) -> list[PublishedEpisode]:
    """Sends a log at QoS 1, each line at `start` + t / `speed`, and returns when the broker has acknowledged all.

    `start` is aware and the time that the log's second 0 becomes; what is already due is sent at once. Times inside
    payloads are compressed by `speed` too, so they stay near the clock. Returns the episodes of the `truth.yaml`
    beside the log, with their wall times; none if there is no such file. Setting `stopping` ends the play early.

    Raises:
        PublishError: the log is broken, or the broker does not answer or acknowledge.
        ValueError: `start` is naive or `speed` is not positive.
    """
    if start.tzinfo is None:
        raise ValueError("found a naive start, expected an aware datetime")
    if speed <= 0:
        raise ValueError(f"found speed {speed:g}, expected more than 0")
    lines = list(read_log(log))
    stop = stopping or threading.Event()
    client = _connect(host, port, f"samples-{log.stem}-{time.monotonic_ns() % 10**9}", (username, password))
    try:
        ahead = (start - datetime.now(UTC)).total_seconds()
        began = time.monotonic() + ahead
        waiting = []
        for line in lines:
            if stop.wait(max(0.0, began + line.seconds / speed - time.monotonic())):
                break
            waiting.append(client.publish(line.topic, moved_body(line.payload, start, speed), qos=1))
        for info in waiting:
            _acknowledged(info, host, port)
    finally:
        client.disconnect()
        client.loop_stop()
    return _episodes(log, start, speed)


def read_log(log: Path) -> Iterator[Line]:
    """The lines of a log in order.

    Raises:
        PublishError: the file is missing or a line is not `{"topic", "payload", "t"}`.
    """
    try:
        text = log.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise PublishError(f"{log}: cannot be read ({problem}); make it with python -m samples.sensors") from problem
    for number, row in enumerate(text.splitlines(), 1):
        try:
            entry = json.loads(row)
            yield Line(str(entry["topic"]), entry["payload"], float(entry["t"]))
        except (ValueError, KeyError, TypeError) as problem:
            expected = 'expected {"topic": …, "payload": …, "t": seconds}'
            raise PublishError(f"{log}:{number}: found {row[:60]!r}, {expected}") from problem


def moved_body(payload: dict[str, Any] | str, start: datetime, speed: float) -> bytes:
    """The payload as bytes with its relative time added to `start`, compressed by `speed`; text goes as it is."""
    if isinstance(payload, str):
        return payload.encode()
    moved = dict(payload)
    stamp = moved.get("ts")
    if isinstance(stamp, int | float):
        moved["ts"] = round((start + timedelta(milliseconds=stamp / speed)).timestamp() * 1000)
    elif isinstance(stamp, str):
        elapsed = datetime.fromisoformat(stamp) - EPOCH
        moved["ts"] = (
            (start + elapsed / speed).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        )
    return json.dumps(moved, ensure_ascii=False, separators=(",", ":")).encode()


def _connect(host: str, port: int, client_id: str, account: tuple[str | None, str | None]) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv311)
    if account[0] is not None:
        client.username_pw_set(*account)
    client.max_inflight_messages_set(200)
    client.max_queued_messages_set(0)
    try:
        client.connect(host, port, keepalive=30)
    except OSError as problem:
        raise PublishError(
            f"no MQTT broker at {host}:{port} ({problem}); start one, or give --host and --port"
        ) from problem
    client.loop_start()
    return client


def _acknowledged(info: mqtt.MQTTMessageInfo, host: str, port: int) -> None:
    try:
        info.wait_for_publish(ACKNOWLEDGE_SECONDS)
    except (RuntimeError, ValueError) as problem:
        raise PublishError(f"{host}:{port}: the broker was lost while a log was played ({problem})") from problem
    if not info.is_published():
        raise PublishError(f"{host}:{port}: the broker did not acknowledge within {ACKNOWLEDGE_SECONDS:g} s")


def _episodes(log: Path, start: datetime, speed: float) -> list[PublishedEpisode]:
    truth = log.parent / "truth.yaml"
    if not truth.is_file():
        return []
    entries = yaml.safe_load(truth.read_text(encoding="utf-8"))["logs"]
    return [
        PublishedEpisode(
            source=entry["source"],
            hazard=episode["hazard"],
            started_at=start + timedelta(seconds=episode["start_seconds"] / speed),
            ended_at=start + timedelta(seconds=episode["end_seconds"] / speed),
        )
        for entry in entries
        if entry["file"] == log.name
        for episode in entry["episodes"]
    ]


def play(
    logs: Annotated[list[Path], typer.Argument(help="Logs made by python -m samples.sensors.")],
    host: Annotated[str, typer.Option()] = "127.0.0.1",
    port: Annotated[int, typer.Option()] = 1883,
    speed: Annotated[float, typer.Option(min=0.01, help="2: twice as fast as it was.")] = 1.0,
) -> None:
    """Plays all logs side by side, starting now."""
    console = Console(stderr=True)
    start = datetime.now(UTC)
    problems: list[str] = []

    def one(log: Path) -> None:
        try:
            for episode in publish(log, host, port, start=start, speed=speed):
                console.print(f"{episode.source} {episode.hazard} {episode.started_at:%H:%M:%S.%f} UTC")
        except PublishError as problem:
            problems.append(str(problem))

    threads = [threading.Thread(target=one, args=(log,), daemon=True) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for problem in sorted(set(problems)):
        console.print(problem, style="red")
    if problems:
        raise typer.Exit(1)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(play)
    sys.exit(app())
