"""``kill -9``, again and again, while events and evidence flow: nothing lost, nothing twice, the chain whole."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from contract.chain import verify_chain
from contract.events import ChainHeadData
from contract.keys import load_or_create_key
from samples.demo.programs import Program
from samples.demo.stack import DEVICE_ID, run_server_command
from tests.e2e.line import Line
from tests.e2e.sensors import Publisher

KILLS = 50
EPISODES = 250
"""Two events each: opened and cleared."""
SETTLE_SECONDS = 180

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_fifty_kills_of_edge_and_server_lose_and_repeat_nothing(line: Line) -> None:
    line.start()
    dice = random.Random(7)
    killers = [
        threading.Thread(target=kill_again_and_again, args=(line.edge, random.Random(dice.random()))),
        threading.Thread(target=kill_again_and_again, args=(line.server, random.Random(dice.random()))),
    ]
    for killer in killers:
        killer.start()
    published = publish_episodes(line, while_alive=killers)
    for killer in killers:
        killer.join()
    assert len(published) == EPISODES
    database = line.folder / "server.db"
    wait_until_settled(line, database)

    episodes = arrived_episodes(database)
    assert Counter(episode["key"] for episode in episodes.values()) == Counter(published)
    for episode in episodes.values():
        assert episode["revisions"] == list(range(1, len(episode["revisions"]) + 1)), episode
        assert episode["phases"][0] == "opened"
        assert episode["phases"].count("opened") == 1
        assert episode["phases"][-1] == "cleared"
    assert_every_event_is_in_one_alert(database, episodes)
    assert_evidence_is_whole(database, line.folder / "server", episodes)
    assert_chain_is_whole(line, database)


def kill_again_and_again(program: Program, dice: random.Random) -> None:
    """Kills the program at random moments, from before it serves to well after, and starts it at once."""
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.2, 4.0))
        # One that had ended by itself would make a kill that tests nothing.
        program.check()
        program.kill()
        program.start()


def publish_episodes(line: Line, while_alive: list[threading.Thread]) -> list[tuple[str, datetime]]:
    """Episodes on random sensors, spread over the time of the killing; each is the sensor and when it began."""
    dice = random.Random(11)
    publisher = Publisher(line.ports.mqtt)
    published = []
    try:
        for number in range(EPISODES):
            sensor = f"s-{dice.randrange(25):02}"
            started_at = publisher.publish(sensor, dice.uniform(1.3, 3.0))
            published.append((sensor, started_at))
            publisher.publish(sensor, dice.uniform(0.1, 0.9))
            if any(thread.is_alive() for thread in while_alive):
                time.sleep(dice.uniform(0.1, 0.7) * (1 if number < EPISODES - 20 else 3))
    finally:
        publisher.close()
    return published


def wait_until_settled(line: Line, database: Path) -> None:
    """Until every episode has been cleared at the server and no evidence is on its way."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        line.edge.check()
        line.server.check()
        with sqlite3.connect(database) as connection:
            cleared = connection.execute(
                "SELECT count(DISTINCT episode_id) FROM events WHERE type = 'gridsentry.hazard.cleared.v1'"
            ).fetchone()[0]
            waiting = connection.execute("SELECT count(*) FROM evidence_files WHERE state <> 'whole'").fetchone()[0]
            heads = connection.execute("SELECT coalesce(max(seq), 0) FROM chain_heads").fetchone()[0]
            events = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0]
        if cleared >= EPISODES and waiting == 0 and heads == events:
            return
        time.sleep(0.5)
    pytest.fail(
        f"not settled after {SETTLE_SECONDS} s: {cleared}/{EPISODES} cleared, {waiting} files waiting, "
        f"head {heads} of {events}; logs in {line.folder}"
    )


def arrived_episodes(database: Path) -> dict[str, dict]:
    """Episode id to what the server keeps of it, from the events' received bytes."""
    episodes: dict[str, dict] = {}
    with sqlite3.connect(database) as connection:
        rows = connection.execute(
            "SELECT content FROM events WHERE type LIKE 'gridsentry.hazard.%' ORDER BY episode_id, revision"
        )
        for (content,) in rows:
            data = json.loads(content)["data"]
            episode = episodes.setdefault(data["episode_id"], {"revisions": [], "phases": [], "evidence": {}})
            episode["key"] = (data["source"]["id"], datetime.fromisoformat(data["started_at"]))
            episode["revisions"].append(data["revision"])
            episode["phases"].append(data["phase"])
            episode["evidence"] |= {item["sha256"]: item["bytes"] for item in data.get("evidence", [])}
    return episodes


def assert_every_event_is_in_one_alert(database: Path, episodes: dict[str, dict]) -> None:
    with sqlite3.connect(database) as connection:
        linked = connection.execute("SELECT episode_id, count(*) FROM episodes GROUP BY episode_id").fetchall()
        assert connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0] == 0
    assert dict(linked) == dict.fromkeys(episodes, 1)


def assert_evidence_is_whole(database: Path, data_dir: Path, episodes: dict[str, dict]) -> None:
    announced = {sha256: size for episode in episodes.values() for sha256, size in episode["evidence"].items()}
    assert len(announced) >= EPISODES, "every episode has telemetry of its own"
    files = {path.name: path for path in data_dir.rglob("*") if path.is_file() and len(path.name) == 64}
    for sha256, size in announced.items():
        content = files[sha256].read_bytes()
        assert len(content) == size
        assert hashlib.sha256(content).hexdigest() == sha256
    with sqlite3.connect(database) as connection:
        states = connection.execute("SELECT sha256, state FROM evidence_files").fetchall()
    assert dict(states) == dict.fromkeys(announced, "whole")


def assert_chain_is_whole(line: Line, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        contents = [row[0] for row in connection.execute("SELECT content FROM events ORDER BY seq")]
        heads = [
            ChainHeadData(seq=seq, sha256=sha256, signature=signature)
            for seq, sha256, signature in connection.execute("SELECT seq, sha256, signature FROM chain_heads")
        ]
    key = load_or_create_key(next((line.folder / "edge").rglob("*.key"))).public_key()
    report = verify_chain(DEVICE_ID, contents, heads, key)
    assert report.problem is None, report
    assert report.signed_to == report.linked_to == len(contents)
    run_server_command(line.environment, "verify-chain", DEVICE_ID)
    run_server_command(line.environment, "verify-audit")
