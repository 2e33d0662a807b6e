"""What is wrong with a configuration, in words that name line, field, what was found and what was expected."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from edge.config.text import ParsedText
from edge.sources.errors import redact_url

Location = tuple[str | int, ...]

_SECRET_FIELDS = ("password", "token", "secret")


@dataclass(frozen=True, slots=True, order=True)
class ConfigProblem:
    """One fault. `str()` gives `file:line: field: …`."""

    path: Path
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.field + ': ' if self.field else ''}{self.message}"


class ConfigError(ValueError):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def problems_of(
    error: ValidationError, model: type[BaseModel], path: Path, parsed: ParsedText, prefix: Location = ()
) -> list[ConfigProblem]:
    """Every error of a validation of `parsed` (at `prefix`) against `model`."""
    schema = model.model_json_schema()
    found = []
    errors = error.errors(include_url=False)
    for details in errors:
        if details["type"] == "too_short" and any(_is_below(other, details) for other in errors):
            continue  # pydantic counts a list's faulty items as absent, and says so beside their own faults
        where = (*prefix, *_location_in_text(details, parsed, prefix))
        message = _message(details, schema, where)
        found.append(ConfigProblem(path, parsed.line_of(where), field_name(where), message))
    return found


def _is_below(inner: ErrorDetails, outer: ErrorDetails) -> bool:
    depth = len(outer["loc"])
    return len(inner["loc"]) > depth and inner["loc"][:depth] == outer["loc"]


def field_name(where: Sequence[str | int]) -> str:
    """`sources.gate-3.polygon[2]` for ("sources", "gate-3", "polygon", 2)."""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name that somebody who wrote `name` most likely meant, if any is near enough."""
    # Restricted to names at most ~40 % different: a far-fetched proposal is worse than none.
    match = process.extractOne(
        name.lower(), list(valid), scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=0.6
    )
    return None if match is None else str(match[0])


def found_text(value: Any, field: str = "") -> str:
    """A value as it may be shown: short, and without secrets."""
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        if any(word in field for word in _SECRET_FIELDS):
            return "a text"
        text = redact_url(value)
        return repr(text if len(text) <= 60 else text[:57] + "…")
    return str(value).lower() if isinstance(value, bool) else str(value)[:60]


def suggestion(name: str, valid: Iterable[str]) -> str:
    """`; did you mean 'x'?` or nothing."""
    near = nearest(name, valid)
    return "" if near is None else f"; did you mean {near!r}?"


def _location_in_text(details: ErrorDetails, parsed: ParsedText, prefix: Location) -> Location:
    """pydantic's location without the tags of unions, which are not in the text."""
    where: list[str | int] = []
    last = len(details["loc"]) - 1
    for number, part in enumerate(details["loc"]):
        exists = (*prefix, *where, part) in parsed.lines
        if exists or (number == last and details["type"] == "missing"):
            where.append(part)
    return tuple(where)


def _message(details: ErrorDetails, schema: Mapping[str, Any], where: Location) -> str:
    kind, context = details["type"], details.get("ctx", {})
    found = found_text(details["input"], str(where[-1]) if where else "")
    if kind == "extra_forbidden":
        name = str(details["loc"][-1])
        valid = _names_at(schema, details["loc"][:-1])
        return f"found an unknown key, expected one of {', '.join(valid)}{suggestion(name, valid)}"
    if kind == "missing":
        return "found nothing, expected a value: this key is required"
    if kind == "value_error":
        return str(context["error"])
    if kind in {"union_tag_not_found", "union_tag_invalid", "literal_error", "enum"}:
        return _choice_message(details, found, context)
    message = details["msg"].removeprefix("Input should be ").removeprefix("Value should be ")
    return f"found {found}, expected {message[:1].lower() + message[1:]}"


def _choice_message(details: ErrorDetails, found: str, context: Mapping[str, Any]) -> str:
    """For a value, or the tag of a union, that is not one of a few."""
    kind = details["type"]
    tag_name = str(context.get("discriminator")).strip("'")
    if kind == "union_tag_not_found":
        return f"found {found} without {tag_name}, which says what kind it is"
    if kind == "union_tag_invalid":
        tag = str(context["tag"])
        options = re.findall(r"'([^']+)'", str(context["expected_tags"]))
        expected = f"expected {tag_name} to be one of {', '.join(options)}"
        return f"found {tag!r}, {expected}{suggestion(tag, options)}"
    options = re.findall(r"'([^']+)'", str(context["expected"]))
    return f"found {found}, expected one of {', '.join(options)}{suggestion(str(details['input']), options)}"


def _names_at(schema: Mapping[str, Any], where: Sequence[str | int]) -> list[str]:
    """The names that the schema allows at a place of the document."""
    definitions = schema.get("$defs", {})
    candidates = _alternatives(schema, definitions)
    for part in where:
        stepped: list[Mapping[str, Any]] = []
        for candidate in candidates:
            stepped += _step(candidate, part, definitions)
        # A part that leads nowhere is the tag of a union, resolved on the step before or here.
        candidates = stepped or candidates
    return sorted({name for candidate in candidates for name in candidate.get("properties", {})})


def _step(schema: Mapping[str, Any], part: str | int, definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if isinstance(part, int):
        below = [*schema.get("prefixItems", ())][part : part + 1] or [schema.get("items")]
    else:
        below = [schema.get("properties", {}).get(part), schema.get("additionalProperties")]
        below += schema.get("patternProperties", {}).values()
        mapping = schema.get("discriminator", {}).get("mapping", {})
        if part in mapping:
            below = [{"$ref": mapping[part]}]
    return [found for child in below if isinstance(child, Mapping) for found in _alternatives(child, definitions)]


def _alternatives(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in schema:
        return _alternatives(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "discriminator" in schema:
        return [schema]
    # Properties beside a choice hold whichever is chosen: the choice is then about which of them are required.
    found: list[Mapping[str, Any]] = [schema] if "properties" in schema else []
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found += _alternatives(choice, definitions)
    return found or [schema]
