"""What knowing the worth of files costs a commit; what a clip costs; how quick a short disk is freed."""

from __future__ import annotations

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from contract.chain import GENESIS
from contract.events import Event, HazardEvent, Phase, Severity, Tier
from contract.evidence import Evidence, EvidenceKind
from contract.ids import uuid7
from edge.config.evidence import EvidenceSettings
from edge.evidence.clip import remuxed
from edge.evidence.keeper import EvidenceKeeper
from edge.evidence.store import EvidenceStore
from edge.evidence.transcode import transcoded
from edge.outbox.sink import Commit, linked_event
from edge.outbox.store import Outbox
from tests.bench.rows import Row, at_least, at_most, publish
from tests.edge.evidence.storm import Storm, hazard
from tests.edge.evidence.streams import cut_of, encode
from tests.edge.parts import T0

ROUNDS = 7
COMMITS = 300
VERSION_1 = Path(__file__).parents[1] / "edge" / "outbox" / "version_1.sql"
KEPT_SHARE = 0.8
"""A commit with bounds and worth may cost a quarter more than version 1's bare rows."""


def run() -> list[Row]:
    """Measures and publishes the rows."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [*commit_rows(Path(folder)), *clip_rows(Path(folder)), *keeper_rows(Path(folder))]
    publish("evidence", rows)
    return rows


def commit_rows(folder: Path) -> list[Row]:
    """The same commits into an outbox and into version 1's tables, round by round."""
    now: list[float] = []
    before: list[float] = []
    for number in range(ROUNDS):
        commits = [_events() for _ in range(COMMITS)]
        outbox = Outbox(folder / f"now-{number}", "box-1", max_bytes=2**29)
        now.append(_rate(partial(_commit, outbox), commits))
        outbox.close()
        old = _Version1(folder / f"old-{number}.db")
        before.append(_rate(old.commit, commits))
        old.close()
    ratios = [late / early for late, early in zip(now, before, strict=True)]
    note = f"{COMMITS} transactions of one update with two files, FULL, {ROUNDS} rounds in turn"
    return [
        at_least("outbox, commits", now, "1/s", None, note),
        at_least("outbox, commits of version 1", before, "1/s", None, note),
        at_least("outbox, commits against version 1", ratios, "×", KEPT_SHARE, note),
    ]


def clip_rows(folder: Path) -> list[Row]:
    """Cutting a clip of ten seconds of 1080p25, and encoding it once more."""
    cut = cut_of(encode(folder / "c.ts", size=(1920, 1080), count=100, gop=50), 0, 60)
    video = sum(packet.duration or 0 for packet in cut.packets) * float(cut.packets[0].time_base)
    video = max(video, cut.end_media_time - cut.start_media_time)
    remux = [1000 * _seconds(lambda: remuxed(cut)) / video for _ in range(ROUNDS)]
    again = [1000 * _seconds(lambda: transcoded(cut)) / video for _ in range(3)]
    note = f"1080p, {len(cut.packets)} pictures, {video:.0f} s; milliseconds for each second of video"
    ratio = statistics.median(again) / statistics.median(remux)
    return [
        at_most("clip, remuxed", remux, "ms/s", None, note),
        at_most("clip, encoded again", again, "ms/s", None, note + ", one thread, 720 lines"),
        at_least("clip, encoding against remuxing", [ratio], "×", None, "why clips are remuxed wherever they can be"),
    ]


def keeper_rows(folder: Path) -> list[Row]:
    """A step of the keeper with nothing to do, and one that drops a thousand files."""
    outbox, files = Outbox(folder / "keeper", "box-1"), EvidenceStore(folder / "keeper" / "evidence")
    storm = Storm(outbox, files)
    for _ in range(500):
        storm.episode(
            "e", Severity.BLUE, Tier.REVIEW, (EvidenceKind.CLIP, EvidenceKind.SNAPSHOT), clip=3000, snapshot=999
        )
    large = EvidenceSettings(min_free_share=0)
    idle = [1000 * _seconds(EvidenceKeeper(outbox, files, large, folder / "keeper").step) for _ in range(ROUNDS)]
    small = EvidenceSettings(min_free_share=0, quota_bytes=1_000_000)
    keeper = EvidenceKeeper(outbox, files, small, folder / "keeper")
    seconds = _seconds(keeper.step)
    dropped = 1000 - len(outbox.kept_evidence())
    outbox.close()
    return [
        at_most("keeper, a step with nothing to do", idle, "ms", None, "1000 files"),
        at_most("keeper, a dropped file", [1000 * seconds / dropped], "ms", None, f"{dropped} files, reported"),
    ]


def _commit(outbox: Outbox, events: tuple[Event, ...]) -> None:
    outbox.commit(Commit(events))


def _events() -> tuple[Event, ...]:
    evidence = tuple(
        Evidence(
            sha256=os.urandom(32).hex(), kind=kind, media_type="image/jpeg", bytes=9, captured_at=T0, redacted=False
        )
        for kind in ("snapshot", "clip")
    )
    episode_id = uuid7(T0)
    return (hazard(episode_id, 2, Phase.UPDATED, Severity.YELLOW, Tier.ALARM, T0, evidence),)


class _Version1:
    """What version 1 of the outbox did for a commit, on its own tables."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        schema = VERSION_1.read_text(encoding="utf-8")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript("\n".join(line for line in schema.splitlines() if "INSERT INTO" not in line))
        for pragma in ("synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._position = GENESIS

    def commit(self, events: Sequence[Event]) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        for event in events:
            assert isinstance(event, HazardEvent)
            for name in ("chain_seq", "chain_sha256"):
                run("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
            linked = linked_event(event, self._position)
            self._position = linked.position
            run(
                "INSERT INTO events (seq, event_id, type, subject, observed_at, content) VALUES (?, ?, ?, ?, ?, ?)",
                (linked.position.seq, event.id, event.type, event.subject, event.time.isoformat(), linked.content),
            )
            for item in event.data.evidence:
                row = (item.sha256, item.kind, item.bytes, linked.position.seq)
                run("INSERT INTO evidence (sha256, kind, bytes, added) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
                run("INSERT OR IGNORE INTO mentions VALUES (?, ?)", (linked.position.seq, item.sha256))
            for name, value in (("chain_seq", linked.position.seq), ("chain_sha256", linked.position.sha256)):
                upsert = "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
                run(upsert, (name, str(value)))
        run("COMMIT")

    def close(self) -> None:
        self._connection.close()


def _rate(commit: Callable[[tuple[Event, ...]], None], commits: Sequence[tuple[Event, ...]]) -> float:
    begin = time.perf_counter()
    for events in commits:
        commit(events)
    return len(commits) / (time.perf_counter() - begin)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
