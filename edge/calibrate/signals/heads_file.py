"""What an installer gives beforehand: heads, approaches, conflicts, a night programme. Any part may be absent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from edge.config.document import read_config_text
from edge.config.problems import ConfigError, ConfigProblem, found_text, problems_of, suggestion
from edge.config.text import ParsedText, parse
from edge.detectors.traffic_signal.settings import TrafficSignalSettings

FIRST_HEAD = {
    "polygon": [[0, 0], [1, 0], [1, 1]],
    "lamps": [{"colour": "red", "centre": [0, 0], "diameter_px": 10}],
}
"""Stands in while a file without heads is checked: they are proposed later."""


def read_heads_file(path: Path) -> dict[str, Any]:
    """The settings of `traffic_signal` that stand in a file, as JSON types; complete or without heads.

    Raises:
        ConfigError: with every problem, each naming file, line and field.
    """
    parsed = parse(read_config_text(path))
    problems = [ConfigProblem(path, fault.line, "", fault.message) for fault in parsed.problems]
    if not problems and not isinstance(parsed.value, dict):
        found = found_text(parsed.value)
        problems = [ConfigProblem(path, 1, "", f"found {found}, expected a mapping with heads, night_flash, …")]
    if problems:
        raise ConfigError(problems)
    document: dict[str, Any] = parsed.value
    names = TrafficSignalSettings.model_fields
    problems = [
        ConfigProblem(
            path,
            parsed.line_of((key,)),
            key,
            f"found an unknown key, expected one of {', '.join(sorted(names))}{suggestion(key, names)}",
        )
        for key in document
        if key not in names
    ]
    if problems:
        raise ConfigError(problems)
    _check(document, path, parsed)
    return document


def _check(document: Mapping[str, Any], path: Path, parsed: ParsedText) -> None:
    """Raises ConfigError if the document, with some head if it has none, is not valid."""
    whole = dict(document)
    if not whole.get("heads"):
        # Groups are named by the heads: without any, whatever is named is taken for one.
        named = sorted(_groups_named(document)) or ["group-1"]
        whole["heads"] = {f"head-{number}": {**FIRST_HEAD, "group": group} for number, group in enumerate(named)}
    try:
        TrafficSignalSettings.model_validate(whole)
    except ValidationError as error:
        raise ConfigError(problems_of(error, TrafficSignalSettings, path, parsed)) from error


def _groups_named(document: Mapping[str, Any]) -> set[str]:
    named: set[str] = set()
    conflicts, plan, flash = (document.get(key) for key in ("conflicts", "plan", "night_flash"))
    if isinstance(conflicts, list):
        named.update(str(group) for pair in conflicts if isinstance(pair, list) for group in pair)
    if isinstance(plan, dict):
        named.update(map(str, plan))
    if isinstance(flash, list):
        for period in flash:
            groups = period.get("groups") if isinstance(period, dict) else None
            named.update(map(str, groups if isinstance(groups, list) else ()))
    return named


def without_unknown_groups(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The document without what names groups that its heads do not have, and a note for each thing left out."""
    known = {head["group"] for head in document["heads"].values()}
    notes = []
    kept = dict(document)
    conflicts = [list(pair) for pair in document.get("conflicts", ())]
    kept["conflicts"] = [pair for pair in conflicts if set(pair) <= known]
    notes += [f"conflict {'+'.join(pair)} left out: no head is of these groups" for pair in conflicts
              if not set(pair) <= known]  # fmt: skip
    kept["plan"] = {group: plan for group, plan in document.get("plan", {}).items() if group in known}
    periods = []
    for period in document.get("night_flash", ()):
        groups = [group for group in period.get("groups", ()) if group in known]
        if period.get("groups") and not groups:
            notes.append(f"night programme {period['start']}-{period['end']} left out: no head is of its groups")
            continue
        periods.append({**period, "groups": groups} if groups else {k: v for k, v in period.items() if k != "groups"})
    kept["night_flash"] = periods
    return kept, notes
