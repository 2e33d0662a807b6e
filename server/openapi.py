"""`python -m server.openapi PATH` writes the API's description, for docs and for the console's client."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from server.app import create_app
from server.settings import Settings


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document. It needs no database: a throw-away one is named and never opened."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(database_url=f"sqlite:///{folder}/unused.db", data_dir=Path(folder))
        return create_app(settings).openapi()


def main(arguments: list[str]) -> int:
    """Writes the document to the path given; `-` is stdout."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m server.openapi PATH\n")
        return 2
    content = json.dumps(openapi_document(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"
    if arguments[0] == "-":
        sys.stdout.write(content)
    else:
        path = Path(arguments[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
