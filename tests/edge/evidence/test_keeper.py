"""Evidence stays within its bounds: the least grave goes first, nothing goes silently, and a full disk is survived."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from contract.canonical import sha256_hex
from contract.chain import sign_head, verify_chain
from contract.events import Phase, Severity, Tier
from contract.evidence import DropReason, EvidenceKind
from contract.ids import uuid7
from contract.keys import load_or_create_key
from edge.config.evidence import EvidenceSettings
from edge.disk import DiskFullError, Reserve, space_at
from edge.evidence.keeper import SWEEP_SECONDS, EvidenceKeeper
from edge.evidence.store import EvidenceStore, NoRoomError
from edge.outbox.report import OutboxReader
from edge.outbox.sink import Commit
from edge.outbox.store import Outbox, Verdict
from tests.edge.evidence.small_disk import fill_up, small_disk
from tests.edge.evidence.storm import CLIP_BYTES, SNAPSHOT_BYTES, Storm, dropped_in, hazard, reports_in
from tests.edge.parts import T0

DISK_BYTES = 24_000_000
CLIP_AND_PICTURE = (EvidenceKind.SNAPSHOT, EvidenceKind.CLIP)


@dataclass
class Box:
    folder: Path
    outbox: Outbox
    files: EvidenceStore
    storm: Storm

    def keeper(self, **settings: float) -> EvidenceKeeper:
        return EvidenceKeeper(self.outbox, self.files, EvidenceSettings(**settings), self.folder)

    def names(self, hashes: list[str]) -> list[str]:
        return [self.storm.names[sha256] for sha256 in hashes]

    def send_everything(self) -> None:
        """As if the server had taken all events and files."""
        self.outbox.settle([Verdict(event.seq) for event in self.outbox.next_batch(10_000, 2**30)])
        while (waiting := self.outbox.next_evidence()) is not None:
            self.outbox.evidence_whole(waiting.sha256)


def box_at(folder: Path) -> Box:
    outbox, files = Outbox(folder, "box-1"), EvidenceStore(folder / "evidence")
    return Box(folder, outbox, files, Storm(outbox, files))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = box_at(tmp_path)
    yield made
    made.outbox.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


def fill(box: Box) -> None:
    """Eight episodes of every gravity, not in its order."""
    for number, (severity, tier) in enumerate(
        [
            (Severity.RED, Tier.ALARM),
            (Severity.BLUE, Tier.ALARM),
            (Severity.YELLOW, Tier.REVIEW),
            (Severity.BLUE, Tier.REVIEW),
            (Severity.YELLOW, Tier.ALARM),
            (Severity.BLUE, Tier.REVIEW),
            (Severity.RED, Tier.REVIEW),
            (Severity.BLUE, Tier.ALARM),
        ]
    ):
        box.storm.episode(f"{number} {severity} {tier}", severity, tier, CLIP_AND_PICTURE)


ORDER = [
    "3 blue review clip",
    "3 blue review snapshot",
    "5 blue review clip",
    "5 blue review snapshot",
    "1 blue alarm clip",
    "1 blue alarm snapshot",
    "7 blue alarm clip",
    "7 blue alarm snapshot",
    "2 yellow review clip",
    "2 yellow review snapshot",
    "4 yellow alarm clip",
    "4 yellow alarm snapshot",
    "6 red review clip",
    "6 red review snapshot",
    "0 red alarm clip",
    "0 red alarm snapshot",
]
"""Low severity before high, review before alarm, old before new, the clip before the picture of the same episode."""


def assert_sound(outbox: Outbox, folder: Path) -> None:
    """The database is whole, and the chain has no gap and ends where it says."""
    with sqlite3.connect(outbox.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    assert OutboxReader(folder).verify()[1] is None


# ---- quota


def test_the_least_grave_goes_first_and_is_reported(box: Box) -> None:
    fill(box)
    kept = 8 * (CLIP_BYTES + SNAPSHOT_BYTES)
    assert box.outbox.evidence_bytes() == kept
    keeper = box.keeper(quota_bytes=1_500_000, min_free_share=0)
    before = box.outbox.position.seq
    assert keeper.step() >= kept - 1_500_000
    dropped = dropped_in(box.outbox)
    assert box.names(dropped) == ORDER[: len(dropped)]
    assert box.outbox.evidence_bytes() <= 1_500_000
    (report,) = reports_in(box.outbox)
    assert (report["reason"], report["files"], report["bytes"]) == (
        "quota",
        len(dropped),
        kept - box.outbox.evidence_bytes(),
    )
    first = report["items"][0]  # type: ignore[index]
    assert first["kind"] == "clip"
    assert first["bytes"] == CLIP_BYTES
    assert len(first["episode_id"]) == 36
    for sha256 in box.storm.names:
        assert box.files.path_of(sha256).exists() == (sha256 not in dropped)
    assert box.outbox.position.seq == before + 1
    assert keeper.step() == 0, "once is enough: some is freed in advance"
    assert_sound(box.outbox, box.folder)
    fill(box)
    keeper.step()
    last = reports_in(box.outbox)[-1]
    assert last["total_files"] == len(dropped_in(box.outbox)), "totals count on"


def test_what_the_server_has_goes_before_anything_and_needs_no_report(box: Box) -> None:
    fill(box)
    keeper = box.keeper(quota_bytes=3_000_000, min_free_share=0, keep_uploaded_hours=24)
    box.send_everything()
    box.storm.episode("new", Severity.BLUE, Tier.REVIEW, CLIP_AND_PICTURE)
    assert keeper.step() > 0
    assert dropped_in(box.outbox) == []
    assert {box.storm.names[path.name] for path in box.files.folder.iterdir()} >= {"new clip", "new snapshot"}
    assert box.outbox.evidence_bytes() <= 3_000_000


def test_an_episode_that_becomes_grave_takes_its_files_along(box: Box) -> None:
    (clip,) = box.storm.episode("first blue", Severity.BLUE, Tier.REVIEW)
    box.storm.episode("second blue", Severity.BLUE, Tier.REVIEW)
    at = T0 + timedelta(seconds=100)
    box.outbox.commit(Commit((hazard(uuid7(at), 3, Phase.UPDATED, Severity.RED, Tier.ALARM, at, (clip,)),)))
    assert box.names([file.sha256 for file in box.outbox.least_worth(5)]) == ["second blue clip", "first blue clip"]


def test_a_file_that_was_sent_meanwhile_is_not_reported(box: Box) -> None:
    box.storm.episode("a", Severity.BLUE, Tier.REVIEW)
    box.storm.episode("b", Severity.BLUE, Tier.REVIEW)
    chosen = box.outbox.least_worth(2)
    box.outbox.evidence_whole(chosen[0].sha256)
    assert list(box.outbox.give_up(chosen, DropReason.QUOTA)) == [chosen[1]]
    assert dropped_in(box.outbox) == [chosen[1].sha256]


def test_files_that_nothing_lists_are_swept_when_they_are_old(box: Box) -> None:
    (listed,) = box.storm.episode("a", Severity.BLUE, Tier.REVIEW)
    orphan, young = (box.files.folder / (letter * 64) for letter in "ab")
    dead_half, live_half = (box.files.folder / f"ab.{process}-22.part" for process in (dead_process(), os.getpid()))
    for path in (orphan, dead_half, live_half):
        path.write_bytes(b"x")
    now = 1000.0
    settings = EvidenceSettings(min_free_share=0)
    keeper = EvidenceKeeper(box.outbox, box.files, settings, box.folder, monotonic=lambda: now)

    def names() -> set[str]:
        return {path.name for path in box.files.folder.iterdir()}

    keeper.step()
    assert names() == {listed.sha256, orphan.name, live_half.name}, "its writer is no more"
    young.write_bytes(b"x")
    now += SWEEP_SECONDS
    live_half.unlink()
    keeper.step()
    assert names() == {listed.sha256, young.name}
    now += SWEEP_SECONDS
    keeper.step()
    assert names() == {listed.sha256}


def dead_process() -> int:
    """The id of a process that was."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


