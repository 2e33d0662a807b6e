"""The library of baselines: what is added is found again, and nothing is lost by accident."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.flights.flight_settings import FlightSettings, GroundSettings
from edge.flights.library.entries import Entry, LibraryError, checked_area, outline_of, read_entry
from edge.flights.library.resolving import covering, resolve, resolve_baseline
from edge.flights.library.store import Addition, Library
from edge.flights.library.verifying import damaged
from edge.flights.material import material_of
from edge.flights.shots import NoProgress

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
PARK = shapely.box(113.62, 34.75, 113.63, 34.76)


def a_flight(folder: Path, name: str, text: str = "") -> Path:
    """Files that look like pictures from outside; nothing here opens them."""
    path = folder / name
    path.mkdir(parents=True)
    for number in range(3):
        (path / f"DJI_{number:04d}.JPG").write_bytes(f"{name} {number} {text}".encode())
    (path / "notes.txt").write_text("not a picture")
    return path


def addition(flight: Path, area: str = "park", taken_at: datetime = NOON, **more: object) -> Addition:
    values = {"outline": PARK, **more}
    return Addition(area, material_of(flight), flight.name, taken_at, **values)  # type: ignore[arg-type]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Three flights of the park, one of the harbour, added in another order than they were flown."""
    held = Library(tmp_path / "library")
    for days in (7, 0, 3):
        held.add(addition(a_flight(tmp_path / "flights", f"park{days}"), taken_at=NOON + timedelta(days=days)))
    held.add(addition(a_flight(tmp_path / "flights", "port"), "harbour", outline=shapely.box(120, 30, 120.01, 30.01)))
    return held


def test_what_is_added_is_there(library: Library, tmp_path: Path) -> None:
    entries, problems = library.entries()
    assert not problems
    assert [each.name for each in entries] == [
        "park@2026-11-27", "park@2026-11-23", "park@2026-11-20", "harbour@2026-11-20",
    ]  # fmt: skip
    assert library.areas() == ["harbour", "park"]
    kept = library.one("park@2026-11-23")
    assert kept.flight == tmp_path / "flights" / "park3"
    assert [each.path for each in kept.entry.files] == ["DJI_0000.JPG", "DJI_0001.JPG", "DJI_0002.JPG"]
    assert kept.outline.equals(PARK)
    assert kept.missing() == ()
    assert damaged(kept, NoProgress()) == ()
    assert not list(library.root.rglob(".*"))


def test_the_newest_before_is_found(library: Library, tmp_path: Path) -> None:
    flights = tmp_path / "flights"
    assert resolve_baseline(library.root, "park") == flights / "park7"
    assert resolve_baseline(library.root, "park", NOON + timedelta(days=7)) == flights / "park3"
    assert resolve_baseline(library.root, "park", NOON + timedelta(days=1)) == flights / "park0"
    assert resolve_baseline(library.root, "park@2026-11-20", NOON) == flights / "park0"
    with pytest.raises(LibraryError, match=r"holds no flight of 'park' before .*, but those of 2026-11-27"):
        resolve(library.root, "park", NOON)
    with pytest.raises(LibraryError, match=r"holds no flight of the area 'lake'; it has harbour, park"):
        resolve(library.root, "lake")
    with pytest.raises(LibraryError, match=r"holds no flight 'park@2026-11-21', but those of"):
        resolve(library.root, "park@2026-11-21")
    with pytest.raises(LibraryError, match="no such folder"):
        resolve(tmp_path / "nowhere", "park")


def test_by_the_ground_they_show(library: Library) -> None:
    inside = shapely.box(113.624, 34.752, 113.626, 34.754)
    assert next(each.name for each in covering(library.root, inside)) == "park@2026-11-27"
    assert len(covering(library.root, inside)) == 3
    assert [each.name for each in covering(library.root, inside, NOON + timedelta(days=1))] == ["park@2026-11-20"]
    assert covering(library.root, shapely.box(113.629, 34.75, 113.64, 34.76)) == []
    assert len(covering(library.root, shapely.box(113.629, 34.75, 113.64, 34.76), least_share=0.05)) == 3
    with pytest.raises(ValueError, match="without an area"):
        covering(library.root, shapely.Point(1, 1))


