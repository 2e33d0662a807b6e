"""The commands as people give them: what they print, what they leave behind, how they end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from models.cli import app
from tests.models.drawn import draw_set, manifest, recipe, round_of

OWN = {"trainer": "tests.models.training.makers:trainer", "epochs": None, "steps": 4}


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def told(result: Result) -> str:
    return " ".join((result.output + (result.stderr if result.stderr_bytes else "")).split())


def test_registry_commands_need_neither_numpy_nor_opencv() -> None:
    program = (
        "import sys\n"
        "for name in ('numpy', 'cv2', 'onnxruntime', 'onnx', 'torch'): sys.modules[name] = None\n"
        "sys.argv = ['gridsentry-models', 'list']\n"
        "from models.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "signal_heads" in done.stdout


def test_eval_keeps_figures_and_card_shows_them(cells: Path, finder: Path) -> None:
    data = cells.parent / "data"
    result = run("eval", cells, "--data", data, "--keep", "f32", "--failures", cells.parent / "worst")
    assert result.exit_code == 0, told(result)
    assert "red 1.000" in told(result)
    assert (cells.parent / "worst" / "tested-all-false.jpg").is_file()
    assert json.loads((cells.parent / "figures.json").read_text())["f32"]["sets"][0]["showing"] == 6
    assert run("card", cells, "--check").exit_code == 1
    assert run("card", cells).exit_code == 0
    text = (cells.parent / "card.md").read_text()
    assert "red 1.00, blue 1.00" in text
    assert run("card", cells, "--check").exit_code == 0
    # Any file can be asked, with its labels; the same figures come out.
    other = shutil.copyfile(finder, cells.parent / "other.onnx")
    named = run("eval", other, "--labels", "red,blue", "--on", "fire_cctv:val", "--data", data)
    assert named.exit_code == 2, "manifests that ship are found; their pictures are not here"
    assert "fire/cctv: is not there" in told(named)


def test_quantise_states_its_loss_as_the_registry_wants_it(cells: Path, finder: Path) -> None:
    result = run("quantise", cells, "--data", cells.parent / "data")
    assert result.exit_code == 0, told(result)
    line = next(line for line in result.output.splitlines() if line.startswith("loss: "))
    assert yaml.safe_load(line)["loss"] == {"metric": "mAP50", "points": 0.0}
    assert (cells.parent / "cells-int8.onnx").is_file()
    measured = run("eval", cells, "--precision", "int8", "--data", cells.parent / "data")
    assert "red 1.000" in told(measured)


def test_failures_are_drawn_from_made_pictures_alone(cells: Path, finder: Path) -> None:
    makes = {
        "made": "tests.models.training.makers:cell",
        "count": 6,
        "seed": 9,
        "options": {"label": "blue", "only": "red"},
    }
    recipe(cells.parent, card={"intended": "x", "limits": ["y"], "failures": makes})
    result = run("card", cells, "--failures", "--data", cells.parent / "data", "--work", cells.parent / "work")
    assert result.exit_code == 0, told(result)
    assert "failures/made-pictures-missed.jpg" in (cells.parent / "card.md").read_text()


def test_duplicates_end_with_one_and_groups_make_scenes(cells: Path) -> None:
    data = cells.parent / "data"
    manifest_folder = cells.parent
    shutil.copyfile(data / "trained" / "images" / "street_003.png", data / "tested" / "images" / "street_090.png")
    splits = {"a": {"pictures": ["trained/images/*"]}, "b": {"pictures": ["tested/images/*"]}}
    path = manifest(manifest_folder, "both", folder=".", splits=splits)
    groups = cells.parent / "groups.csv"
    result = run("duplicates", "both:a", "both:b", "--data", data, "--recipe", cells, "--groups", groups)
    assert result.exit_code == 1, told(result)
    assert "both/trained/images/street_003.png both/tested/images/street_090.png hashes differ in 0 of 64" in told(
        result
    )
    assert "1 pairs straddle" in told(result)
    # With what was found as scenes, shares keep the pair together.
    shared = {name: {"pictures": ["*/images/*"], "share": part} for name, part in (("a", [0, 0.5]), ("b", [0.5, 1]))}
    manifest(manifest_folder, "both", folder=".", splits=shared, scenes={"table": "groups.csv"})
    assert path.is_file()
    again = run("duplicates", "both:a", "both:b", "--data", data, "--recipe", cells)
    assert again.exit_code == 0, told(again)
    assert "no pair straddles" in told(again)


def test_data_shows_what_is_there(cells: Path, shared_data: Path) -> None:
    shown = run("data", "fire_cctv", "--data", shared_data)
    assert shown.exit_code == 0, told(shown)
    assert "63 fire, 80 smoke" in told(shown)
    assert run("data", "fire_cctv", "--data", cells.parent).exit_code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["eval", "nothing"], 1, "found 'nothing', expected a model of the registry"),
        (["eval", "yolox_nano", "--on", "fire_cctv:val"], 2, "is fetched, not installed; expected --store FOLDER"),
        (["eval", "cells.onnx"], 2, "found no --labels"),
        (["eval", "gone.onnx", "--labels", "red"], 1, "gone.onnx: is not there"),
        (["eval", "recipe.yaml", "--on", "tested"], 2, "found 'tested', expected SET:SPLIT"),
        (["eval", "recipe.yaml", "--on", "outdoor_stills:fire"], 2, "outdoor_stills comes from"),
        (["train", "nothing"], 2, "found no recipe 'nothing'"),
        (["card", "recipe.yaml", "--failures"], 2, "card.failures: found none"),
        (["quantise", "bare.yaml"], 2, "bare.yaml: found no quantise"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_what_is_asked_wrongly_is_said(
    cells: Path, finder: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, said: str
) -> None:
    monkeypatch.chdir(cells.parent)
    bare = yaml.safe_load(cells.read_text())
    del bare["quantise"]
    (cells.parent / "bare.yaml").write_text(yaml.safe_dump(bare))
    result = run(*words, "--data", "data") if words[0] != "card" else run(*words)
    assert (result.exit_code or (1 if result.exception else 0)) == code, told(result)
    assert said in told(result) or said in str(result.exception)


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
@pytest.mark.parametrize("command", ["train", "export"])
def test_without_torch_it_is_said_what_to_install(cells: Path, command: str) -> None:
    result = run(command, cells, "--data", cells.parent / "data", "--work", cells.parent / "work")
    assert result.exit_code == 1
    assert "pip install 'gridsentry[edge,train]'" in told(result)


def test_a_loop_of_the_models_own_is_given_its_order(cells: Path) -> None:
    data = [{"set": "trained", "split": "all", "group": "real"}]
    rounds = [
        round_of("first", data=data, shares={"real": 1}, settings={"rate": 0.01}, **OWN),
        round_of("second", data=data, shares={"real": 2}, start={"round": "first"}, **OWN),
    ]
    recipe(cells.parent, rounds=rounds, export={"round": "second", "file": "cells.onnx"})
    words = ("train", cells, "--data", cells.parent / "data", "--work", cells.parent / "work")
    result = run(*words)
    assert result.exit_code == 0, told(result)
    place = cells.parent / "work" / "rounds"
    first, second = (json.loads((place / name / "mine.pt").read_text()) for name in ("first", "second"))
    assert (first["steps"], first["shares"], first["settings"], first["before"]) == (
        4,
        {"real": 1},
        {"rate": 0.01},
        None,
    )
    assert second["before"] == str(place / "first" / "mine.pt")
    assert len(second["rows"]) == 12
    again = run(*words)
    assert "second: is trained already" in told(again)
    rounds[1]["steps"] = 9
    recipe(cells.parent, rounds=rounds, export={"round": "second", "file": "cells.onnx"})
    changed = run(*words)
    assert changed.exit_code == 2
    assert "was begun with another recipe; --fresh begins again" in told(changed)
    assert run(*words, "--fresh").exit_code == 0
    assert json.loads((place / "second" / "mine.pt").read_text())["steps"] == 9
    draw_set(cells.parent / "data" / "trained", 1, first=90)
    assert "first: is trained already" in told(run(*words, "--round", "first"))