# ---- a small disk


def test_free_space_is_kept_on_a_small_disk(disk: Path) -> None:
    box = box_at(disk)
    fill(box)
    keeper = box.keeper(min_free_share=0.4)
    keeper.step()
    assert dropped_in(box.outbox) == []
    fill_up(disk, leave_bytes=int(DISK_BYTES * 0.35))
    keeper.step()
    dropped = dropped_in(box.outbox)
    assert len(dropped) >= 4
    assert box.names(dropped) == ORDER[: len(dropped)]
    assert reports_in(box.outbox)[0]["reason"] == "disk_short"
    assert space_at(disk).free_bytes >= int(DISK_BYTES * 0.4)
    box.outbox.close()


def test_a_disk_that_is_full_to_the_last_byte(disk: Path) -> None:
    box = box_at(disk)
    fill(box)
    keeper = box.keeper(min_free_share=0.1)
    keeper.step()
    assert Reserve(disk).path.exists()
    filler = fill_up(disk, leave_bytes=0)
    with pytest.raises(NoRoomError) as caught:
        box.files.put(b"y" * 5000, EvidenceKind.SNAPSHOT, "image/jpeg", T0)
    assert caught.value.evidence.bytes == 5000
    with pytest.raises(DiskFullError):
        for _ in range(1000):  # the write-ahead log has some pages left
            box.storm.episode("too much", Severity.BLUE, Tier.REVIEW, ())
    position, events = box.outbox.position, box.outbox.waiting_events()
    assert_sound(box.outbox, disk)
    with pytest.raises(DiskFullError):
        box.storm.episode("still too much", Severity.BLUE, Tier.REVIEW, ())
    assert (box.outbox.position, box.outbox.waiting_events()) == (position, events), "all or nothing"

    keeper.step()
    dropped = dropped_in(box.outbox)
    assert box.names(dropped) == ORDER[: len(dropped)]
    assert dropped
    assert box.outbox.waiting_events() == events + len(reports_in(box.outbox)), "no event was given up"
    box.storm.episode("goes on", Severity.RED, Tier.ALARM, CLIP_AND_PICTURE)
    keeper.step()
    assert Reserve(disk).path.exists(), "taken again for the next time"
    filler.unlink()
    box.storm.episode("room again", Severity.BLUE, Tier.REVIEW, CLIP_AND_PICTURE)
    before = len(dropped_in(box.outbox))
    keeper.step()
    assert len(dropped_in(box.outbox)) == before
    assert_sound(box.outbox, disk)
    box.outbox.close()