def test_nothing_is_written_over(library: Library, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in library.root.rglob("*.json")}
    second = library.add(addition(a_flight(tmp_path / "flights", "again", "other")))
    assert second.name == "park@2026-11-20.2"
    assert {path: path.read_bytes() for path in before} == before
    # Of that day: the newest; by its own name: itself.
    later = library.add(addition(a_flight(tmp_path / "flights", "third", "x"), taken_at=NOON + timedelta(hours=2)))
    assert later.name == "park@2026-11-20.3"
    assert resolve(library.root, "park@2026-11-20").name == later.name
    assert resolve(library.root, "park@2026-11-20.2").name == second.name
    with pytest.raises(LibraryError, match=r"is in the library already, as park@2026-11-20\.2"):
        library.add(addition(tmp_path / "flights" / "again", taken_at=NOON + timedelta(days=40)))
    assert not list(library.root.rglob(".adding*"))


def test_a_flight_of_elsewhere_is_not_of_this_area(library: Library, tmp_path: Path) -> None:
    far = addition(a_flight(tmp_path / "flights", "far"), outline=shapely.box(1, 1, 2, 2))
    with pytest.raises(LibraryError, match="shows nothing of what the 3 flights of 'park' show"):
        library.add(far)
    kept = library.add(addition(tmp_path / "flights" / "far", outline=shapely.box(1, 1, 2, 2), elsewhere=True))
    assert kept.name == "park@2026-11-20.2"


def test_a_copied_flight_is_the_librarys_own(tmp_path: Path) -> None:
    held = Library(tmp_path / "library")
    flight = a_flight(tmp_path / "flights", "one")
    elevation = GroundSettings(elevation=Path("dem.tif"))
    kept = held.add(addition(flight, copy=True, settings=FlightSettings(zone="Asia/Shanghai", ground=elevation)))
    shutil.rmtree(flight)
    again = held.one(kept.name)
    assert again.flight == kept.folder / "flight"
    assert sorted(each.name for each in again.flight.iterdir()) == [f"DJI_{n:04d}.JPG" for n in range(3)]
    assert again.missing() == ()
    assert again.entry.settings.zone == "Asia/Shanghai"
    assert again.entry.settings.ground.elevation == Path.cwd() / "dem.tif"
    # The whole library can be moved.
    moved = tmp_path / "elsewhere"
    held.root.rename(moved)
    assert resolve_baseline(moved, "park") == moved / "park" / "2026-11-20" / "flight"


def test_a_video_comes_with_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "card"
    folder.mkdir()
    for name in ("DJI_0001.MP4", "DJI_0001.SRT", "DJI_0002.MP4", "DJI_0002.SRT"):
        (folder / name).write_bytes(name.encode())
    held = Library(tmp_path / "library")
    kept = held.add(addition(folder / "DJI_0001.MP4", copy=True))
    assert [each.path for each in kept.entry.files] == ["DJI_0001.MP4", "DJI_0001.SRT"]
    assert kept.flight == kept.folder / "flight" / "DJI_0001.MP4"
    assert kept.missing() == ()


def test_files_that_are_gone_or_changed_are_noticed(library: Library, tmp_path: Path) -> None:
    flights = tmp_path / "flights"
    (flights / "park7" / "DJI_0001.JPG").unlink()
    with pytest.raises(
        LibraryError, match=r"park@2026-11-27: 1 of its 3 files are gone or changed, the first DJI_0001"
    ):
        resolve(library.root, "park")
    changed = flights / "park3" / "DJI_0002.JPG"
    changed.write_bytes(changed.read_bytes()[::-1])
    kept = library.one("park@2026-11-23")
    assert kept.missing() == ()  # of the same length: only reading tells
    assert damaged(kept, NoProgress()) == ("DJI_0002.JPG",)


def test_what_is_removed_is_gone_and_no_more(library: Library, tmp_path: Path) -> None:
    library.remove("park@2026-11-23")
    assert [each.name for each in library.entries("park")[0]] == ["park@2026-11-27", "park@2026-11-20"]
    assert len(list((tmp_path / "flights" / "park3").iterdir())) == 4
    for name in ("park", "park@2026-11-23", "park@..", "../park@2026-11-20", "park@2026-11-20/..", "@2026-11-20"):
        with pytest.raises(LibraryError):
            library.remove(name)
    (library.root / "park" / "2026-11-20" / "my notes.txt").write_text("keep me")
    with pytest.raises(LibraryError, match=r"my notes\.txt"):
        library.remove("park@2026-11-20")
    assert (library.root / "park" / "2026-11-20" / "entry.json").is_file()
    outside = tmp_path / "outside"
    shutil.copytree(library.root / "harbour" / "2026-11-20", outside)
    (library.root / "harbour" / "2026-11-21").symlink_to(outside)
    with pytest.raises(LibraryError, match="is a link"):
        library.remove("harbour@2026-11-21")
    assert (outside / "entry.json").is_file()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a@b", "-a", "_", "a" * 65, "a b", "a\n", "\u202ea", "a\x00"])
