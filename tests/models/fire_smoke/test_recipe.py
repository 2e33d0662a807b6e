"""The recipe of fire_smoke and what it is made of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.datasets.manifest import Permits, find_manifest, read_manifest
from models.fire_smoke.pictures import LEAST_FLAME_PX, alike, blazes, burning, clouds, flames, mist
from models.fire_smoke.stills import QUIET, all_stills, labelled
from models.registry import load, onnx_path
from models.training.asking import Asked, Asker
from models.training.recipe import find_recipe, read_recipe

FOLDER = Path(__file__).parents[3] / "models" / "fire_smoke"
SHARED = Path(__file__).parents[4] / "shared" / "data"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="real pictures lie in ../shared/data")


def test_it_trains_on_permitted_sets_alone_and_exports_a_round_that_it_has() -> None:
    recipe = read_recipe(find_recipe("fire_smoke"))
    assert recipe.export.round in {one.name for one in recipe.rounds}
    trained = {item.set for one in recipe.rounds for item in one.data if item.set is not None}
    trained |= {sized.set for one in recipe.rounds for item in one.data for sized in item.backgrounds}
    manifests = [read_manifest(find_manifest(name, FOLDER)) for name in sorted(trained)]
    assert {manifest.permits for manifest in manifests} == {Permits.TRAINING}
    assert not {"outdoor_stills", "streets_dashcam"} & trained


@pytest.fixture
def backgrounds(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(1)
    paths = []
    for index in range(3):
        bgr = cv2.resize(rng.integers(40, 160, (6, 8, 3)).astype(np.uint8), (480, 360), interpolation=cv2.INTER_CUBIC)
        paths.append(tmp_path / f"{index}.png")
        cv2.imwrite(str(paths[-1]), bgr)
    return paths


def test_quiet_pictures_are_made_without_boxes_and_are_repeatable(backgrounds: list[Path]) -> None:
    for maker in (clouds, alike, mist):
        once, again = (maker(np.random.default_rng((5, 1)), backgrounds) for _ in range(2))
        assert once.boxes == ()
        assert once.bgr.shape[2] == 3
        assert max(once.bgr.shape[:2]) <= 448
        assert np.array_equal(once.bgr, again.bgr)


@pytest.mark.slow
def test_fires_have_boxes_inside_the_picture(backgrounds: list[Path]) -> None:
    made = burning(np.random.default_rng((5, 2)), backgrounds)
    for box in made.boxes:
        assert box.label in {"fire", "smoke"}
        assert 0 <= box.left < box.right <= 1
        assert 0 <= box.top < box.bottom <= 1
    long = blazes(np.random.default_rng((5, 4)), backgrounds)
    assert any(box.label == "fire" for box in long.boxes)
    large = flames(np.random.default_rng((5, 3)), backgrounds)
    height, width = large.bgr.shape[:2]
    assert large.boxes
    for box in large.boxes:
        assert box.label == "fire"
        assert max((box.right - box.left) * width, (box.bottom - box.top) * height) >= LEAST_FLAME_PX


def test_the_shipped_weights_find_a_rendered_fire_and_nothing_in_the_quiet_yard() -> None:
    row = load().row("fire_smoke")
    path = onnx_path(Path(), "fire_smoke", row, row.file())
    assert path.stat().st_size <= 5_000_000
    asker = Asker(Asked(path, row.format, row.labels, None, row.file().sha256))
    scores = {}
    for name in ("burning", "quiet"):
        bgr = cv2.imread(str(FOLDER / f"selftest-{name}.jpg"))
        assert bgr is not None
        answer = asker.ask(bgr.astype(np.uint8))
        scores[name] = max(
            (s for s, label in zip(answer.scores, answer.labels, strict=True) if label == "fire"), default=0
        )
    assert scores["burning"] > 0.5
    assert scores["quiet"] < 0.25


@real
def test_the_test_stills_are_all_there_and_none_is_trained_on() -> None:
    names = [(still.group, still.name) for still in all_stills(SHARED)]
    counts = Counter(group for group, _ in names)
    assert counts["cctv/val"] + counts["cctv/val empty"] == 145
    assert counts["outdoor_stills/fire"] + counts["outdoor_stills/none"] == 309
    assert all(counts[group] for group in QUIET)
    kept_apart = set((FOLDER / "manifests" / "cinta_kept_apart.txt").read_text(encoding="utf-8").splitlines())
    held_out = [name for group, name in names if group == "signals" and "dusk" not in name]
    assert {f"{name}.jpg" for name in held_out} <= kept_apart
    rows = labelled(SHARED / "fire" / "cctv" / "val")
    assert all(0 <= one.box[0] < one.box[2] <= 1.001 for _, marked in rows for one in marked)
