"""The command `import-grids`."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from server.findings import ImportRefusedError, print_report
from server.grids.imports import import_grids
from server.opening import open_database


def import_grids_command(
    file: Annotated[Path, typer.Argument(help="GeoJSON FeatureCollection in WGS-84", exists=True, dir_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="accept warnings; errors are never accepted")] = False,
) -> None:
    """Make FILE the next version of the grids: all of it, or nothing and a report of what is wrong."""
    console = Console()
    try:
        with open_database() as database:
            version, report = import_grids(database, file, force=force, actor=shell_user())
    except ImportRefusedError as error:
        print_report(console, str(file), error.report)
        refuse(console, error)
    print_report(console, str(file), report)
    console.print(f"[green]grid version {version} is stored[/green]")


def shell_user() -> str:
    """Who uses the command line, for the audit log."""
    return f"shell:{getpass.getuser()}"


def refuse(console: Console, error: ImportRefusedError) -> NoReturn:
    """Says that nothing was changed, and ends with 1.

    Raises:
        typer.Exit: always.
    """
    hint = "; --force would accept the warnings" if error.forcible else ""
    console.print(f"[bold red]{error}{hint}[/bold red]")
    raise typer.Exit(1)