def test_names_that_are_no_areas(name: str, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="expected 1 to 64 letters"):
        checked_area(name)
    with pytest.raises(LibraryError):
        resolve(tmp_path, name)


def test_areas_may_be_named_in_chinese(tmp_path: Path) -> None:
    held = Library(tmp_path / "library")
    kept = held.add(addition(a_flight(tmp_path, "one"), "中原区-3"))
    assert kept.name == "中原区-3@2026-11-20"
    assert resolve_baseline(held.root, "中原区-3") == tmp_path / "one"


HOSTILE = [
    b"",
    b"{}",
    b"[" * 100_000,
    b"\xff\xfe",
    b'{"format": "gridsentry-baseline/2"}',
    b"null",
]


@pytest.mark.parametrize("content", HOSTILE)
def test_a_broken_entry_costs_itself_only(library: Library, content: bytes) -> None:
    (library.root / "park" / "2026-11-27" / "entry.json").write_bytes(content)
    entries, problems = library.entries("park")
    assert [each.name for each in entries] == ["park@2026-11-23", "park@2026-11-20"]
    assert len(problems) == 1
    assert "2026-11-27" in problems[0]
    assert resolve(library.root, "park").name == "park@2026-11-23"


def test_entries_that_do_not_belong(library: Library) -> None:
    shutil.copytree(library.root / "park" / "2026-11-27", library.root / "harbour" / "2026-11-27")
    (library.root / "park" / "empty").mkdir()
    (library.root / "park" / "huge").mkdir()
    with (library.root / "park" / "huge" / "entry.json").open("wb") as file:
        file.truncate(10**10)
    _, problems = library.entries()
    assert len(problems) == 3
    assert any("is of the area 'park', but lies in 'harbour'" in each for each in problems)
    assert any("too large" in each for each in problems)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.none() | st.floats(allow_nan=True) | st.text(max_size=5) | st.sampled_from(["Polygon", "Feature"]),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["type", "coordinates", "geometry", "features", "x"]), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_outlines_of_anything_are_outlines_or_refused(document: object) -> None:
    try:
        found = outline_of(document)
    except ValueError:
        return
    assert found.is_valid


def test_outlines() -> None:
    ring = [[113.6, 34.7], [113.7, 34.7], [113.7, 34.8], [113.6, 34.7]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    assert outline_of(polygon).area > 0
    feature = {"type": "Feature", "properties": {}, "geometry": polygon}
    assert outline_of({"type": "FeatureCollection", "features": [feature]}).equals(outline_of(polygon))
    bow = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
    assert outline_of({"type": "Polygon", "coordinates": [bow]}).is_valid
    for wrong in ([[500000, 3800000], [500100, 3800000], [500100, 3800100], [500000, 3800000]], [], [[0, 0]]):
        with pytest.raises(ValueError, match="expected"):
            outline_of({"type": "Polygon", "coordinates": [wrong]})


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    flight = a_flight(tmp_path, "one")
    os.rename(os.fsencode(flight / "DJI_0001.JPG"), os.fsencode(flight) + b"/\xff.JPG")  # noqa: PTH104 - bytes
    with pytest.raises(LibraryError, match="not UTF-8"):
        Library(tmp_path / "library").add(addition(flight))
    assert not (tmp_path / "library").exists()


def test_a_library_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("a file")
    with pytest.raises(LibraryError, match="cannot be written"):
        Library(tmp_path / "library").add(addition(a_flight(tmp_path, "one")))


def test_a_source_that_changes_while_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in the library is what was hashed, or is not in it."""
    flight = a_flight(tmp_path, "one")
    copy = shutil.copyfile

    def torn(source: Path, target: Path) -> None:
        copy(source, target)
        with Path(target).open("ab") as file:
            file.write(b"more")

    monkeypatch.setattr("edge.flights.library.store.shutil.copyfile", torn)
    held = Library(tmp_path / "library")
    with pytest.raises(LibraryError, match="it changed while it was copied"):
        held.add(addition(flight, copy=True))
    assert held.entries() == ([], [])
    assert list((held.root / "park").iterdir()) == []


def test_the_entry_is_plain_json(library: Library) -> None:
    folder = library.root / "park" / "2026-11-20"
    document = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    assert document["format"] == "gridsentry-baseline/1"
    assert read_entry(folder).entry == Entry.model_validate(document)
