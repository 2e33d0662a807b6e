"""Pictures with what is known of them: boxes, presence, scenes; a set that is not as described is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets.errors import DataError
from models.datasets.reading import number_of, read_boxes, read_picture, select
from tests.models.drawn import draw_set, manifest

LABELS = ("red", "blue")


def write(folder: Path, text: str) -> Path:
    path = folder / "one.txt"
    path.write_text(text)
    return path


def test_boxes_are_read_and_cut_at_the_border(tmp_path: Path) -> None:
    boxes = read_boxes(write(tmp_path, "1 0.5 0.5 0.2 0.4\n\n0 0.0 0.5 0.4 0.2\n"), LABELS)
    assert [box.label for box in boxes] == ["blue", "red"]
    assert (boxes[0].left, boxes[0].top) == pytest.approx((0.4, 0.3))
    assert (boxes[1].left, boxes[1].right) == pytest.approx((0.0, 0.2))
    assert read_boxes(tmp_path / "missing.txt", LABELS) == ()
    assert read_boxes(write(tmp_path, "0 0.5 0.5 0 0.3\n"), LABELS) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("red 0.5 0.5 0.1 0.1", "expected numbers"),
        ("0 0.5 0.5 0.1", "expected five numbers"),
        ("0 0.5 nan 0.1 0.1", "expected five numbers"),
        ("2 0.5 0.5 0.1 0.1", r"found class 2, expected 0 to 1 \(red, blue\)"),
    ],
    ids=["word", "short", "nan", "class"],
)
def test_bad_lines_are_named_with_file_and_number(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, f"0 0.5 0.5 0.1 0.1\n{text}\n")
    with pytest.raises(DataError, match=rf"one\.txt:2: .*{said}"):
        read_boxes(path, LABELS)


@given(
    st.lists(st.tuples(st.integers(0, 1), *(st.floats(0, 1) for _ in range(4))), max_size=5),
)
def test_boxes_lie_inside_and_have_an_area(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("boxes")
    text = "".join(" ".join(map(str, row)) + "\n" for row in rows)
    for box in read_boxes(write(folder, text), LABELS):
        assert 0 <= box.left < box.right <= 1
        assert 0 <= box.top < box.bottom <= 1


def test_presence_follows_from_boxes_or_from_the_folder(tmp_path: Path) -> None:
    draw_set(tmp_path / "mine", 3)
    splits = {
        "drawn": {"pictures": ["images/*"], "boxes": "labels"},
        "none": {"pictures": ["images/*_002.png"], "boxes": "none"},
        "somewhere": {"pictures": ["images/*_000.png"], "boxes": "unknown", "present": ["red"]},
    }
    manifest(tmp_path, "mine", splits=splits)
    drawn = select("mine", "drawn", tmp_path, tmp_path)
    assert drawn.title == "mine:drawn"
    assert [sorted(picture.present or ()) for picture in drawn.pictures] == [["red"], ["blue"], []]
    assert drawn.pictures[0].name == "mine/images/street_000.png"
    none = select("mine", "none", tmp_path, tmp_path).pictures
    assert [(picture.boxes, picture.present) for picture in none] == [((), frozenset())]
    somewhere = select("mine", "somewhere", tmp_path, tmp_path).pictures
    assert [(picture.boxes, picture.present) for picture in somewhere] == [(None, frozenset({"red"}))]


def test_scenes_by_pattern_gap_and_table(tmp_path: Path) -> None:
    for first in (0, 10, 40):
        draw_set(tmp_path / "mine", 3, first=first)
    manifest(tmp_path, "mine", scenes={"gap": 9})
    assert [one.scene for one in select("mine", "all", tmp_path, tmp_path).pictures] == ["0"] * 6 + ["40"] * 3
    manifest(tmp_path, "mine", scenes={"pattern": r"_(\d)\d\d"})
    assert {one.scene for one in select("mine", "all", tmp_path, tmp_path).pictures} == {"0"}
    names = [one.name for one in select("mine", "all", tmp_path, tmp_path).pictures]
    (tmp_path / "scenes.csv").write_text(
        "picture,scene\n" + "".join(f"{name},s{i // 4}\n" for i, name in enumerate(names))
    )
    manifest(tmp_path, "mine", scenes={"table": "scenes.csv"})
    assert [one.scene for one in select("mine", "all", tmp_path, tmp_path).pictures] == ["s0"] * 4 + ["s1"] * 4 + ["s2"]
    draw_set(tmp_path / "mine", 1, first=90)
    with pytest.raises(DataError, match=r"scenes\.csv: found no row for mine/images/street_090\.png"):
        select("mine", "all", tmp_path, tmp_path)


def test_shares_keep_scenes_together_and_stay_when_pictures_come(tmp_path: Path) -> None:
    for first in range(0, 200, 10):
        draw_set(tmp_path / "mine", 2, first=first)
    splits = {
        name: {"pictures": ["images/*"], "boxes": "labels", "share": share}
        for name, share in (("train", [0, 0.7]), ("val", [0.7, 1]))
    }
    manifest(tmp_path, "mine", scenes={"gap": 5}, splits=splits)

    def scenes(split: str) -> set[str]:
        return {one.scene for one in select("mine", split, tmp_path, tmp_path).pictures}

    before = scenes("train"), scenes("val")
    assert not before[0] & before[1]
    assert len(before[0] | before[1]) == 20
    assert 0 < len(before[1]) < len(before[0])
    draw_set(tmp_path / "mine", 2, first=300)
    after = scenes("train"), scenes("val")
    assert before[0] <= after[0]
    assert before[1] <= after[1]


def test_pictures_are_left_out_and_picked_by_name(tmp_path: Path) -> None:
    draw_set(tmp_path / "mine", 4)
    (tmp_path / "few.txt").write_text("# why\nstreet_001.png\n\nstreet_003.png\n")
    whole = {"pictures": ["images/*"], "boxes": "labels"}
    manifest(tmp_path, "mine", splits={"few": {**whole, "only": "few.txt"}, "rest": {**whole, "without": "few.txt"}})
    found = [
        [one.path.stem[-1] for one in select("mine", split, tmp_path, tmp_path).pictures] for split in ("few", "rest")
    ]
    assert found == [["1", "3"], ["0", "2"]]
    (tmp_path / "few.txt").write_text("street_009.png\n")
    with pytest.raises(DataError, match=r"few\.txt: found street_009\.png, expected only pictures of the set"):
        select("mine", "few", tmp_path, tmp_path)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    manifest(tmp_path, "mine")
    with pytest.raises(DataError, match="mine comes from these tests; is --data right"):
        select("mine", "all", tmp_path, tmp_path)
    draw_set(tmp_path / "mine", 1)
    with pytest.raises(DataError, match="found no split 'train', expected one of all"):
        select("mine", "train", tmp_path, tmp_path)
    (tmp_path / "mine" / "images" / "street_000.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"street_000\.png: found no picture"):
        read_picture(tmp_path / "mine" / "images" / "street_000.png")


def test_the_last_number_of_a_name_counts() -> None:
    assert number_of("cam3_frame0042") == 42
    assert number_of("street") is None
