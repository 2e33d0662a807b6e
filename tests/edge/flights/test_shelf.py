"""Pictures put aside on the disk: whole or not at all, and never more than there is room for."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edge.detectors.interface import Image
from edge.flights import pictured as pictures
from edge.flights import shelf as module
from edge.flights.pictured import Pictured
from edge.flights.shelf import Shelf
from tests.edge.flights.drawn import HOUSES, PLANE, flown
from tests.edge.vision.surface.scenes import Scene


def picture(number: int) -> Image:
    return np.random.default_rng(number).integers(0, 256, (30, 40, 3), np.uint8)


def test_what_was_put_is_got_back_as_it_was(tmp_path: Path) -> None:
    shelves = Shelf(tmp_path, "baseline"), Shelf(tmp_path, "flight")
    for number, shelf in enumerate(shelves):
        assert shelf.get(0) is None
        shelf.put(0, picture(number))
        shelf.put(5, picture(10 + number)[:, ::2])
    for number, shelf in enumerate(shelves):
        found, other = shelf.get(0), shelf.get(5)
        assert found is not None and other is not None
        assert np.array_equal(found, picture(number))
        assert np.array_equal(other, picture(10 + number)[:, ::2])
        found[:] = 0
        again = shelf.get(0)
        assert again is not None and again.any(), "each gets one of its own"


def test_what_has_no_room_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 2 * 3600)
    shelf = Shelf(tmp_path, "flight")
    for index in range(4):
        shelf.put(index, picture(index))
    shelf.put(0, picture(0))
    assert [shelf.get(index) is not None for index in range(4)] == [True, True, False, False]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 2 * 3600


def test_the_last_of_a_disk_is_left_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_FREE_BYTES", shutil.disk_usage(tmp_path).total)
    shelf = Shelf(tmp_path, "flight")
    shelf.put(0, picture(0))
    assert shelf.get(0) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"x" * 3599, b"x" * 3601])
def test_a_file_that_is_not_whole_is_none(tmp_path: Path, content: bytes) -> None:
    shelf = Shelf(tmp_path, "flight")
    shelf.put(0, picture(0))
    next(tmp_path.iterdir()).write_bytes(content)
    assert shelf.get(0) is None
    shelf.put(0, picture(0))
    assert shelf.get(0) is not None


def test_a_folder_that_is_gone_costs_time_only(tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    folder.mkdir()
    shelf = Shelf(folder, "flight")
    shelf.put(0, picture(0))
    shutil.rmtree(folder)
    assert shelf.get(0) is None
    shelf.put(1, picture(1))
    assert shelf.get(1) is None


def test_pictures_of_a_flight_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "KEPT", 1)
    given = flown(Scene(HOUSES))
    folder = tmp_path / "survey"
    folder.mkdir()
    made = Pictured(given, PLANE, shelf=Shelf(folder, "flight"))
    first = [made.picture(index) for index in range(4)]
    again = [made.picture(index) for index in range(4)]
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))  # type: ignore[arg-type]
    assert given.reads == dict.fromkeys(range(4), 1)
    shutil.rmtree(folder)
    assert np.array_equal(made.picture(0), first[0])  # type: ignore[arg-type]
    assert given.reads[0] == 2, "what is found is shown after the comparison, when its files are gone"
