"""`gridsentry-models`: the models that the project knows, and what is done with them."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.table import Table

from models.registry import ModelRow, RegistryError, load

FOUND_A_PROBLEM = 1
WRONG_USAGE = 2

app = typer.Typer(
    name="gridsentry-models",
    help="Models: which there are, fetching them, and making them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_err = Console(stderr=True, highlight=False, soft_wrap=True)
_out = Console(highlight=False)


@app.callback()
def _commands() -> None:
    """Keeps `list` a command of its own, however few there are."""


@app.command("list")
def list_command() -> None:
    """Shows every model of the registry."""
    table = Table("name", "task", "version", "format", "input", "files", "licence", "what")
    for name, row in sorted(load().models.items()):
        table.add_row(name, row.task, row.version, row.format, _size(row), _files(row), row.licence, row.title.en)
    _out.print(table)


def _size(row: ModelRow) -> str:
    return "any" if row.input is None else f"{row.input.width} × {row.input.height}"


def _files(row: ModelRow) -> str:
    parts = []
    for file in row.files:
        where = "installed" if file.path is not None else "fetched"
        parts.append(f"{file.precision} {file.bytes / 1e6:.1f} MB, {where}")
    return "\n".join(parts)


def main() -> None:
    """The console script: expected errors end in one clear message and exit code 1 or 2."""
    try:
        app()
    except RegistryError as error:
        _err.print(f"error: {error}", markup=False)
        sys.exit(FOUND_A_PROBLEM)


if __name__ == "__main__":
    main()
