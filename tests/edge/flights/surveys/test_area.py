"""Flights of an area: what is compared with what, and that each is told once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from contract.chain import verify_chain
from edge.config.document import load_config
from edge.detectors.illegal_structure import Change
from edge.disk import DiskFullError
from edge.flights.material import FlightError
from edge.flights.surveys.area import Area, Outcome, survey_name
from edge.flights.surveys.records import RecordsError
from edge.outbox.sink import Commit
from edge.supervisor.messages import Alive
from tests.edge.detectors.illegal_structure.ground import box as rectangle
from tests.edge.detectors.illegal_structure.ground import found
from tests.edge.flights.surveys.scripted import AREA, MUCH_LATER, Box, scripted_box
from tests.edge.worker.test_uplink import hosted

SHED = rectangle(0, 0, 6, 5)
BARN = rectangle(20, 10, 9, 8)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    made = scripted_box(tmp_path, monkeypatch)
    yield made
    made.outbox.close()


def test_the_first_flight_is_a_baseline_and_the_next_is_compared_with_it(box: Box, days: Path) -> None:
    box.comparisons.found["after", "before"] = [found(SHED)]
    first = box.take(days / "before")
    assert (first.outcome, first.events) == (Outcome.BASELINE, 0)
    second = box.take(days / "after")
    assert (second.outcome, second.events) == (Outcome.SURVEYED, 2)
    assert box.comparisons.made == [("after", "before")]
    opened, updated = box.events()
    assert (opened["phase"], updated["phase"]) == ("opened", "updated")
    assert opened["source"] == {"id": AREA, "kind": "flight", "name": "西片区"}
    assert opened["episode_id"] == updated["episode_id"]
    assert "evidence" not in opened or opened["evidence"] == [], "an event never waits for its pictures"
    assert [each["kind"] for each in updated["evidence"]] == ["before", "after"]
    assert all(box.store.path_of(each["sha256"]).stat().st_size == each["bytes"] for each in updated["evidence"])
    assert opened["location"]["area"]["type"] == "Polygon"
    assert opened["detail"]["flight"]["id"] == second.flight
    assert opened["started_at"] == opened["observed_at"], "the time of the flight"
    contents = [each.content for each in box.outbox.next_batch(100, 10**9)]
    assert verify_chain("box-1", contents, [], None).problem is None


def test_pictures_that_overlap_too_little_are_in_the_log(box: Box, days: Path, tmp_path: Path) -> None:
    """Nobody looks at a watched folder's output."""
    few = shutil.copytree(days / "after", tmp_path / "few")
    for number, picture in enumerate(sorted(few.iterdir())):
        if number % 2:
            picture.unlink()
    warned = []
    for flight in (days / "before", few, days / "again"):
        with capture_logs() as lines:
            taken = box.take(flight)
        warned.append([line for line in lines if line["event"] == "pictures overlap little"])
        if flight == few:
            sparse = taken.flight
    assert warned[0] == []
    assert [(line["area"], line["flight"], line["log_level"]) for line in warned[1]] == [(AREA, sparse, "warning")]
    assert "% along: what was built between high houses" in warned[1][0]["reason"]
    assert [line["baseline"] for line in warned[2]] == [sparse]


def test_what_was_finished_is_not_done_again_under_any_name(box: Box, days: Path, tmp_path: Path) -> None:
    box.comparisons.found["after", "before"] = [found(SHED)]
    box.take(days / "before")
    taken = box.take(days / "after")
    before = box.events()
    for path in (days / "after", shutil.copytree(days / "after", tmp_path / "copy"), days / "before"):
        assert box.take(path).outcome is Outcome.FINISHED
    assert box.take(days / "after", baseline=days / "before").outcome is Outcome.FINISHED
    assert box.comparisons.made == [("after", "before")]
    assert box.events() == before
    # Other settings are another question; a watched folder does not ask it of every old flight.
    other = {"illegal_structure": {"large_m2": 25}}
    assert box.take(days / "after", other, again=False).outcome is Outcome.FINISHED
    again = box.take(tmp_path / "copy", other)
    assert (again.flight, again.outcome) == (taken.flight, Outcome.SURVEYED)
    assert len(box.area.records().flights) == 2
    assert box.phases()[2:] == [("updated", "review"), ("updated", "review")], "graver, and no second sighting"