def test_a_box_that_starts_on_a_full_disk_frees_it(disk: Path) -> None:
    box = box_at(disk)
    fill(box)
    box.keeper(min_free_share=0.1).step()
    events = box.outbox.waiting_events()
    box.outbox.close()
    fill_up(disk, leave_bytes=0)
    again = box_at(disk)
    again.keeper(min_free_share=0.1).step()
    assert len(dropped_in(again.outbox)) > 0
    assert again.outbox.waiting_events() == events + len(reports_in(again.outbox))
    assert_sound(again.outbox, disk)
    again.outbox.close()


def test_sources_wait_while_the_keeper_frees(disk: Path) -> None:
    """A commit that is repeated, as pipelines do, succeeds as soon as there is room."""
    box = box_at(disk)
    fill(box)
    keeper = box.keeper(min_free_share=0.1)
    keeper.step()
    fill_up(disk, leave_bytes=0)
    done = threading.Event()
    refused = threading.Event()

    def source() -> None:
        written = 0
        while written < 400:
            try:
                box.storm.episode("waits", Severity.RED, Tier.ALARM, ())
                written += 1
            except DiskFullError:
                refused.set()
                time.sleep(0.02)
        done.set()

    thread = threading.Thread(target=source, daemon=True)
    thread.start()
    assert refused.wait(30)
    until = time.monotonic() + 60
    while not done.is_set() and time.monotonic() < until:
        keeper.step()
        time.sleep(0.05)
    assert done.is_set()
    thread.join()
    assert_sound(box.outbox, disk)
    box.outbox.close()


