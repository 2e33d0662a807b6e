"""A folder in which flights appear: they are waited for, taken in their order, and none stops the next."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.flights.survey_settings import SurveySettings
from edge.flights.surveys.area import Area, Said
from edge.flights.surveys.settings import SettingsError
from edge.flights.surveys.watching import ASIDE, HEALTH_SECONDS, LATER_SECONDS, LOOK_AGAIN_SECONDS, MOST_ATTEMPTS, Watch
from tests.edge.detectors.illegal_structure.ground import box as rectangle
from tests.edge.detectors.illegal_structure.ground import found
from tests.edge.flights.surveys.scripted import Box, scripted_box

SHED = rectangle(0, 0, 6, 5)
SETTLE = 60.0


class Watched:
    """A watched folder, and a clock that the test sets."""

    def __init__(self, box: Box) -> None:
        self.box, self.folder, self.now = box, box.folder / "flights", 1000.0
        self.folder.mkdir()
        self.faults: list[Exception] = []
        self.watch = self.anew()

    def anew(self) -> Watch:
        """As after a restart of the program."""
        self.watch = Watch(self.box.area, self.folder, self._said, self.box.outbox, monotonic=lambda: self.now)
        return self.watch

    def _said(self) -> Said:
        if self.faults:
            raise self.faults[0]
        return Said(SurveySettings(), self.box.folder)

    def later(self, seconds: float) -> int:
        """A turn, so much later."""
        self.now += seconds
        return self.watch.turn()

    def settled(self) -> int:
        """What lies there is seen, and taken once it has settled."""
        return self.later(0) + self.later(SETTLE)

    def add(self, source: Path, name: str) -> Path:
        return Path(shutil.copytree(source, self.folder / name))

    def told(self) -> list[dict[str, Any]]:
        """Events of hazards."""
        return [each for each in self.box.events() if "hazard" in each]

    def known(self) -> list[str]:
        """Flights that the area knows, by their folders, in the order of their days."""
        return [each.id.rpartition("-")[0] for each in self.box.area.records().flights]

    def reasons(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder / ASIDE)): path.read_text(encoding="utf-8")
            for path in sorted((self.folder / ASIDE).rglob("*.txt"))
        }


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    box = scripted_box(tmp_path, monkeypatch, settle_seconds=SETTLE)
    yield Watched(box)
    box.outbox.close()


def test_a_flight_is_taken_once_nothing_has_changed_for_long_enough(watched: Watched, days: Path) -> None:
    assert watched.later(0) == 0
    flight = watched.add(days / "before", "monday")
    pictures = sorted(flight.glob("*.JPG"))
    last = pictures[-1].read_bytes()
    pictures[-1].write_bytes(last[:1000])
    assert watched.later(0) == watched.later(SETTLE - 1) == 0
    pictures[-1].write_bytes(last)  # the card is still being copied
    assert watched.later(2) == watched.later(SETTLE - 1) == 0
    assert watched.later(1) == 1
    assert watched.known() == ["monday"]
    assert watched.later(SETTLE) == watched.later(LOOK_AGAIN_SECONDS) == 0
    assert flight.is_dir(), "the next flight is compared with it"


def test_flights_of_several_days_are_taken_in_the_order_of_their_days(watched: Watched, days: Path) -> None:
    watched.box.comparisons.found |= {("x", "y"): [found(SHED)], ("a", "y"): [found(SHED)]}
    for source, name in (("before", "y"), ("after", "x"), ("again", "a")):
        watched.add(days / source, name)
    assert watched.settled() == 3
    assert watched.known() == ["y", "x", "a"]
    assert watched.box.comparisons.made == [("x", "y"), ("a", "y"), ("a", "x")]
    assert [(each["phase"], each["tier"]) for each in watched.told()][-1] == ("updated", "alarm")


def test_a_card_is_taken_as_it_is(watched: Watched, days: Path) -> None:
    card = watched.folder / "card"
    shutil.copytree(days / "before", card / "DCIM" / "100MEDIA")
    (card / "MISC").mkdir()
    (card / "MISC" / "notes.dat").write_bytes(b"\x00")
    assert watched.settled() == 1
    assert watched.known() == ["100MEDIA"]
    assert watched.reasons() == {}


def test_a_restart_takes_nothing_twice(watched: Watched, days: Path) -> None:
    watched.box.comparisons.found["b", "a"] = [found(SHED)]
    watched.add(days / "before", "a")
    watched.add(days / "after", "b")
    assert watched.settled() == 2
    before = watched.told()
    assert len(before) == 2
    watched.anew()
    watched.settled()
    assert len(watched.box.comparisons.made) == 1
    assert watched.told() == before


def test_a_bad_flight_is_put_aside_with_its_reason_and_the_next_is_taken(watched: Watched, days: Path) -> None:
    empty = watched.folder / "a-broken"
    empty.mkdir()
    (empty / "DJI_0001.JPG").write_bytes(b"\xff\xd8no picture")
    (watched.folder / "b-notes").mkdir()
    (watched.folder / "b-notes" / "readme.md").write_text("nothing flown")
    (watched.folder / "c.MP4").write_bytes(b"no video")
    (watched.folder / "c.SRT").write_text("no log")
    (watched.folder / "list.pdf").write_bytes(b"%PDF")
    watched.add(days / "before", "d-fine")
    watched.settled()
    assert watched.known() == ["d-fine"]
    reasons = watched.reasons()
    assert set(reasons) == {"a-broken.txt", "b-notes.txt", "c.MP4.txt"}
    assert "DJI_0001.JPG" in reasons["a-broken.txt"]
    assert "no pictures and no video" in reasons["b-notes.txt"]
    aside = watched.folder / ASIDE
    assert (aside / "a-broken" / "DJI_0001.JPG").is_file()
    assert (aside / "c.SRT").is_file()
    assert sorted(each.name for each in watched.folder.iterdir()) == [ASIDE, "d-fine", "list.pdf"]
    assert watched.settled() == 0
    assert watched.reasons() == reasons


def test_one_bad_flight_of_a_card_is_put_aside_alone(watched: Watched, days: Path) -> None:
    card = watched.folder / "card" / "DCIM"
    shutil.copytree(days / "before", card / "100MEDIA")
    (card / "101MEDIA").mkdir()
    (card / "101MEDIA" / "DJI_0001.JPG").write_bytes(b"no picture")
    watched.settled()
    assert watched.known() == ["100MEDIA"]
    assert (watched.folder / ASIDE / "card" / "DCIM" / "101MEDIA" / "DJI_0001.JPG").is_file()
    assert (card / "100MEDIA").is_dir()


def test_two_bad_flights_of_one_name_keep_their_reasons(watched: Watched) -> None:
    for _ in range(2):
        (watched.folder / "bad").mkdir()
        (watched.folder / "bad" / "DJI_0001.JPG").write_bytes(b"no picture")
        watched.settled()
    assert set(watched.reasons()) == {"bad.txt", "bad-2.txt"}


def test_what_a_flight_breaks_in_the_program_does_not_stop_the_next(watched: Watched, days: Path) -> None:
    watched.box.comparisons.found["b", "a"] = ZeroDivisionError("oh")
    for source, name in (("before", "a"), ("after", "b"), ("again", "c")):
        watched.add(days / source, name)
    assert watched.settled() == 3
    assert watched.known() == ["a", "c"]
    assert "a fault of the program" in watched.reasons()["b.txt"]


def test_what_is_wrong_with_settings_is_no_flights_fault(watched: Watched, days: Path) -> None:
    watched.add(days / "before", "a")
    watched.faults.append(SettingsError("west.yaml: register: found 5"))
    assert watched.settled() == 0
    watched.faults.clear()
    assert watched.later(LATER_SECONDS - 1) == 0
    assert watched.later(1) == 1
    assert watched.known() == ["a"]
    assert not (watched.folder / ASIDE).exists()


def test_a_flight_that_ends_the_program_each_time_is_put_aside_in_the_end(
    watched: Watched, days: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.add(days / "before", "a")

    class Killed(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        # As SIGKILL leaves it: nothing that would follow is done.
        monkeypatch.setattr("edge.flights.surveys.watching._Attempts._write", lambda *_: None)
        raise Killed

    for _ in range(MOST_ATTEMPTS):
        monkeypatch.undo()
        monkeypatch.setattr(Area, "take", dies)
        watched.anew()
        watched.later(0)
        with pytest.raises(Killed):
            watched.later(SETTLE)
    monkeypatch.undo()
    watched.anew()
    watched.settled()
    assert watched.known() == []
    assert f"{MOST_ATTEMPTS} attempts" in watched.reasons()["a.txt"]
    shutil.move(watched.folder / ASIDE / "a", watched.folder / "a")
    watched.settled()
    assert watched.known() == ["a"], "somebody wants it tried again"


def test_a_stop_in_between_is_no_attempt(watched: Watched, days: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.add(days / "before", "a")

    def stopped(*_: object, **__: object) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(Area, "take", stopped)
    for _ in range(MOST_ATTEMPTS + 1):
        watched.anew()
        watched.later(0)
        with pytest.raises(SystemExit):
            watched.later(SETTLE)
    monkeypatch.undo()
    watched.anew()
    assert watched.settled() == 1
    assert watched.known() == ["a"]


def test_a_folder_that_goes_away_comes_back(watched: Watched, days: Path) -> None:
    watched.folder.rename(watched.folder.with_name("unplugged"))
    assert watched.later(0) == watched.later(SETTLE) == 0
    watched.folder.with_name("unplugged").rename(watched.folder)
    watched.add(days / "before", "a")
    assert watched.settled() == 1


def test_pictures_that_come_later_belong_to_their_flight(watched: Watched, days: Path) -> None:
    """A drive stalled for longer than one waits: half a flight is no baseline of the whole, nor another sighting."""
    watched.box.comparisons.found["b", "a"] = [found(SHED)]
    watched.add(days / "before", "a")
    flight = watched.add(days / "after", "b")
    extra = sorted(flight.glob("*.JPG"))[-1]
    kept = extra.read_bytes()
    extra.unlink()
    assert watched.settled() == 2
    extra.write_bytes(kept)
    assert watched.later(SETTLE) == 0, "what was surveyed is looked at now and then only"
    assert watched.later(LOOK_AGAIN_SECONDS) == 0
    assert watched.later(SETTLE) == 1
    assert watched.known() == ["a", "b"]
    assert watched.box.comparisons.made == [("b", "a"), ("b", "a")]
    assert {each["tier"] for each in watched.told()} == {"review"}
    assert {each["detail"]["sightings"]["flights"] for each in watched.told()} == {1}


def test_what_cannot_be_moved_stays_and_is_not_tried_again(watched: Watched, days: Path) -> None:
    (watched.folder / ASIDE).write_text("a file where the folder should be")
    bad = watched.folder / "bad"
    bad.mkdir()
    (bad / "DJI_0001.JPG").write_bytes(b"no picture")
    assert watched.settled() == 1
    assert bad.is_dir()
    assert watched.later(LOOK_AGAIN_SECONDS) == watched.later(SETTLE) == 0
    watched.add(days / "before", "a")
    assert watched.settled() == 1


def test_how_an_area_is_watched_is_said_at_each_change(watched: Watched, days: Path) -> None:
    def said() -> list[tuple[str, str]]:
        return [(each["state"], each["reason"]) for each in watched.box.events() if "state" in each]

    watched.folder.rename(watched.folder.with_name("unplugged"))
    watched.later(0)
    watched.folder.with_name("unplugged").rename(watched.folder)
    watched.later(HEALTH_SECONDS)
    watched.add(days / "before", "a")
    watched.faults.append(SettingsError("west.yaml: register: found 5"))
    watched.settled()
    watched.faults.clear()
    watched.later(LATER_SECONDS)
    bad = watched.folder / "bad"
    bad.mkdir()
    (bad / "DJI_0001.JPG").write_bytes(b"no picture")
    watched.settled()
    watched.anew()
    watched.settled()
    assert [state for state, _ in said()] == ["offline", "online", "survey_unable", "online", "flight_refused"]
    assert "found 5" in said()[2][1]
    assert said()[4][1].startswith("1 put aside: ")
    shutil.rmtree(watched.folder / ASIDE)
    watched.later(HEALTH_SECONDS)
    assert said()[-1] == ("online", "flights are watched for")
    last = [each for each in watched.box.events() if "state" in each][-1]
    assert last["source"]["kind"] == "flight"
    assert "location" not in last, "nothing of an area lies at 0, 0"
