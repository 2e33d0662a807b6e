"""JSON documents that are made from code and committed: write them into a folder, or check that they are up to date."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def document_text(document: Mapping[str, Any]) -> str:
    """A document as it lies in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def run(module: str, make: Callable[[], Mapping[str, Mapping[str, Any]]], arguments: Sequence[str]) -> int:
    """The command ``python -m MODULE FOLDER [--check]``; `make` gives file names and their documents.

    Returns the exit code: 1 if `--check` found files that are missing or out of date, 2 for wrong usage.
    """
    folders = [argument for argument in arguments if not argument.startswith("-")]
    if len(folders) != 1 or set(arguments) - {"--check", *folders}:
        sys.stderr.write(f"usage: python -m {module} FOLDER [--check]\n")
        return 2
    folder = Path(folders[0])
    stale = []
    for name, document in make().items():
        path, text = folder / name, document_text(document)
        if "--check" not in arguments:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
    for path in stale:
        sys.stderr.write(f"{path}: not what the code says; run `make docs` and commit it\n")
    return 1 if stale else 0
