"""Figures of a file: what a model that finds everything, or nothing, must get; kept figures; drawn mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.datasets.reading import Selection, select
from models.training.asking import Asked, Asker
from models.training.errors import TrainingError
from models.training.evaluate import Seen, evaluate, read_figures, write_figures
from models.training.failures import SIDE_PX, Gallery, mistakes_of
from tests.edge.inference.tiny_model import tiny_model
from tests.models.drawn import HEIGHT, WIDTH, manifest

LABELS = ("red", "blue")


@pytest.fixture
def tested(cells: Path) -> Selection:
    return select("tested", "all", cells.parent / "data", cells.parent)


def test_what_finds_everything_gets_full_marks(finder: Path, tested: Selection) -> None:
    figures = evaluate(Asker(Asked(finder, "yolov8", LABELS)), [tested], LABELS)
    only = figures.sets[0]
    assert (only.pictures, only.showing, only.empty) == (9, 6, 3)
    # A painted cell gives 1.0; grey street at most 0.6 (its brightness), of which the model knows nothing better.
    assert only.ap50 == {"red": 1.0, "blue": 1.0}
    assert only.map50 == 1.0
    at = {point.score: (point.hits, point.false) for point in only.points}
    assert at[0.8] == (6, 0)
    assert at[0.1] == (6, 3)
    assert figures.bytes == finder.stat().st_size


def test_what_finds_nothing_gets_nothing(cells: Path, tested: Selection, tmp_path: Path) -> None:
    blind = tiny_model(tmp_path / "blind.onnx", width=WIDTH, height=HEIGHT, weight=0.0)
    only = evaluate(Asker(Asked(blind, "yolov8", LABELS)), [tested], LABELS).sets[0]
    assert only.ap50 == {"red": 0.0, "blue": 0.0}
    assert all((point.hits, point.false) == (0, 0) for point in only.points)


def test_other_labels_count_neither_way(finder: Path, tested: Selection) -> None:
    only = evaluate(Asker(Asked(finder, "yolov8", LABELS)), [tested], ("blue",)).sets[0]
    assert set(only.ap50) == {"blue"}
    assert (only.showing, only.empty) == (3, 6), "a red cell is nothing to somebody who asks for blue"


def test_pictures_of_another_size_than_the_input_are_fitted(finder: Path, cells: Path) -> None:
    for path in (cells.parent / "data" / "tested" / "images").iterdir():
        bgr = cv2.imread(str(path))
        assert bgr is not None
        cv2.imwrite(str(path), cv2.resize(bgr, (WIDTH * 3, HEIGHT * 3), interpolation=cv2.INTER_NEAREST))
    tested = select("tested", "all", cells.parent / "data", cells.parent)
    assert evaluate(Asker(Asked(finder, "yolov8", LABELS)), [tested], LABELS).sets[0].map50 == 1.0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(Path("nowhere.onnx"), "yolov8", LABELS), "nowhere.onnx"),
        (Asked(Path("cells.onnx"), "signal_heads", LABELS), "expected one that the edge reads: yolox"),
        (Asked(Path("cells.onnx"), "yolov8", LABELS, sha256="0" * 64), "expected 0000"),
        (Asked(Path("recipe.yaml"), "yolov8", LABELS), "recipe.yaml"),
    ],
    ids=["missing", "format", "hash", "no model"],
)
def test_files_that_cannot_be_asked_are_named(
    finder: Path, monkeypatch: pytest.MonkeyPatch, asked: Asked, said: str
) -> None:
    monkeypatch.chdir(finder.parent)
    with pytest.raises(TrainingError) as refused:
        Asker(asked)
    assert said in str(refused.value)


def test_more_classes_than_labels_are_refused(finder: Path) -> None:
    with pytest.raises(TrainingError, match="found class 1, expected one of 1 labels"):
        Asker(Asked(finder, "yolov8", ("red",))).ask(np.full((HEIGHT, WIDTH, 3), (255, 0, 0), np.uint8))


def test_kept_figures_come_back_beside_others(finder: Path, tested: Selection, tmp_path: Path) -> None:
    figures = evaluate(Asker(Asked(finder, "yolov8", LABELS)), [tested], LABELS)
    path = tmp_path / "figures.json"
    write_figures(path, "f32", figures)
    write_figures(path, "int8", figures)
    kept = read_figures(path)
    assert list(kept) == ["f32", "int8"]
    assert kept["f32"]["sets"][0]["ap50"] == {"red": 1.0, "blue": 1.0}
    path.write_text("[]")
    with pytest.raises(TrainingError, match=r"figures\.json: found something else than figures"):
        read_figures(path)


def test_mistakes_are_told_and_drawn(finder: Path, cells: Path, tmp_path: Path) -> None:
    folder = cells.parent / "data" / "tested"
    # What is blue is said to be red in the labels, so both kinds of mistake are made on purpose.
    for path in (folder / "labels").iterdir():
        path.write_text(path.read_text().replace("1 0.", "0 0."))
    tested = select("tested", "all", cells.parent / "data", cells.parent)
    seen: list[Seen] = []
    gallery = Gallery(tmp_path / "drawn", each=4)

    def keep(selection: Selection, rows: Sequence[Seen]) -> None:
        seen.extend(rows)
        gallery(selection, rows)

    evaluate(Asker(Asked(finder, "yolov8", LABELS)), [tested], LABELS, keep=keep)
    blue = [row for row in seen if row.picture.path.stem[-1] in "147"]
    assert [sorted(one.kind for one in mistakes_of(row)) for row in blue] == [["false", "missed"]] * 3
    assert [path.name for path in gallery.drawn] == ["tested-all-false.jpg", "tested-all-missed.jpg"]
    missed = cv2.imread(str(gallery.drawn[1]))
    assert missed is not None
    assert missed.shape == (SIDE_PX, 3 * SIDE_PX, 3)


def test_pictures_without_boxes_make_whole_mistakes(finder: Path, cells: Path) -> None:
    splits = {
        "quiet": {"pictures": ["images/*_000.png"], "boxes": "unknown"},
        "burning": {"pictures": ["images/*_002.png"], "boxes": "unknown", "present": ["red"]},
    }
    manifest(cells.parent, "tested", splits=splits)
    kinds = []
    for split in splits:
        chosen = select("tested", split, cells.parent / "data", cells.parent)
        evaluate(
            Asker(Asked(finder, "yolov8", LABELS)),
            [chosen],
            LABELS,
            keep=lambda _, rows: kinds.append([one.kind for row in rows for one in mistakes_of(row)]),
        )
    assert kinds == [["false"], []], "the street's own brightness is an answer of 0.4: not missed"