def test_a_flight_soon_after_is_compared_with_the_old_baseline_first_and_makes_an_alarm(box: Box, days: Path) -> None:
    box.comparisons.found |= {("after", "before"): [found(SHED)], ("again", "before"): [found(SHED)]}
    for name in ("before", "after", "again"):
        box.take(days / name)
    assert box.comparisons.made == [("after", "before"), ("again", "before"), ("again", "after")]
    assert [phase for phase, _ in box.phases()] == ["opened", "updated", "updated", "updated"]
    last = box.events()[-1]
    assert (last["tier"], last["detail"]["sightings"]["flights"]) == ("alarm", 2)
    assert len(last["evidence"]) == 4
    assert len({each["episode_id"] for each in box.events()}) == 1


def test_what_is_gone_is_cleared_with_its_pictures_though_an_old_baseline_cannot_say_so(box: Box, days: Path) -> None:
    box.comparisons.found |= {
        ("after", "before"): [found(SHED)],
        ("again", "before"): FlightError("snow"),
        ("again", "after"): [found(SHED, change=Change.REMOVED)],
    }
    for name in ("before", "after", "again"):
        box.take(days / name)
    assert [phase for phase, _ in box.phases()] == ["opened", "updated", "cleared"]
    last = box.events()[-1]
    assert last["detail"]["removed_at"] is not None
    assert last["ended_at"] == last["observed_at"]
    assert box.outbox.open_episodes() == {}


def test_a_flight_of_a_day_to_come_is_refused(box: Box, days: Path) -> None:
    """A structure that was seen in it could not end before that day."""
    config = load_config(box.folder / "edge.yaml")
    box.area = Area(AREA, config, box.outbox, box.store, now=lambda: datetime(2026, 11, 8, tzinfo=UTC))
    assert box.take(days / "before").outcome is Outcome.BASELINE, "hours ahead: another time zone"
    with pytest.raises(FlightError, match="2027-03-15"):
        box.take(days / "after")
    box.take(days / "after", {"taken_at": "2026-11-08T04:00:00+00:00"})
    assert box.comparisons.made == [("after", "before")]


def test_each_structure_is_an_episode_of_its_own(box: Box, days: Path) -> None:
    box.comparisons.found["after", "before"] = [found(SHED), found(BARN)]
    box.take(days / "before")
    assert box.take(days / "after").events == 4
    assert len({(each["episode_id"], each["detail"]["structure"]) for each in box.events()}) == 2


def test_a_flight_that_cannot_be_compared_is_not_kept_and_one_that_fails_is_said(box: Box, days: Path) -> None:
    box.comparisons.found["after", "before"] = FlightError("no pair could be compared")
    box.take(days / "before")
    with pytest.raises(FlightError, match="no pair"):
        box.take(days / "after")
    assert [each.id.rpartition("-")[0] for each in box.area.records().flights] == ["before"]
    with pytest.raises(FlightError, match="nowhere"):
        box.take(days / "nowhere")


