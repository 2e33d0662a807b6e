"""Sets of drawn pictures: coloured cells of 32 pixels on a grey street, so that a model of a few bytes finds them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import yaml

WIDTH, HEIGHT, CELL = 128, 96, 32
COLOURS = {"red": (30, 30, 255), "blue": (255, 30, 30)}


def street(seed: int) -> np.ndarray:
    """A grey picture full of detail; another seed is another street."""
    rng = np.random.default_rng(seed)
    canvas = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for _ in range(60):
        corner, size = rng.integers(0, WIDTH, 2), rng.integers(4, 24, 2)
        cv2.rectangle(canvas, corner.tolist(), (corner + size).tolist(), [int(rng.integers(40, 130))] * 3, -1)
    return canvas


def with_cell(bgr: np.ndarray, column: int, row: int, label: str) -> np.ndarray:
    """The same with one cell painted over."""
    painted = bgr.copy()
    painted[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = COLOURS[label]
    return painted


def draw_set(folder: Path, count: int, *, seed: int = 0, first: int = 0) -> None:
    """Writes `images` and `labels`: of each three pictures, one shows red, one blue, one nothing."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "labels").mkdir(parents=True, exist_ok=True)
    for index in range(first, first + count):
        rng = np.random.default_rng((seed, index))
        column, row = int(rng.integers(WIDTH // CELL)), int(rng.integers(HEIGHT // CELL))
        bgr, kind = street(seed * 1000 + index), index % 3
        text = ""
        if kind < 2:
            bgr = with_cell(bgr, column, row, ("red", "blue")[kind])
            text = f"{kind} {(column + 0.5) / 4:.6f} {(row + 0.5) / 3:.6f} 0.25 {1 / 3:.6f}\n"
        cv2.imwrite(str(folder / "images" / f"street_{index:03d}.png"), bgr)
        (folder / "labels" / f"street_{index:03d}.txt").write_text(text)


def manifest(folder: Path, name: str, /, **changes: object) -> Path:
    """Writes a manifest of such a set, changed at the top as given."""
    content: dict[str, object] = {
        "name": name,
        "title": "Drawn streets",
        "source": "these tests",
        "licence": "Apache-2.0",
        "permits": "training",
        "folder": name,
        "labels": ["red", "blue"],
        "splits": {"all": {"pictures": ["images/*"], "boxes": "labels"}},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}, sort_keys=False))
    return path


def recipe(folder: Path, **changes: object) -> Path:
    """Writes a recipe of a tiny model on the sets `trained` and `tested`, changed at the top as given."""
    content: dict[str, object] = {
        "name": "cells",
        "labels": ["red", "blue"],
        "input": {"width": 128, "height": 128},
        "architecture": "tiny.yaml",
        "rounds": [round_of("first")],
        "export": {"round": "first", "file": "cells.onnx"},
        "quantise": {"file": "cells-int8.onnx", "calibration": [{"set": "trained", "split": "all"}], "pictures": 8},
        "evaluate": [{"set": "tested", "split": "all"}],
        "card": {"intended": "Finding painted cells.", "limits": ["Finds nothing else."]},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}, sort_keys=False))
    return path


def round_of(name: str, /, **changes: object) -> dict[str, object]:
    """A round of `recipe`."""
    content: dict[str, object] = {
        "name": name,
        "data": [{"set": "trained", "split": "all"}],
        "check": [{"set": "tested", "split": "all"}],
        "epochs": 2,
        "batch": 6,
    }
    return {**content, **changes}


def house(folder: Path) -> Path:
    """A recipe's folder and its data: `recipe.yaml`, manifests, `data/trained` and `data/tested`. Gives the recipe."""
    for name, seed, count in (("trained", 1, 12), ("tested", 2, 9)):
        draw_set(folder / "data" / name, count, seed=seed)
        manifest(folder, name)
    return recipe(folder)
