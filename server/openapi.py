"""`python -m server.openapi FOLDER [--check]` writes the API's description, for docs and for the console's client."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.generated import run
from server.app import create_app
from server.settings import Settings

FILE_NAME = "openapi.json"


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document. It needs no database: a throw-away one is named and never opened."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/unused.db", data_dir=Path(folder))
        return create_app(settings).openapi()


def main(arguments: Sequence[str]) -> int:
    """Writes the document into the folder given, or with `--check` says whether it is up to date."""
    return run("server.openapi", lambda: {FILE_NAME: openapi_document()}, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