def test_files_that_are_gone_or_others_by_now_are_no_baseline(box: Box, days: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(days / "after", tmp_path / "after")
    box.take(days / "before")
    box.take(moved)
    next(iter(sorted(moved.glob("*.JPG")))).unlink()
    box.take(days / "again")
    assert box.comparisons.made[1:] == [("again", "before")]


def test_a_flight_that_comes_late_is_compared_with_what_was_before_it(box: Box, days: Path) -> None:
    box.comparisons.found |= {("again", "before"): [found(SHED)], ("after", "before"): [found(SHED)]}
    for name in ("before", "again", "after"):
        box.take(days / name)
    assert box.comparisons.made == [("again", "before"), ("after", "before")]
    assert {phase for phase, _ in box.phases()} == {"opened", "updated"}


def test_a_baseline_that_somebody_chose_belongs_to_the_area(box: Box, days: Path, tmp_path: Path) -> None:
    box.comparisons.found |= {("after", "before"): [found(SHED)], ("again", "before"): [found(SHED)]}
    assert box.take(days / "after", baseline=days / "before").events == 2
    copied = shutil.copytree(days / "before", tmp_path / "elsewhere")
    assert box.take(days / "again", baseline=copied).events == 2, "the same flight as before"
    assert len({each.baseline for each in box.area.records().comparisons}) == 1
    assert box.take(days / "before").outcome is Outcome.FINISHED
    assert box.take(days / "after").outcome is Outcome.FINISHED


def test_a_disk_that_refuses_loses_nothing_and_tells_nothing_twice(
    box: Box, days: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the last flight saw in its first comparison is kept, though the second one's could not be."""
    box.comparisons.found |= {
        ("after", "before"): [found(SHED)],
        ("again", "before"): [found(SHED)],
        ("again", "after"): [found(BARN)],
    }
    box.take(days / "before")
    box.take(days / "after")
    commit = box.outbox.commit

    def refuses(asked: Commit) -> None:
        if len(box.comparisons.made) == 3:
            raise DiskFullError("full", box.outbox.path)
        commit(asked)

    monkeypatch.setattr(box.outbox, "commit", refuses)
    with pytest.raises(OSError, match="full"):
        box.take(days / "again")
    monkeypatch.undo()
    monkeypatch.setattr("edge.flights.surveys.area.survey", box.comparisons.survey)
    assert [tier for _, tier in box.phases()][-1] == "alarm"
    taken = box.take(days / "again")
    assert taken.outcome is Outcome.SURVEYED
    assert box.comparisons.made[3:] == [("again", "after")], "the first one is not made again"
    said = [(each["detail"]["structure"], each["revision"]) for each in box.events()]
    assert len(set(said)) == len(said)
    assert len({name for name, _ in said}) == 2


def test_a_damaged_memory_stops_the_survey(box: Box, days: Path) -> None:
    box.outbox.commit(Commit(state={survey_name(AREA): "{"}))
    with pytest.raises(RecordsError, match="area 'west'"):
        box.take(days / "before")


def test_a_structure_that_is_forgotten_leaves_no_episode_open(box: Box, days: Path) -> None:
    box.comparisons.found["after", "before"] = [found(SHED)]
    box.take(days / "before")
    box.take(days / "after")
    empty = replace(box.area.records(), structures={})
    box.outbox.commit(Commit(state={survey_name(AREA): empty.as_text()}))
    box.take(days / "again")
    assert [phase for phase, _ in box.phases()] == ["opened", "updated", "cleared"]


def test_run_leaves_the_episodes_of_areas_open_until_the_area_is_gone(box: Box, days: Path) -> None:
    box.comparisons.found["after", "before"] = [found(SHED)]
    box.take(days / "before")
    box.take(days / "after")
    path = box.folder / "edge.yaml"
    with hosted(path, []) as host:
        host.alive(Alive([], {}))
    assert len(box.outbox.open_episodes()[AREA]) == 1
    path.write_text(path.read_text(encoding="utf-8").replace(f"{AREA}:", "east:"), encoding="utf-8")
    with hosted(path, []):
        assert AREA not in box.outbox.open_episodes()


def test_pictures_that_may_not_leave_the_box_do_not(box: Box, days: Path) -> None:
    box.comparisons.found["after", "before"] = [found(SHED)]
    config = load_config(box.folder / "edge.yaml")
    box.area = Area(AREA, config, box.outbox, box.store, blur=lambda _: None, now=lambda: MUCH_LATER)
    box.take(days / "before")
    assert box.take(days / "after").events == 1
    assert list(box.store.folder.iterdir()) == []


def test_a_disk_without_room_for_pictures_still_takes_the_event(
    box: Box, days: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.comparisons.found["after", "before"] = [found(SHED)]
    box.take(days / "before")
    monkeypatch.setattr("edge.evidence.store.EvidenceStore._has_room_for", lambda *_: False)
    box.take(days / "after")
    _, updated = box.events()
    assert len(updated["evidence"]) == 2, "listed: the uplink says that they will never come"
