"""The outbox keeps what was committed, all or nothing, in the chain's order."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contract.canonical import sha256_hex
from contract.chain import GENESIS, sign_head, verify_chain
from contract.keys import load_or_create_key
from edge.evidence.store import EvidenceStore
from edge.outbox.report import OutboxReader
from edge.outbox.sink import Commit, CommitError
from edge.outbox.store import Outbox, OutboxError, Verdict
from tests.edge.parts import episodes_of, moment, observation, tracker, writer


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path, "box-1")


def fill(outbox: Outbox, episodes: int, files: EvidenceStore | None = None) -> None:
    for commit in episodes_of(episodes, evidence=files):
        outbox.commit(commit)


def contents(outbox: Outbox) -> list[bytes]:
    return [event.content for event in outbox.next_batch(10_000, 2**30)]


def test_events_form_one_chain_in_the_order_of_commits(outbox: Outbox, tmp_path: Path) -> None:
    fill(outbox, 20)
    key = load_or_create_key(tmp_path / "key")
    report = verify_chain("box-1", contents(outbox), [sign_head("box-1", outbox.position, key)], key.public_key())
    assert report.problem is None
    assert report.signed_to == 40 == outbox.position.seq


def test_the_chain_goes_on_after_a_restart_and_after_everything_was_sent(outbox: Outbox, tmp_path: Path) -> None:
    fill(outbox, 3)
    first = contents(outbox)
    outbox.settle([Verdict(event.seq) for event in outbox.next_batch(100, 2**20)])
    outbox.close()
    again = Outbox(tmp_path, "box-1")
    assert again.position.seq == 6
    fill(again, 2)
    report = verify_chain("box-1", [*first, *contents(again)], [], load_or_create_key(tmp_path / "key").public_key())
    assert (report.problem, report.linked_to) == (None, 10)
    again.close()


def test_a_commit_that_fails_leaves_nothing(outbox: Outbox) -> None:
    fill(outbox, 1)
    before = outbox.position
    change = tracker().observe("d", observation(0, key="new"), moment(0))
    assert change is not None
    good = writer().hazard(change.episode)
    large = good.model_copy(update={"data": good.data.model_copy(update={"detail": {"x": "y" * 70_000}})})
    with pytest.raises(CommitError, match=r"expected at most 65536"):
        outbox.commit(Commit((good, large), (change.episode,), state={"s": "1"}))
    assert outbox.position == before
    assert outbox.open_episodes() == {}
    assert outbox.state("s") is None
    assert outbox.waiting_events() == 2


def test_open_episodes_and_state_are_there_after_a_restart(outbox: Outbox, tmp_path: Path) -> None:
    change = tracker().observe("d", observation(0), moment(0))
    assert change is not None
    outbox.commit(Commit((writer().hazard(change.episode),), (change.episode,), state={"sensor:well-12": "{}"}))
    outbox.close()
    again = Outbox(tmp_path, "box-1")
    assert again.open_episodes() == {"well-12": [change.episode]}
    assert again.state("sensor:well-12") == "{}"
    again.commit(Commit(closed_episodes=(change.episode.episode_id,)))
    assert again.open_episodes() == {}
    again.close()


def test_batches_are_bounded_in_number_and_bytes(outbox: Outbox) -> None:
    fill(outbox, 10)
    size = len(contents(outbox)[0])
    assert [event.seq for event in outbox.next_batch(7, 2**20)] == [1, 2, 3, 4, 5, 6, 7]
    assert len(outbox.next_batch(100, int(size * 3.5))) == 3
    assert len(outbox.next_batch(100, 1)) == 1, "a large event must still go out"


def test_refused_events_are_kept_apart_and_hold_up_nothing(outbox: Outbox) -> None:
    fill(outbox, 2)
    outbox.settle([Verdict(1, refused="422 data.tier: no such tier"), Verdict(2)])
    assert [event.seq for event in outbox.next_batch(10, 2**20)] == [3, 4]
    reader = OutboxReader(outbox.path.parent)
    assert reader.summary().refused_events == 1
    assert reader.events(10)[0].problem == "422 data.tier: no such tier"
    assert json.loads(reader.content(1) or b"")["data"]["phase"] == "opened"
    assert reader.content(2) is None


def test_evidence_waits_for_its_event(outbox: Outbox, tmp_path: Path) -> None:
    files = EvidenceStore(tmp_path / "evidence")
    fill(outbox, 1, files)
    assert outbox.next_evidence() is None
    outbox.settle([Verdict(1)])
    assert outbox.next_evidence() is None, "the opened event lists nothing"
    outbox.settle([Verdict(2)])
    waiting = outbox.next_evidence()
    assert waiting is not None
    assert outbox.kept_evidence() == {waiting.sha256}
    outbox.evidence_trouble(waiting.sha256, "404", final=False)
    assert outbox.next_evidence() == replace(waiting, attempts=1)
    outbox.evidence_whole(waiting.sha256)
    assert outbox.next_evidence() is None
    assert outbox.retire_evidence(datetime.now(UTC) - timedelta(hours=1)) == []
    assert outbox.retire_evidence(datetime.now(UTC)) == [waiting.sha256]
    assert outbox.kept_evidence() == frozenset()


def test_evidence_of_refused_events_is_not_waited_for(outbox: Outbox, tmp_path: Path) -> None:
    fill(outbox, 1, EvidenceStore(tmp_path / "evidence"))
    outbox.settle([Verdict(1), Verdict(2, refused="no")])
    assert OutboxReader(tmp_path).evidence(5)[0].state == "waiting", "cleared lists it too"
    outbox.settle([Verdict(3, refused="no")])
    assert OutboxReader(tmp_path).evidence(5)[0].state == "failed"
    assert outbox.retry_failed() == 1
    assert outbox.next_evidence() is not None


def test_an_outbox_has_one_device(outbox: Outbox, tmp_path: Path) -> None:
    outbox.close()
    with pytest.raises(OutboxError, match="belongs to device 'box-1', the configuration says 'box-2'"):
        Outbox(tmp_path, "box-2")


def test_a_damaged_or_foreign_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    with pytest.raises(OutboxError, match="cannot be used"):
        Outbox(tmp_path, "box-1")
    other = tmp_path / "other"
    other.mkdir()
    with sqlite3.connect(other / "outbox.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(OutboxError, match="another version"):
        Outbox(other, "box-1")
    with pytest.raises(OutboxError, match="no outbox here"):
        OutboxReader(tmp_path / "nowhere")


def test_an_altered_event_is_found_by_the_boxs_own_check(outbox: Outbox, tmp_path: Path) -> None:
    fill(outbox, 3)
    outbox.settle([Verdict(2)])
    assert OutboxReader(tmp_path).verify() == (5, None)
    outbox.close()
    for seq in (3, 6):
        with sqlite3.connect(tmp_path / "outbox.db") as connection:
            whole = connection.execute("SELECT content FROM events WHERE seq = ?", (seq,)).fetchone()[0]
            altered = whole.replace(b'"confidence":0.5', b'"confidence":0.6')
            assert altered != whole
            connection.execute("UPDATE events SET content = ? WHERE seq = ?", (altered, seq))
        connection.close()
        _, problem = OutboxReader(tmp_path).verify()
        assert problem is not None
        assert problem.seq == seq
        with sqlite3.connect(tmp_path / "outbox.db") as connection:
            connection.execute("UPDATE events SET content = ? WHERE seq = ?", (whole, seq))
        connection.close()


def test_kill_minus_nine_again_and_again_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    dice = random.Random(3)
    acknowledged = 0
    kills = 10
    for _ in range(kills):
        command = [sys.executable, "-m", "tests.edge.outbox.committer", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert int(first) > acknowledged, "a restart goes on where the chain stands"
            said = [process.stdout.readline().strip() for _ in range(dice.randint(3, 30))]
            time.sleep(dice.uniform(0, 0.01))  # into the next commit, wherever that is
            process.kill()
            said += process.stdout.read().split()
        # The last line may have been cut off by the kill.
        acknowledged = max(acknowledged, int(first), *(int(seq) for seq in said[:-1]))
    outbox = Outbox(tmp_path, "box-1")
    events = outbox.next_batch(10**6, 2**31)
    assert len(events) >= acknowledged >= 4 * kills
    key = load_or_create_key(tmp_path / "key")
    head = sign_head("box-1", outbox.position, key)
    report = verify_chain("box-1", [event.content for event in events], [head], key.public_key(), GENESIS)
    assert report.problem is None
    assert report.signed_to == len(events)
    files = EvidenceStore(tmp_path / "evidence")
    listed = {item["sha256"] for event in events for item in json.loads(event.content)["data"]["evidence"]}
    assert listed == outbox.kept_evidence()
    for sha256 in listed:
        assert sha256_hex(files.path_of(sha256).read_bytes()) == sha256
    files.remove_unlisted(outbox.kept_evidence())
    assert {path.name for path in files.folder.iterdir()} == listed
    assert len(outbox.open_episodes().get("well-12", ())) <= kills, "at most the one that each kill interrupted"
    outbox.close()
