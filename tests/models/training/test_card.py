"""Cards say where data came from, what was measured, and how the model fails; they are never ahead of the recipe."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.registry import ModelRow
from models.training.asking import Asked, Asker
from models.training.card import card
from models.training.commands import loss_row
from models.training.errors import RecipeError
from models.training.evaluate import Figures, SetFigures, evaluate, read_figures, write_figures
from models.training.recipe import Recipe, read_recipe
from tests.models.drawn import manifest, recipe, round_of

ROW = ModelRow.model_validate(
    {
        "task": "detection",
        "title": {"zh": "格子", "en": "Painted cells"},
        "version": "2026.11.1",
        "format": "yolov8",
        "origin": "ours",
        "licence": "AGPL-3.0-only",
        "source": "models/cells/recipe.yaml",
        "card": "cells/card.md",
        "files": [
            {"path": "cells/cells.onnx", "sha256": "a" * 64, "bytes": 1_500_000},
            {
                "precision": "int8",
                "path": "cells/cells-int8.onnx",
                "sha256": "b" * 64,
                "bytes": 400_000,
                "loss": {"metric": "mAP50", "points": 0.4},
            },
        ],
    }
)


def made(cells: Path, **changes: object) -> Recipe:
    manifest(cells.parent, "trained", credit="Streets by Jo, CC BY 4.0", licence="CC-BY-4.0")
    manifest(cells.parent, "tested", permits="testing", licence="none stated")
    return read_recipe(recipe(cells.parent, **changes))


def test_a_card_tells_data_licence_recipe_figures_and_limits(cells: Path, finder: Path) -> None:
    rounds = [
        round_of("first", start={"weights": "net.npz", "credit": "Net, Somebody, AGPL-3.0"}, note="a beginning"),
        round_of("second", start={"round": "first"}, note="streets cried wolf: more of them", epochs=5),
    ]
    plan = made(cells, rounds=rounds, export={"round": "second", "file": "cells.onnx"})
    figures = cells.parent / "figures.json"
    from models.datasets.reading import select

    tested = select("tested", "all", cells.parent / "data", cells.parent)
    write_figures(figures, "f32", evaluate(Asker(Asked(finder, "yolov8", plan.labels)), [tested], plan.labels))
    text = card("cells", plan, ROW, read_figures(figures), cells.parent)
    for needed in (
        "# cells: Painted cells",
        "licence AGPL-3.0-only",
        "`cells/cells-int8.onnx`, int8 | 0.40 MB",
        "0.4 points of mAP50",
        "Finding painted cells.",
        "**trained**, trained on: Drawn streets. Streets by Jo, CC BY 4.0",
        "**tested**, only measured on: Drawn streets. these tests (licence: none stated)",
        "Started from: Net, Somebody, AGPL-3.0.",
        "| second | first | trained:all | 5 epochs of 6, seed 0 | streets cried wolf: more of them |",
        "exported is the round `second`",
        "hit 6/6 [0.61, 1.00]<br>false 0/3 [0.00, 0.56]",
        "red 1.00, blue 1.00",
        "- Finds nothing else.",
    ):
        assert needed in text
    assert "How it fails" not in text
    assert text == card("cells", plan, ROW, read_figures(figures), cells.parent)


def test_notes_and_pictures_of_failures_are_shown(cells: Path) -> None:
    notes = {"intended": "x", "limits": ["y"], "notes": ["compared.md"]}
    plan = made(cells, card=notes)
    with pytest.raises(RecipeError, match=r"card\.notes: .*compared\.md: cannot be read"):
        card("cells", plan, None, {}, cells.parent)
    (cells.parent / "compared.md").write_text("## Against another\n\nBetter.\n")
    (cells.parent / "failures").mkdir()
    (cells.parent / "failures" / "made-false.jpg").write_bytes(b"")
    text = card("cells", plan, None, {}, cells.parent)
    assert "## Against another\n\nBetter.\n\n## Limits" in text
    assert "![made-false](failures/made-false.jpg)" in text


def test_the_loss_is_the_difference_of_means_in_hundredths() -> None:
    def figures(*precisions: dict[str, float], ms: float) -> Figures:
        return Figures("x", 1, tuple(SetFigures("s", 1, 1, 0, one, ()) for one in precisions), ms)

    before = figures({"a": 0.6, "b": 0.4}, {"a": 0.8}, {}, ms=9)
    after = figures({"a": 0.6, "b": 0.3}, {"a": 0.8}, {}, ms=4)
    assert loss_row(before, after).startswith(
        "loss: {metric: mAP50, points: 2.5} # 0.650 in f32, 0.625 in int8; 9.0 and"
    )
    with pytest.raises(RecipeError, match="found no set with boxes"):
        loss_row(figures({}, ms=1), figures({}, ms=1))
