"""Flights are known again by what they hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.flights.material import FlightError
from edge.flights.survey_settings import SurveySettings
from edge.flights.surveys import contents
from edge.flights.surveys.contents import END_BYTES, flight_sha256, flights_under, given_sha256, stamp_of


def folder_of(path: Path, **files: bytes) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (path / name.replace("_", ".")).write_bytes(content)
    return path


def test_the_same_pictures_are_the_same_flight_wherever_they_lie(tmp_path: Path) -> None:
    one = folder_of(tmp_path / "one", a_JPG=b"1", b_JPG=b"2")
    other = folder_of(tmp_path / "other" / "deep", b_JPG=b"2", a_JPG=b"1", notes_txt=b"x")
    (other / ".hidden.JPG").write_bytes(b"a system's")
    assert flight_sha256(one) == flight_sha256(other)
    swapped = folder_of(tmp_path / "swapped", a_JPG=b"2", b_JPG=b"1")
    more = folder_of(tmp_path / "more", a_JPG=b"1", b_JPG=b"2", c_JPG=b"")
    log = folder_of(tmp_path / "log", a_JPG=b"1", b_JPG=b"2", a_srt=b"00:00")
    assert len({flight_sha256(each) for each in (one, swapped, more, log)}) == 4


@pytest.mark.parametrize("at", [0, END_BYTES - 1, -1, -END_BYTES])
def test_either_end_of_a_long_file_counts(tmp_path: Path, at: int) -> None:
    content = bytearray(os.urandom(16)) * (END_BYTES // 4)
    before = flight_sha256(folder_of(tmp_path / "f", a_MP4=bytes(content)))
    content[at] ^= 1
    assert flight_sha256(folder_of(tmp_path / "f", a_MP4=bytes(content))) != before
    assert flight_sha256(folder_of(tmp_path / "f", a_MP4=bytes(content) + b"\x00")) != before


def test_a_video_is_known_with_its_log(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f", a_MP4=b"video", b_MP4=b"another", b_SRT=b"its log")
    before = flight_sha256(folder / "a.MP4")
    (folder / "b.SRT").write_bytes(b"changed")
    assert flight_sha256(folder / "a.MP4") == before
    (folder / "a.SRT").write_bytes(b"log")
    assert flight_sha256(folder / "a.MP4") != before


def test_what_is_not_there_and_what_is_too_much_is_no_flight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FlightError, match="nowhere"):
        flight_sha256(tmp_path / "nowhere")
    monkeypatch.setattr(contents, "MOST_ENTRIES", 1)
    with pytest.raises(FlightError, match="more than 1"):
        flight_sha256(folder_of(tmp_path / "f", a_JPG=b"", b_JPG=b""))


def test_what_shapes_a_survey_is_settings_and_the_registers_files(tmp_path: Path) -> None:
    (tmp_path / "permits.shp").write_bytes(b"1")
    (tmp_path / "permits.dbf").write_bytes(b"2")

    def given(**more: object) -> str:
        return given_sha256(
            SurveySettings.model_validate({"register": {"permits": [{"path": "permits.shp"}]}, **more}), tmp_path
        )

    before = given()
    assert given() == before
    assert given(illegal_structure={"large_m2": 90}) != before
    (tmp_path / "permits.dbf").write_bytes(b"3")
    assert given() != before, "a Shapefile is five files"
    (tmp_path / "permits.shp").unlink()
    assert given() != before, "what is wrong with it, reading it says"


def test_flights_are_found_below_a_card(tmp_path: Path) -> None:
    card = tmp_path / "card"
    folder_of(card / "DCIM" / "100MEDIA", a_JPG=b"", v_MP4=b"")
    folder_of(card / "DCIM" / "101MEDIA", b_jpeg=b"")
    folder_of(card / "video", v_MP4=b"", w_mov=b"", v_SRT=b"")
    folder_of(card / ".Trashes", x_JPG=b"")
    folder_of(card / "1" / "2" / "3" / "4" / "5" / "6", deep_JPG=b"")
    (card / "round").symlink_to(card)
    names = ["DCIM/100MEDIA", "DCIM/101MEDIA", "video/v.MP4", "video/w.mov"]
    assert [str(each.relative_to(card)) for each in flights_under(card)] == names
    assert flights_under(card / "video" / "v.MP4") == [card / "video" / "v.MP4"]
    assert flights_under(card / "video" / "v.SRT") == []


def test_a_stamp_tells_whether_anything_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = folder_of(tmp_path / "card" / "DCIM", a_JPG=b"12").parent
    before = stamp_of(card)
    assert (before.files, before.bytes) == (1, 2)
    folder_of(card / "DCIM", b_JPG=b"")
    assert stamp_of(card) != before
    monkeypatch.setattr(contents, "MOST_STAMPED", 1)
    with pytest.raises(OSError, match="more than 1 files"):
        stamp_of(card)


def test_what_only_looks_like_a_flight_is_waited_for_by_nobody(tmp_path: Path) -> None:
    """A pipe with a video's name would be read for ever."""
    os.mkfifo(tmp_path / "a.MP4")
    (tmp_path / "card").mkdir()
    os.mkfifo(tmp_path / "card" / "b.JPG")
    assert flights_under(tmp_path / "a.MP4") == flights_under(tmp_path / "card") == []
    assert stamp_of(tmp_path / "a.MP4").files == stamp_of(tmp_path / "card").files == 0
    flight_sha256(tmp_path / "a.MP4")
