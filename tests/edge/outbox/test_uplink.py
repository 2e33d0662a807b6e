"""The uplink against a real HTTP server: nothing lost or forgotten too early, order kept, bad answers survived."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from contract.chain import verify_chain
from contract.events import ChainHeadData
from contract.keys import load_or_create_key, parse_public_key
from edge.config.device import ServerSettings
from edge.config.evidence import EvidenceSettings
from edge.disk import DiskFullError
from edge.evidence.keeper import EvidenceKeeper
from edge.evidence.store import EvidenceStore
from edge.outbox.evidence_upload import CHUNK_BYTES, MAX_ATTEMPTS
from edge.outbox.report import OutboxReader
from edge.outbox.server_api import ServerApi
from edge.outbox.store import Outbox, Verdict
from edge.outbox.uplink import MAX_BACKOFF_SECONDS, MAX_EVENTS, Uplink, Waiting
from tests.edge.outbox.protocol_server import TOKEN, Memory, ProtocolServer, protocol_server
from tests.edge.parts import episodes_of


@dataclass
class Clock:
    """Time that passes only by waiting. `while_sleeping` is called at each wait with the time."""

    now: float = 1000.0
    sleeps: list[float] = field(default_factory=list)
    while_sleeping: Callable[[float], None] = lambda _: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps.append(seconds)
        self.while_sleeping(self.now)


@dataclass
class Bench:
    """An outbox, an uplink with a clock of its own, and a server."""

    folder: Path
    server: ProtocolServer
    outbox: Outbox
    files: EvidenceStore
    uplink: Uplink
    clock: Clock
    api: ServerApi

    @property
    def memory(self) -> Memory:
        return self.server.memory

    @property
    def reader(self) -> OutboxReader:
        return OutboxReader(self.folder)

    def fill(self, episodes: int, size: int = 500, *, evidence: bool = True) -> None:
        for commit in episodes_of(episodes, evidence=self.files if evidence else None, size=size):
            self.outbox.commit(commit)

    def work_off_all(self) -> None:
        """As `run` does, with pauses jumped over."""
        for _ in range(200):
            self.uplink.work_off()
            if self.outbox.next_evidence() is None and not self.outbox.waiting_events():
                return
            self.clock.now += 120
        pytest.fail("the uplink does not come to an end")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with protocol_server() as server:
        token_file = tmp_path / "token"
        token_file.write_text(TOKEN + "\n")
        settings = ServerSettings(url=server.url, token_file=token_file, read_timeout_seconds=5)
        outbox, files, clock = Outbox(tmp_path, "box-1"), EvidenceStore(tmp_path / "evidence"), Clock()
        api = ServerApi(settings)
        key = load_or_create_key(tmp_path / "device.key")
        waiting = Waiting(monotonic=lambda: clock.now, sleep=clock.sleep)
        uplink = Uplink("box-1", outbox, files, api, key, waiting=waiting)
        yield Bench(tmp_path, server, outbox, files, uplink, clock, api)
        api.close()
        outbox.close()


def assert_chain_is_whole(bench: Bench, events: int) -> None:
    heads = [ChainHeadData.model_validate(head) for head in bench.memory.heads]
    assert bench.memory.public_key is not None
    report = verify_chain("box-1", bench.memory.contents, heads, parse_public_key(bench.memory.public_key))
    assert report.problem is None, report
    assert report.signed_to == len(bench.memory.contents) == events


def assert_files_are_whole(bench: Bench, files: int) -> None:
    assert len(bench.memory.files) == files
    assert all(bench.memory.is_whole(sha256) for sha256 in bench.memory.files)


def assert_order_is_kept(memory: Memory) -> None:
    revisions: dict[str, list[int]] = {}
    hazards = [event for event in memory.events.values() if "revision" in event["data"]]
    for event in hazards:
        revisions.setdefault(event["subject"], []).append(event["data"]["revision"])
    for history in revisions.values():
        assert history == sorted(history)


def test_everything_arrives_once_in_order_with_evidence_and_a_whole_chain(bench: Bench) -> None:
    bench.fill(120)
    bench.work_off_all()
    assert_chain_is_whole(bench, 360)
    assert_files_are_whole(bench, 120)
    assert_order_is_kept(bench.memory)
    assert bench.reader.summary().waiting_events == 0
    assert bench.memory.requests[0] == ("PUT", "/api/v1/device/key", bench.memory.requests[0][2])
    batches = [request for request in bench.memory.requests if request[0] == "POST"]
    assert len(batches) == 4, f"360 events in batches of {MAX_EVENTS}"
    assert len(bench.memory.heads) == 4


def test_events_come_before_evidence(bench: Bench) -> None:
    bench.fill(5)
    bench.work_off_all()
    methods = [method for method, _, _ in bench.memory.requests]
    assert methods.index("POST") < methods.index("HEAD")
    assert methods.count("POST") == 1


def test_a_fresh_event_waits_for_one_chunk_at_most(bench: Bench) -> None:
    bench.fill(1, size=5 * CHUNK_BYTES)
    for _ in range(3):
        assert bench.uplink._step()  # the batch, the HEAD, the first chunk
    bench.fill(1, evidence=False)
    bench.work_off_all()
    methods = [method for method, _, _ in bench.memory.requests[1:]]
    assert methods[:4] == ["POST", "HEAD", "PATCH", "POST"]
    assert_files_are_whole(bench, 1)
    sizes = [size for method, _, size in bench.memory.requests if method == "PATCH"]
    assert max(sizes) == CHUNK_BYTES


def test_uploads_go_on_where_they_stopped(bench: Bench) -> None:
    bench.fill(1, size=3 * CHUNK_BYTES + 7)
    for _ in range(4):
        bench.uplink._step()
    before = sum(size for method, _, size in bench.memory.requests if method == "PATCH")
    assert before == 2 * CHUNK_BYTES
    key = load_or_create_key(bench.folder / "device.key")
    again = Uplink("box-1", bench.outbox, bench.files, bench.api, key)
    again.work_off()
    assert_files_are_whole(bench, 1)
    sent = sum(size for method, _, size in bench.memory.requests if method == "PATCH")
    assert sent == 3 * CHUNK_BYTES + 7, "nothing was sent twice"


def test_ten_minutes_without_a_server(bench: Bench) -> None:
    """Time passes only by waiting; events go on being committed meanwhile."""
    bench.fill(30)
    bench.server.stop()
    begin = bench.clock.now

    def outage(now: float) -> None:
        if now - begin < 600:
            bench.fill(1)
        elif bench.server._server is None:
            bench.server.start()

    bench.clock.while_sleeping = outage
    bench.work_off_all()
    assert bench.clock.now - begin >= 600
    assert len(bench.clock.sleeps) < 120, "the waits grow"
    assert max(bench.clock.sleeps) <= MAX_BACKOFF_SECONDS
    episodes = len({event["subject"] for event in bench.memory.events.values()})
    assert episodes >= 30
    assert_chain_is_whole(bench, 3 * episodes)
    assert_files_are_whole(bench, episodes)
    assert_order_is_kept(bench.memory)
    assert bench.reader.summary().trouble == ""


def test_an_hour_without_a_server_stays_within_its_bounds_and_arrives_once(bench: Bench) -> None:
    """An hour of faked time in which evidence piles up beyond its share, and events do not stop."""
    quota = 1_000_000
    settings = EvidenceSettings(quota_bytes=quota, min_free_share=0)
    keeper = EvidenceKeeper(bench.outbox, bench.files, settings, bench.folder, monotonic=lambda: bench.clock.now)
    bench.server.stop()
    begin = bench.clock.now
    most = 0

    def outage(now: float) -> None:
        nonlocal most
        if now - begin < 3600:
            bench.fill(1, size=40_000)
            most = max(most, sum(path.stat().st_size for path in bench.files.folder.iterdir()))
            keeper.step()
        elif bench.server._server is None:
            bench.server.start()

    bench.clock.while_sleeping = outage
    bench.work_off_all()
    assert bench.clock.now - begin >= 3600
    assert most <= quota + 40_000, "bounded all the time, but for what came since the last step"
    events = list(bench.memory.events.values())
    assert_chain_is_whole(bench, len(events))
    assert_order_is_kept(bench.memory)
    dropped = {item["sha256"] for event in events for item in event["data"].get("items", ())}
    assert len(dropped) >= 10
    arrived = {sha256 for sha256 in bench.memory.files if bench.memory.is_whole(sha256)}
    assert not arrived & dropped
    assert arrived | dropped == set(bench.memory.files), "each file has come, or has been reported"
    assert sum(bench.memory.lengths[sha256] for sha256 in arrived) <= quota
    assert all(event["data"]["reason"] == "quota" for event in events if "items" in event["data"])


def test_a_disk_that_is_full_when_the_server_answers(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be noted is sent again; the server knows it already."""
    bench.fill(3)
    settle, refusals = bench.outbox.settle, 2

    def full(verdicts: Sequence[Verdict]) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise DiskFullError("the disk is full, nothing was written", bench.outbox.path)
        settle(verdicts)

    monkeypatch.setattr(bench.outbox, "settle", full)
    monkeypatch.setattr("edge.outbox.uplink.DISK_FULL_SECONDS", 0.01)
    thread = threading.Thread(target=bench.uplink.run)
    thread.start()
    until = time.monotonic() + 60
    while (bench.outbox.waiting_events() or bench.outbox.waiting_evidence_bytes()) and time.monotonic() < until:
        bench.uplink.wake()
        time.sleep(0.02)
    bench.uplink.stop()
    thread.join(60)
    assert refusals == 0
    assert_chain_is_whole(bench, 9)
    assert_files_are_whole(bench, 3)


