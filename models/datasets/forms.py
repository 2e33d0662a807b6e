"""Files that people write: read strictly, refused in their words."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError


class Form(BaseModel):
    """Of a file, or of a part of one: unknown fields are refused, so that a slip of the pen is not silently nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


FormT = TypeVar("FormT", bound=Form)


def read_form(path: Path, kind: type[FormT], refuse: type[Exception]) -> FormT:
    """Reads a YAML file as `kind`.

    Raises:
        refuse: it is missing, is no YAML, or has fields that are missing, unknown or wrong; all of them are named.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise refuse(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise refuse(f"{path}: is no YAML: {error}") from error
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        lines = [f"{path}: found {error.error_count()} fault(s):"]
        for one in error.errors(include_url=False, include_context=False):
            where = ".".join(str(part) for part in one["loc"]) or "the file"
            found = "" if one["type"] == "missing" else f"found {_short(one['input'])}, "
            lines.append(f"  {where}: {found}{_lower(one['msg'])}")
        raise refuse("\n".join(lines)) from error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
