"""`gridsentry-models list`, `show`, `fetch`, `convert` as people call them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models import cli
from models.errors import ModelsError
from models.registry import load

CONFIG = """
device: {{id: box, state_dir: state}}
inference:
  {store}
  models:
    things: {{registry: yolox_nano}}
    heads: {{registry: signal_heads}}
    own: {{path: own.onnx, format: yolox}}
"""


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and all that was said; expected errors as the console script says them."""
    result = CliRunner().invoke(cli.app, [str(one) for one in arguments])
    if isinstance(result.exception, ModelsError | cli.UsageError):
        return cli.WRONG_USAGE if isinstance(result.exception, cli.UsageError) else 1, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def weights(shared_data: Path) -> Path:
    folder = shared_data / "weights"
    if not (folder / "yolox_nano.onnx").exists():
        pytest.skip("shared/data has no weights/yolox_nano.onnx")
    return folder


def test_list_and_show_name_every_row() -> None:
    code, said = run("list")
    assert code == 0
    for name in load().models:
        assert name in said
        code, shown = run("show", name)
        assert code == 0
        assert load().row(name).licence in shown


def test_fetch_for_a_configuration(weights: Path, tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(CONFIG.format(store=""))
    code, said = run("fetch", "--config", config, "--mirror", weights)
    assert code == 0
    path = tmp_path / "state" / "models" / "yolox_nano-0.1.1rc0-f32.onnx"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == load().row("yolox_nano").file().sha256
    assert f"{path} fetched from {weights / 'yolox_nano.onnx'}, hash checked" in said
    assert "signal_heads: f32 is installed with the program" in said
    code, said = run("fetch", "--config", config, "--mirror", tmp_path)
    assert (code, "is there already" in said) == (0, True)
    code, said = run("list", "--config", config)
    assert "there" in said.split("yolox_nano")[1]


def test_the_configuration_may_say_where_models_lie(weights: Path, tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(CONFIG.format(store="store: weights"))
    assert run("fetch", "-c", config, "--mirror", weights)[0] == 0
    assert [path.suffix for path in (tmp_path / "weights").glob("y*")] == [".onnx"]


def test_what_fails_does_not_keep_the_others_back(weights: Path, tmp_path: Path) -> None:
    code, said = run("fetch", "yolo11n", "yolox_nano", "--store", tmp_path, "--mirror", weights)
    assert code == 1
    assert "error: yolo11n: " in said
    assert (tmp_path / "yolox_nano-0.1.1rc0-f32.onnx").exists()


def test_a_checkpoint_says_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = load().row("yolo11n")
    content = b"a checkpoint"
    file = row.file().model_copy(update={"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)})
    (tmp_path / "yolo11n.pt").write_bytes(content)
    registry = load().model_copy(update={"models": {"yolo11n": row.model_copy(update={"files": (file,)})}})
    monkeypatch.setattr(cli, "load", lambda: registry)
    code, said = run("fetch", "yolo11n", "--store", tmp_path / "store", "--mirror", tmp_path)
    assert code == 0
    assert f"gridsentry-models convert yolo11n --store {tmp_path / 'store'}" in said
    assert "to be converted" in run("list", "--store", tmp_path / "store")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("fetch", "yolox_nano"), 2, "found neither --store FOLDER nor --config FILE"),
        (("fetch", "--store", "x"), 2, "found no model, expected names or --all; there are"),
        (("fetch", "yolox", "--store", "x"), 1, "found 'yolox', expected a model of the registry: "),
        (("fetch", "yolox_nano", "--store", "x", "--precision", "int8"), 2, "found no file of precision int8"),
        (("fetch", "--config", "nowhere.yaml"), 2, "nowhere.yaml: cannot be read"),
        (("show", "yolox"), 1, "found 'yolox', expected a model"),
        (("convert", "yolox_nano"), 2, "found no --store FOLDER"),
        (("convert", "yolox_nano", "--store", "x"), 1, "its file is ONNX as it is published"),
        (("convert", "yolo11n", "--store", "x"), 1, "not there; first: gridsentry-models fetch yolo11n --store x"),
    ],
    ids=str,
)
def test_wrong_usage_is_named(arguments: tuple[str, ...], code: int, said: str) -> None:
    found, output = run(*arguments)
    assert (found, said in output) == (code, True), output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inference: {models: {a: {registry: yolox_nano}}}", "found neither inference.store nor device.state_dir"),
        ("device: {state_dir: x}", "found no model with registry: NAME"),
        ("a: [", "is no YAML"),
    ],
    ids=["no store", "no row", "no yaml"],
)
def test_a_configuration_that_does_not_say(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text(text)
    code, output = run("fetch", "--config", config)
    assert (code, said in output) == (2, True), output


def test_the_program_itself_says_it_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "models.cli", "fetch", "yolox", "--store", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: found 'yolox'")
    assert len(done.stderr.splitlines()) == 1


def test_listing_and_fetching_need_neither_numpy_nor_torch() -> None:
    """A machine that only carries files to a site has the bare program."""
    program = (
        "import sys; sys.modules.update({name: None for name in ('torch', 'numpy', 'onnx', 'cv2', 'onnxruntime')})\n"
        "from models.cli import app\n"
        "app(['list'], standalone_mode=False)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120, capture_output=True)
