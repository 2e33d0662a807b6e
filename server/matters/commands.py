"""The command `import-matters`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from server.findings import ImportRefusedError, print_report
from server.grids.commands import refuse, shell_user
from server.matters.imports import import_matters
from server.opening import open_database


def import_matters_command(
    folder: Annotated[
        Path,
        typer.Argument(
            help="holds matters.csv, responsibilities.csv and prohibitions.csv", exists=True, file_okay=False
        ),
    ],
    force: Annotated[bool, typer.Option("--force", help="accept warnings (gaps); errors are never accepted")] = False,
) -> None:
    """Publish the three lists in FOLDER, checked against each other and the grids in force: all of them, or nothing."""
    console = Console()
    try:
        with open_database() as database:
            version, report = import_matters(database, folder, force=force, actor=shell_user())
    except ImportRefusedError as error:
        print_report(console, str(folder), error.report)
        refuse(console, error)
    print_report(console, str(folder), report)
    console.print(f"[green]list version {version} is published[/green]")
