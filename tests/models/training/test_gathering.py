"""A round's pictures: licences bind, scenes never straddle, teachers and makers are read strictly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from models.datasets.reading import read_boxes
from models.training.errors import RecipeError
from models.training.gathering import Gathered, gather
from models.training.recipe import Places, read_recipe
from tests.models.drawn import draw_set, manifest, recipe, round_of
from tests.models.training import makers

HEADER = "picture,label,left,top,right,bottom,score\n"


def gathered(path: Path, *data: dict[str, object], **changes: object) -> Gathered:
    if data:
        recipe(path.parent, rounds=[round_of("first", data=list(data), **changes)])
    found = read_recipe(path)
    return gather(found, found.round(None), Places(path.parent, path.parent / "data", path.parent / "work"))


def rows_of(path: Path) -> Sequence[dict[str, list[list[float]]]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_trainer_gets_links_and_labels_and_sets_stay_as_they_are(cells: Path) -> None:
    before = sorted(path for path in (cells.parent / "data").rglob("*"))
    done = gathered(
        cells, {"set": "trained", "split": "all", "repeat": 2}, {"set": "trained", "split": "all", "count": 5}
    )
    description = yaml.safe_load(done.description.read_text())
    assert description["names"] == {0: "red", 1: "blue"}
    root = Path(description["path"])
    links = sorted((root / "train" / "images").iterdir())
    assert len(links) == 2 * 12 + 5
    assert all(link.is_symlink() and cv2.imread(str(link)) is not None for link in links)
    boxes = [
        box for link in links for box in read_boxes(root / "train" / "labels" / f"{link.stem}.txt", ("red", "blue"))
    ]
    assert sum(share.repeat * sum(share.boxes.values()) for share in done.shares) == len(boxes)
    assert len(list((root / "val" / "images").iterdir())) == 9
    assert sorted(path for path in (cells.parent / "data").rglob("*")) == before
    again = gathered(cells)
    assert sorted((root / "train" / "images").iterdir()) == links
    assert again == done


def test_what_may_only_be_tested_with_is_not_trained_on(cells: Path) -> None:
    manifest(cells.parent, "trained", permits="testing", licence="none stated")
    with pytest.raises(RecipeError, match=r"trained:all: its licence \(none stated\) permits testing only"):
        gathered(cells)


def test_a_scene_that_is_tested_with_is_not_trained_on(cells: Path) -> None:
    splits = {
        "all": {"pictures": ["images/*_00[0-5].png"], "boxes": "labels"},
        "rest": {"pictures": ["images/*_00[6-8].png"], "boxes": "labels"},
    }
    manifest(cells.parent, "tested", splits=splits, scenes={"gap": 100})
    with pytest.raises(RecipeError, match=r"street_006\.png shows the scene '0' of tested/images/street_00\d\.png"):
        gathered(cells, {"set": "tested", "split": "rest"})
    # Another manifest of the same folder does not hide it.
    manifest(cells.parent, "again", folder="tested", splits=splits, scenes={"gap": 100})
    with pytest.raises(RecipeError, match=r"again/images/street_006\.png shows the scene '0' of tested/"):
        gathered(cells, {"set": "again", "split": "rest"})
    manifest(cells.parent, "tested", splits=splits)
    assert gathered(cells, {"set": "tested", "split": "rest"}).shares[0].pictures == 3


def test_pictures_without_boxes_teach_nothing(cells: Path) -> None:
    manifest(
        cells.parent, "trained", splits={"all": {"pictures": ["images/*"], "boxes": "unknown", "present": ["red"]}}
    )
    with pytest.raises(RecipeError, match=r"street_000\.png without boxes; give a teacher's"):
        gathered(cells)


def test_a_teachers_boxes_replace_or_join_the_sets_own(cells: Path) -> None:
    # street_000 shows red: the teacher finds it again, and something else; it is weak about street_001.
    own = read_boxes(cells.parent / "data" / "trained" / "labels" / "street_000.txt", ("red", "blue"))[0]
    near = f"{own.left},{own.top},{own.right - 0.01},{own.bottom}"
    (cells.parent / "teacher.csv").write_text(
        HEADER
        + f"trained/images/street_000.png,red,{near},0.9\n"
        + "trained/images/street_000.png,blue,0.0,0.0,0.1,0.1,0.8\n"
        + "trained/images/street_001.png,red,0.0,0.0,0.2,0.2,0.3\n"
        + "tested/images/street_001.png,red,0.0,0.0,0.2,0.2,0.9\n"
    )
    taught = {"set": "trained", "split": "all", "boxes": "teacher.csv", "min_score": 0.5}
    assert gathered(cells, taught).shares[0].boxes == {"red": 1, "blue": 1}
    mixed = gathered(cells, {**taught, "mix": True}).shares[0].boxes
    assert mixed == {"red": 4, "blue": 5}, "four of each were drawn; red was seen again, and blue is new"
    own_loop = {"trainer": "tests.models.training.makers:trainer", "epochs": None, "steps": 1, "shares": {"real": 1}}
    done = gathered(cells, {**taught, "unsure_from": 0.2, "group": "real"}, **own_loop)
    rows = rows_of(done.description)
    assert [len(row["unsure"]) for row in rows[:3]] == [0, 1, 0]
    assert rows[1]["unsure"][0] == pytest.approx([0, 0, 0, 0.2 * 128, 0.2 * 96], abs=0.01)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("picture,label\nx,red\n", "expected columns picture,label"),
        (HEADER + "trained/images/street_000.png,green,0,0,1,1,1\n", "found 'green', expected one of red, blue"),
        (HEADER + "trained/images/street_000.png,red,0.5,0,0.4,1,1\n", "expected parts of the picture"),
        (HEADER + "trained/images/street_000.png,red,a,0,0.4,1,1\n", "numbers in them"),
        (
            HEADER + "trained/images/x.png,red,0,0,1,1,1\n",
            "found trained/images/x.png, expected pictures of trained:all",
        ),
        (HEADER + "other/images/x.png,red,0,0,1,1,1\n", "found no picture, expected pictures of trained:all"),
    ],
    ids=["columns", "label", "sides", "number", "stranger", "none of the set"],
)
def test_faults_of_a_teachers_file_are_named(cells: Path, text: str, said: str) -> None:
    (cells.parent / "teacher.csv").write_text(text)
    with pytest.raises(RecipeError, match=r"teacher\.csv") as refused:
        gathered(cells, {"set": "trained", "split": "all", "boxes": "teacher.csv", "min_score": 0.1})
    assert said in str(refused.value)


def test_made_pictures_are_made_once_and_the_same(cells: Path) -> None:
    item = {
        "made": "tests.models.training.makers:cell",
        "count": 6,
        "seed": 3,
        "options": {"label": "blue"},
        "backgrounds": [{"set": "trained", "split": "all"}],
    }
    makers.calls.clear()
    done = gathered(cells, item)
    assert done.shares[0].boxes == {"red": 0, "blue": 6}
    made = sorted((cells.parent / "work" / "made").rglob("*.jpg"))
    before = [path.read_bytes() for path in made]
    assert len(makers.calls) == len(made) == 6
    # As if it had been stopped: one is missing, one is half written.
    made[2].unlink()
    (made[2].parent / "000004.half.jpg").write_bytes(b"half")
    gathered(cells, item)
    assert len(makers.calls) == 7
    assert [path.read_bytes() for path in made] == before
    gathered(cells, {**item, "seed": 4})
    assert len(makers.calls) == 13
    assert len({path.parent for path in (cells.parent / "work" / "made").rglob("*.jpg")}) == 2


@pytest.mark.parametrize(
    ("made", "options", "said"),
    [
        ("tests.models.training.makers:nothing", {}, "expected a function of tests.models.training.makers"),
        ("tests.models.training.nowhere:cell", {}, "expected a module that can be imported"),
        ("tests.models.training.makers:cell", {"only": "green"}, "made a box of 'green', expected one of red, blue"),
    ],
    ids=["function", "module", "label"],
)
def test_faults_of_makers_are_named(cells: Path, made: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError) as refused:
        gathered(cells, {"made": made, "count": 1, "options": options})
    assert said in str(refused.value)


def test_rows_for_a_loop_of_the_models_own_are_in_pixels(cells: Path) -> None:
    data = {"set": "trained", "split": "all", "group": "real", "repeat": 3}
    done = gathered(cells, data, trainer="a:b", epochs=None, steps=5, shares={"real": 1})
    rows = rows_of(done.description)
    assert len(rows) == 12
    first = rows[0]
    bgr = np.asarray(cv2.imread(str(first["path"])))
    label, left, top, right, bottom = (round(side) for side in first["boxes"][0])
    assert (label, right - left, bottom - top) == (0, 32, 32)
    assert bgr[top:bottom, left:right].reshape(-1, 3).std(axis=0).max() < 1
    assert (first["group"], first["weight"], rows[2]["boxes"]) == ("real", 3.0, [])


def test_checks_need_boxes(cells: Path) -> None:
    draw_set(cells.parent / "data" / "tested", 3)
    manifest(cells.parent, "tested", splits={"all": {"pictures": ["images/*"], "boxes": "unknown"}})
    with pytest.raises(RecipeError, match=r"check: found tested/images/street_000\.png without boxes"):
        gathered(cells)
