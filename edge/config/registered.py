"""A row of the model registry, as settings of a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from edge.config.problems import suggestion
from models.registry import FOLDER, ModelRow, RegistryError, WeightsFile, fetched_path, load, made_sha256, onnx_path

STORE_NAME = "models"
"""Of the folder for fetched models, in the device's state folder."""


class RowError(ValueError):
    """The registry has no such row, or a row that the box cannot run."""


def from_registry(
    value: Mapping[str, Any], formats: Collection[str], store: Path | None, registry: Path | None = None
) -> dict[str, Any]:
    """The settings of a model with what its row says filled in; what `value` says itself stays.

    `value`: with a key `registry`, the row's name. `formats`: what the box can read. `store`: where fetched files lie;
    they need not be there yet. `registry`: another file than the one installed.

    Raises:
        RowError: there is no such row, it is of no known format, or its files lie in a store and there is none.
    """
    name = value["registry"]
    try:
        rows = load(registry).models
    except RegistryError as error:
        raise RowError(str(error)) from error
    usable = sorted(key for key, row in rows.items() if row.format in formats)
    if name not in rows:
        raise RowError(f"found {name!r}, expected one of {', '.join(usable)}{suggestion(name, usable)}")
    row = rows[name]
    if "format" not in value and row.format not in formats:
        why = f"its format is {row.format}, which is not read here"
        raise RowError(f"found {name!r}, expected one of {', '.join(usable)}: {why}")
    filled: dict[str, Any] = {"format": row.format, "labels": row.labels}
    if value.get("path") is None:
        filled |= _of_files(name, row, store)
    return {**filled, **{key: one for key, one in value.items() if key != "path" or one is not None}}


def _of_files(name: str, row: ModelRow, store: Path | None) -> dict[str, Any]:
    """What speaks of the row's own files."""
    main = row.file()
    others = [file for file in row.files if file is not main]
    filled: dict[str, Any] = {
        **_place(name, row, main, store),
        "version": row.version,
        "variants": tuple(
            {
                **_place(name, row, file, store),
                "precision": file.precision.value,
                "loss": None if file.loss is None else file.loss.model_dump(),
            }
            for file in others
        ),
    }
    if row.min_score is not None:
        filled["min_score"] = row.min_score
    if row.input is not None:
        filled["input_size"] = row.input.model_dump()
    if row.selftest is not None:
        filled["selftest"] = FOLDER / row.selftest
    return filled


def how_to_get(path: Path) -> str:
    """What makes a missing model file be there, if it is one of the registry's; else nothing."""
    try:
        rows = load().models
    except RegistryError:
        return ""
    store = path.parent
    for name, row in rows.items():
        for file in row.files:
            if file.path is not None and path == FOLDER / file.path:
                return "; install gridsentry again"
            if file.path is None and path == onnx_path(store, name, row, file):
                step = "convert" if fetched_path(store, name, row, file).is_file() else "fetch"
                return f"; {step} it: gridsentry-models {step} {name} --store {store}"
    return ""


def _place(name: str, row: ModelRow, file: WeightsFile, store: Path | None) -> dict[str, Any]:
    """Path and hash of an ONNX file; where it is converted on site the hash noted then, if it is there by now."""
    if file.path is None and store is None:
        raise RowError(f"found {name!r}, whose file is fetched, expected inference.store: the folder that it lies in")
    path = onnx_path(store or FOLDER, name, row, file)
    return {"path": path, "sha256": file.sha256 if file.export is None else made_sha256(path)}
