"""`gridsentry-models`: the models that the project knows, and what is done with them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as RichProgress
from rich.table import Table

from models.errors import ModelsError
from models.fetching import Fetched, Progress, Way, fetch
from models.registry import ModelRow, Origin, Precision, WeightsFile, fetched_path, load, made_sha256, onnx_path
from models.sources import FetchError, Mirror, mirror_of
from models.training.commands import add_commands

FOUND_A_PROBLEM = 1
WRONG_USAGE = 2
PIPE_WIDTH = 150
"""Columns of a table that goes to a file or a program: nobody's window is too narrow there."""

app = typer.Typer(
    name="gridsentry-models",
    help="Models: which there are, fetching them, and making them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_err = Console(stderr=True, highlight=False, soft_wrap=True)
_out = Console(highlight=False)

StoreOption = Annotated[Path | None, typer.Option("--store", "-s", help="The folder for fetched models.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="An edge's configuration: its store, and the models that it names."),
]


class UsageError(ValueError):
    """What was asked for cannot be meant."""


@app.callback()
def _commands() -> None:
    """Keeps `list` a command of its own, however few there are."""


@app.command("list")
def list_command(store: StoreOption = None, config: ConfigOption = None) -> None:
    """Shows every model of the registry, and whether its files are there."""
    folder = store or (_wishes(config)[0] if config is not None else None)
    table = Table("name", "what", "version", "format", "input", "files", "licence")
    for narrow in (0, 5):
        table.columns[narrow].no_wrap = True
    for name, row in sorted(load().models.items()):
        files = "\n".join(_file(name, row, file, folder) for file in row.files)
        table.add_row(name, row.title.en, row.version, row.format, _size(row), files, row.licence)
    wide = _out if _out.is_terminal else Console(highlight=False, width=PIPE_WIDTH)
    wide.print(table)


@app.command("show")
def show_command(name: Annotated[str, typer.Argument(help="A model of the registry.")]) -> None:
    """Shows everything that the registry says of a model."""
    row = load().row(name)
    table = Table(show_header=False, box=None)
    table.add_row("what", f"{row.title.en} ({row.title.zh}), {row.task}")
    table.add_row("version", row.version)
    table.add_row("licence", row.licence)
    table.add_row("made by", "this project" if row.origin is Origin.OURS else "others")
    table.add_row("source", row.source)
    table.add_row("format", f"{row.format}, {_size(row)}")
    table.add_row("labels", ", ".join(row.labels))
    for file in row.files:
        table.add_row("file", f"{_file(name, row, file, None)}\nsha256 {file.sha256}\n{_place(file)}")
    for figure in row.figures:
        table.add_row("figure", f"{figure.name}: {figure.value:g} {figure.unit} ({figure.machine}; {figure.command})")
    if row.card is not None:
        table.add_row("card", f"models/{row.card}")
    if row.note is not None:
        table.add_row("note", row.note)
    _out.print(table)


@app.command("fetch")
def fetch_command(
    names: Annotated[list[str] | None, typer.Argument(help="Models of the registry.")] = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    mirror: Annotated[
        str | None, typer.Option(help="A folder or URL that has the files; the publishers are not asked then.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every model that is fetched at all.")] = False,
    precision: Annotated[Precision | None, typer.Option(help="Only the file of this precision.")] = None,
) -> None:
    """Fetches weights into the store, checks their hashes, and goes on where an earlier attempt broke off."""
    folder, wanted = _wanted(names or [], store, config, every=every)
    rows = load().models
    place: Mirror | None = mirror_of(mirror) if mirror is not None else None
    problems = 0
    for name in wanted:
        files = [file for file in rows[name].files if precision in {None, file.precision}]
        if not files:
            raise UsageError(f"{name}: found no file of precision {precision}")
        for file in files:
            if file.path is not None:
                _out.print(f"{name}: {file.precision} is installed with the program", markup=False)
                continue
            try:
                _said(name, rows[name], file, folder, _fetch_shown(name, rows[name], file, folder, place))
            except FetchError as error:
                _err.print(f"error: {name}: {error}", markup=False)
                problems += 1
    if problems:
        raise typer.Exit(FOUND_A_PROBLEM)


def _fetch_shown(name: str, row: ModelRow, file: WeightsFile, store: Path, mirror: Mirror | None) -> Fetched:
    # transient: the line that follows says it better.
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with RichProgress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as display:
        task = display.add_task(f"{name} {file.precision}", total=file.bytes)

        def watch(progress: Progress) -> None:
            display.update(task, completed=progress.done, total=progress.total)

        return fetch(name, row, file, store, mirror, watch)


def _said(name: str, row: ModelRow, file: WeightsFile, store: Path, fetched: Fetched) -> None:
    how = "is there already" if fetched.way is Way.THERE else f"fetched from {fetched.origin}"
    _out.print(f"{name}: {fetched.path} {how}, hash checked", markup=False, soft_wrap=True)
    if file.export is not None and fetched.path == onnx_path(store, name, row, file):
        _out.print(f"{name}: converted, sha256 {made_sha256(fetched.path)}", markup=False, soft_wrap=True)
    elif file.export is not None:
        said = f"{name}: what was fetched is no ONNX yet; make it where torch is installed: "
        _out.print(f"{said}gridsentry-models convert {name} --store {store}", markup=False, soft_wrap=True)


@app.command("convert")
def convert_command(
    name: Annotated[str, typer.Argument(help="A model whose fetched file is no ONNX yet.")], store: StoreOption = None
) -> None:
    """Makes the ONNX file of a fetched checkpoint, where torch is installed, and compares the two."""
    from models.converting import convert

    if store is None:
        raise UsageError("found no --store FOLDER, expected the one that the model was fetched into")
    row = load().row(name)
    made = convert(name, row, row.file(), store)
    said = f"{name}: {made.path}, differs from the framework by {made.difference:.1g} at most, sha256 {made.sha256}"
    _out.print(said, markup=False, soft_wrap=True)


def _wanted(
    names: Sequence[str], store: Path | None, config: Path | None, *, every: bool
) -> tuple[Path, Sequence[str]]:
    """The store, and the models to fetch into it."""
    named: Sequence[str] = list(names)
    if config is not None:
        own, of_config = _wishes(config)
        store, named = store or own, named or of_config
    if store is None:
        raise UsageError("found neither --store FOLDER nor --config FILE, expected one: it says where models lie")
    registry = load()
    if every:
        return store, sorted(name for name, row in registry.models.items() if any(f.path is None for f in row.files))
    if not named:
        if config is not None:
            raise UsageError(f"{config}: found no model with registry: NAME, expected one; or name a model to fetch")
        raise UsageError(f"found no model, expected names or --all; there are {', '.join(sorted(registry.models))}")
    for name in named:
        registry.row(name)
    return store, list(dict.fromkeys(named))


def _wishes(config: Path) -> tuple[Path, Sequence[str]]:
    """The store of an edge's configuration and the rows that it names; `gridsentry-edge check` checks the file."""
    try:
        value: Any = yaml.safe_load(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{config}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{config}: is no YAML: {' '.join(str(error).split())}") from error
    inference, device = _part(value, "inference"), _part(value, "device")
    names = [str(model["registry"]) for model in _part(inference, "models").values() if "registry" in _part(model)]
    if isinstance(inference.get("store"), str):
        return config.parent / inference["store"], names
    if isinstance(device.get("state_dir"), str):
        return config.parent / device["state_dir"] / "models", names
    raise UsageError(f"{config}: found neither inference.store nor device.state_dir, expected the one or the other")


def _part(value: Any, *path: str) -> Mapping[str, Any]:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _size(row: ModelRow) -> str:
    return "any size" if row.input is None else f"{row.input.width} × {row.input.height}"


def _file(name: str, row: ModelRow, file: WeightsFile, store: Path | None) -> str:
    size = "" if file.bytes is None else f" {file.bytes / 1e6:.1f} MB"
    loss = "" if file.loss is None else f" (−{file.loss.points:g} {file.loss.metric})"
    if file.path is not None:
        state = "installed"
    elif store is None:
        state = "fetched" if file.export is None else "fetched, then converted"
    elif onnx_path(store, name, row, file).is_file():
        state = "there"
    else:
        state = "to be converted" if fetched_path(store, name, row, file).is_file() else "not fetched"
    return f"{file.precision}{size}{loss}, {state}"


def _place(file: WeightsFile) -> str:
    if file.package is not None:
        return f"{file.package.member} of the package {file.package.name} {file.package.version}"
    return file.url or f"models/{file.path}"


add_commands(app)


def main() -> None:
    """The console script: expected errors end in one clear message and exit code 1 or 2."""
    try:
        app()
    except UsageError as error:
        _fail(str(error), WRONG_USAGE)
    except ModelsError as error:
        _fail(f"error: {error}", FOUND_A_PROBLEM)


def _fail(message: str, code: int) -> NoReturn:
    _err.print(message, markup=False)
    sys.exit(code)


if __name__ == "__main__":
    main()
