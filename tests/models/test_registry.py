"""The registry: rows that are what they say, and faults that are named."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config.inference import ModelFormat
from models.registry import FOLDER, Origin, Precision, RegistryError, fetched_path, load, onnx_path

ROW: dict[str, Any] = {
    "task": "detection",
    "title": {"zh": "物", "en": "Things"},
    "version": "3",
    "format": "yolov8",
    "labels": ["x"],
    "origin": "third_party",
    "licence": "MIT",
    "source": "https://publisher.example",
    "files": [{"url": "https://publisher.example/things.onnx", "sha256": "0" * 64, "bytes": 9}],
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "registry.yaml"
    path.write_text(yaml.safe_dump({"models": {"things": {**ROW, **changes}}}), encoding="utf-8")
    return path


def test_committed_files_are_those_that_their_rows_state() -> None:
    for name, row in load().models.items():
        for file in row.files:
            if file.path is not None:
                content = (FOLDER / file.path).read_bytes()
                assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256), name


def test_what_rows_point_at_is_there() -> None:
    for name, row in load().models.items():
        for path in (row.card, row.selftest):
            assert path is None or (FOLDER / path).is_file(), name
        if row.origin is Origin.OURS:
            assert (FOLDER.parent / row.source).is_file(), name


def test_rows_for_detection_are_of_formats_that_the_box_reads() -> None:
    rows = load().models
    assert rows["yolox_nano"].labels[2] == "car"
    for name, row in rows.items():
        if row.task == "detection":
            assert row.format in tuple(ModelFormat), name
            assert row.labels, name
            assert row.input is not None, name
            assert (row.input.width % 32, row.input.height % 32) == (0, 0), name


def test_names_of_files_hold_the_version(tmp_path: Path) -> None:
    row = load().row("fire_detector")
    fetched = fetched_path(tmp_path, "fire_detector", row, row.file())
    assert fetched == tmp_path / "fire_detector-1.0.3-f32.pt"
    assert onnx_path(tmp_path, "fire_detector", row, row.file()) == tmp_path / "fire_detector-1.0.3-f32.onnx"
    heads = load().row("signal_heads")
    assert onnx_path(tmp_path, "signal_heads", heads, heads.file()) == FOLDER / "signal_heads/signal_heads.onnx"


def test_a_precision_that_is_not_there(tmp_path: Path) -> None:
    row = load(written(tmp_path)).row("things")
    assert row.file().precision is Precision.F32
    with pytest.raises(RegistryError, match="found no file of precision int8, expected one of f32"):
        row.file(Precision.INT8)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert load(path) is load(path)
    before = load(path)
    written(tmp_path, version="4")
    os.utime(path, ns=(1, 1))
    assert load(path).row("things").version == "4"
    assert before.row("things").version == "3"


FILE = ROW["files"][0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "../3"}, "models.things.version: found '../3'"),
        ({"titel": 3}, "models.things.titel: "),
        ({"files": []}, "models.things.files: "),
        ({"files": [{**FILE, "path": "things/x.onnx"}]}, "found path and url, expected one of path, url, package"),
        ({"files": [{"sha256": "0" * 64, "bytes": 9}]}, "found no place, expected one of path, url, package"),
        ({"files": [{**FILE, "url": "ftp://publisher.example/x"}]}, "expected the URL of a file"),
        ({"files": [FILE, FILE]}, "found files of precision f32, f32, expected one of each"),
        ({"files": [{"path": "../x.onnx", "sha256": "0" * 64, "bytes": 9}]}, "expected a path below the folder"),
        (
            {"files": [{"path": "x.onnx", "sha256": "0" * 64, "bytes": 15_000_001}]},
            "a committed file of at most 1500",
        ),
        ({"files": [{**FILE, "sha256": "abc"}]}, "models.things.files[0].sha256: found 'abc'"),
        ({"origin": "ours"}, "found no card, expected one"),
    ],
    ids=[
        "version",
        "unknown key",
        "no file",
        "two places",
        "no place",
        "scheme",
        "twice",
        "outside",
        "too large",
        "hash",
        "no card",
    ],
)
def test_faults_are_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(RegistryError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}: models.things")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [", "cannot be read: while parsing"),
        ("- a\n", "found list"),
        ("model: {}", "found the keys model"),
        ("models:\n  a: {}\n  a: {}\n", r"found 'a' twice in .*line 2"),
    ],
    ids=["no yaml", "list", "other key", "twice"],
)
def test_a_file_that_is_no_registry(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text(text)
    with pytest.raises(RegistryError, match=said):
        load(path)
    with pytest.raises(RegistryError, match="install gridsentry again"):
        load(tmp_path / "nowhere.yaml")