def test_kill_minus_nine_while_evidence_is_dropped(disk: Path, tmp_path: Path) -> None:
    dice = random.Random(5)
    state = disk / "state"
    for _ in range(5):
        command = [sys.executable, "-m", "tests.edge.evidence.filler", str(state)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(dice.randint(5, 20)):
                assert process.stdout.readline()
            time.sleep(dice.uniform(0, 0.02))  # into the middle of whatever comes next
            process.kill()
            process.stdout.read()
    outbox, files = Outbox(state, "box-1"), EvidenceStore(state / "evidence")
    assert_sound(outbox, state)
    contents = [event.content for event in outbox.next_batch(10**6, 2**40)]
    key = load_or_create_key(tmp_path / "key")
    head = sign_head("box-1", outbox.position, key)
    report = verify_chain("box-1", contents, [head], key.public_key())
    assert (report.problem, report.signed_to) == (None, len(contents)), "not one event was lost"
    for sha256 in outbox.kept_evidence():
        assert sha256_hex(files.path_of(sha256).read_bytes()) == sha256, "what is promised is there and whole"
    with sqlite3.connect(outbox.path) as connection:
        rows = connection.execute("SELECT sha256 FROM evidence WHERE state = 'dropped'").fetchall()
    connection.close()
    reported = dropped_in(outbox)
    assert sorted(reported) == sorted(sha256 for (sha256,) in rows), "each dropped file is reported, once"
    assert len(reported) > 20
    totals = [report["total_files"] for report in reports_in(outbox)]
    assert totals[-1] == len(reported)
    files.remove_unlisted(outbox.kept_evidence())
    assert {path.name for path in files.folder.iterdir()} == outbox.kept_evidence()
    outbox.close()


# ---- events


def test_beyond_its_bound_the_outbox_withholds_updates_below_red(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, "box-1", max_bytes=1_000_000)
    files = EvidenceStore(tmp_path / "evidence")
    storm = Storm(outbox, files)
    while not OutboxReader(tmp_path).summary().updates_withheld:
        storm.episode("filling", Severity.BLUE, Tier.REVIEW, ())
    at = T0 + timedelta(days=1)
    quiet, red = uuid7(at), uuid7(at)
    item = files.put(b"picture" * 300, EvidenceKind.SNAPSHOT, "image/jpeg", at)
    before = outbox.waiting_events()
    said = [
        hazard(quiet, 1, Phase.OPENED, Severity.YELLOW, Tier.ALARM, at),
        hazard(quiet, 2, Phase.UPDATED, Severity.YELLOW, Tier.ALARM, at, (item,)),
        hazard(quiet, 3, Phase.UPDATED, Severity.YELLOW, Tier.ALARM, at, (item,)),
        hazard(red, 1, Phase.UPDATED, Severity.RED, Tier.ALARM, at),
        hazard(quiet, 4, Phase.CLEARED, Severity.YELLOW, Tier.ALARM, at, (item,)),
    ]
    for event in said[:-1]:
        outbox.commit(Commit((event,)))
    assert outbox.waiting_events() == before + 2, "opened and red are written"
    assert item.sha256 in outbox.kept_evidence(), "the file is kept for the event that will list it"
    outbox.commit(Commit((said[-1],)))
    keeper = EvidenceKeeper(outbox, files, EvidenceSettings(min_free_share=0), tmp_path)
    keeper.step()
    assert [report["updates_withheld"] for report in reports_in(outbox)] == [3]
    assert OutboxReader(tmp_path).summary().updates_withheld == 0, "reported"
    outbox.settle([Verdict(event.seq) for event in outbox.next_batch(10_000, 2**30)])
    waiting = outbox.next_evidence()
    assert waiting is not None
    assert waiting.sha256 == item.sha256
    outbox.commit(Commit((hazard(quiet, 5, Phase.UPDATED, Severity.YELLOW, Tier.ALARM, at),)))
    assert outbox.waiting_events() == 1, "below its bound again, everything is written"
    assert_sound(outbox, tmp_path)
    outbox.close()