def test_an_answer_that_is_lost_costs_a_duplicate_and_nothing_else(bench: Bench) -> None:
    bench.fill(10)
    bench.memory.lose_answers = 3
    bench.work_off_all()
    assert_chain_is_whole(bench, 30)
    assert_files_are_whole(bench, 10)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: PlainTextResponse("<html>hotel login</html>", 200),
        lambda: JSONResponse({"results": []}),
        lambda: JSONResponse({"results": [{"index": 0, "status": "accepted"}]}),
        lambda: JSONResponse({"results": [{"index": n, "id": "other", "status": "accepted"} for n in range(10)]}),
        lambda: JSONResponse({"results": [{"index": n, "status": "perhaps"} for n in range(10)]}),
        lambda: JSONResponse([1, 2]),
        lambda: Response(status_code=204),
        lambda: Response(status_code=302, headers={"Location": "http://127.0.0.1:1/"}),
        lambda: Response(status_code=500),
        lambda: JSONResponse({"title": "Slow down", "status": 429}, 429, headers={"Retry-After": "7"}),
        lambda: Response(status_code=404),
    ],
)
def test_a_strange_answer_forgets_nothing(bench: Bench, answer: Callable[[], Response]) -> None:
    bench.fill(3)
    bench.uplink._register_key()
    bench.uplink._key_is_known = True
    bench.memory.answers.append(answer())
    bench.work_off_all()
    assert len(bench.clock.sleeps) == 1
    if bench.memory.requests[1][0] == "POST" and answer().status_code == 429:
        assert bench.clock.sleeps[0] >= 7, "what the server asks for is respected"
    assert_chain_is_whole(bench, 9)


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_token_keeps_everything_and_says_so(
    bench: Bench, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.fill(3)
    token_file = bench.folder / "token"
    if status == 401:
        token_file.write_text("wrong")
    else:
        for _ in range(5):
            bench.memory.answers.append(JSONResponse({"title": "Forbidden", "status": 403}, 403))
    waits: list[str] = []

    def mended(_now: float) -> None:
        waits.append(bench.reader.summary().trouble)
        if len(waits) == 4:
            token_file.write_text(TOKEN)

    bench.clock.while_sleeping = mended
    bench.work_off_all()
    assert len(waits) >= 4
    assert f"answered {status}" in waits[0]
    assert "put this device's token into" in waits[0]
    assert_chain_is_whole(bench, 9)


def test_a_server_that_refuses_large_batches_gets_smaller_ones(bench: Bench) -> None:
    bench.fill(40, evidence=False)
    bench.memory.max_batch_bytes = 12_000
    bench.work_off_all()
    assert_chain_is_whole(bench, 80)
    assert bench.clock.sleeps == []


def test_one_event_that_the_server_chokes_on_is_found_and_kept_apart(bench: Bench) -> None:
    bench.fill(4, evidence=False)
    for _ in range(4):  # 8, 4, 2, 1 events
        bench.memory.answers.append(JSONResponse({"title": "Unprocessable", "status": 422}, 422))
    bench.uplink._key_is_known = True
    bench.work_off_all()
    assert len(bench.memory.events) == 7
    summary = bench.reader.summary()
    assert (summary.refused_events, summary.waiting_events) == (1, 0)
    assert "422" in bench.reader.events(1)[0].problem


def test_dead_letters_are_kept_and_do_not_hold_up_the_others(bench: Bench) -> None:
    bench.fill(3)
    refused = json.loads(bench.outbox.next_batch(9, 2**20)[3].content)["id"]
    bench.memory.refuse_ids.add(refused)
    bench.work_off_all()
    assert len(bench.memory.events) == 8
    row = bench.reader.events(10)[0]
    assert (row.seq, row.state) == (4, "refused")
    assert row.problem == "422 data.tier: Unprocessable no such tier"
    assert_files_are_whole(bench, 3)


def test_another_key_at_the_server_is_said_and_events_go_on(bench: Bench) -> None:
    bench.memory.public_key = "somebody else's"
    bench.fill(2)
    bench.work_off_all()
    assert len(bench.memory.events) == 6


def test_a_hash_mismatch_is_tried_again_from_the_start(bench: Bench) -> None:
    bench.fill(1, size=CHUNK_BYTES + 5)
    bench.memory.damage_uploads = 2
    bench.work_off_all()
    assert_files_are_whole(bench, 1)


def assert_is_reported_lost(bench: Bench, sha256: str) -> None:
    """The server must not wait for ever for what will never come."""
    (report,) = [event["data"] for event in bench.memory.events.values() if "evidence.dropped" in event["type"]]
    assert [item["sha256"] for item in report["items"]] == [sha256]
    assert (report["reason"], report["files"], report["total_files"]) == ("lost", 1, 1)
    assert_chain_is_whole(bench, len(bench.memory.events))


def test_a_file_that_is_damaged_here_is_reported_and_not_tried_for_ever(bench: Bench) -> None:
    bench.fill(2)
    damaged = next(bench.files.folder.iterdir())
    damaged.write_bytes(bytes(len(damaged.read_bytes())))
    bench.work_off_all()
    row = bench.reader.evidence(5)[0]
    assert (row.sha256, row.state) == (damaged.name, "dropped")
    assert "the file here is damaged" in row.problem
    assert len(bench.memory.events) == 7
    assert_is_reported_lost(bench, damaged.name)


def test_a_file_that_is_lost_here_is_reported(bench: Bench) -> None:
    bench.fill(1)
    lost = next(bench.files.folder.iterdir())
    lost.unlink()
    bench.work_off_all()
    row = bench.reader.evidence(5)[0]
    assert row.state == "dropped"
    assert "cannot be read here" in row.problem
    assert_is_reported_lost(bench, lost.name)


def test_a_server_that_does_not_expect_the_file_is_asked_a_few_times(bench: Bench) -> None:
    bench.fill(1)
    bench.memory.know_no_files = True
    bench.work_off_all()
    row = bench.reader.evidence(5)[0]
    assert (row.state, row.attempts) == ("failed", MAX_ATTEMPTS)
    assert row.problem == "the server does not expect this file"
    bench.memory.know_no_files = False
    assert bench.outbox.retry_failed() == 1
    bench.work_off_all()
    assert_files_are_whole(bench, 1)


def test_a_server_that_has_every_byte_and_does_not_say_complete_is_asked_once_more(bench: Bench) -> None:
    bench.fill(1)
    bench.uplink._step()  # the key and the batch
    (sha256,) = bench.memory.files
    whole = {"Upload-Offset": "500", "Upload-Complete": "?0"}
    bench.memory.files[sha256] += bench.files.path_of(sha256).read_bytes()
    bench.memory.answers.append(Response(headers=whole))
    bench.work_off_all()
    assert bench.memory.requests[-1][0] == "PATCH"
    assert bench.memory.requests[-1][2] == 0
    assert bench.reader.evidence(5) == []


def test_a_server_that_never_moves_on_is_given_up(bench: Bench) -> None:
    bench.fill(1)
    bench.memory.take_no_chunks = True
    bench.work_off_all()
    assert bench.clock.sleeps == [], "the server is not away: fresh events must not wait"
    assert bench.reader.evidence(5)[0].problem == "the server stays at byte 0 of 500"


def test_uploaded_files_are_removed_after_their_time(bench: Bench) -> None:
    bench.fill(3)
    bench.work_off_all()
    bench.uplink._remove_uploaded()
    assert list(bench.files.folder.iterdir()) == []
    bench.uplink._keep_uploaded = timedelta(hours=1)
    bench.fill(1)
    bench.work_off_all()
    bench.uplink._remove_uploaded()
    assert len(list(bench.files.folder.iterdir())) == 1


def test_a_commit_wakes_the_uplink(tmp_path: Path) -> None:
    """With the real clock: a polling interval in the way would show here."""
    with protocol_server() as server:
        (tmp_path / "token").write_text(TOKEN)
        api = ServerApi(ServerSettings(url=server.url, token_file=tmp_path / "token"))
        outbox, files = Outbox(tmp_path, "box-1"), EvidenceStore(tmp_path / "evidence")
        uplink = Uplink("box-1", outbox, files, api, load_or_create_key(tmp_path / "key"))
        thread = threading.Thread(target=uplink.run)
        thread.start()
        try:
            waits = []
            for number, commit in enumerate(episodes_of(10), start=1):
                time.sleep(0.05)
                begin = time.monotonic()
                outbox.commit(commit)
                while len(server.memory.events) < number and time.monotonic() - begin < 10:
                    time.sleep(0.001)
                waits.append(time.monotonic() - begin)
        finally:
            uplink.stop()
            thread.join(10)
        assert not thread.is_alive()
        # Far from any idle interval (5 s) and generous to a busy machine.
        assert sorted(waits)[len(waits) // 2] < 1.0, waits
        api.close()
        outbox.close()
