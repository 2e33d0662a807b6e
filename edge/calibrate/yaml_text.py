"""Settings as compact YAML for people: what fits a line is written in one, the rest by keys below each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel

WIDTH = 120
"""Columns of a line, as in the files that come with the program."""
_LONGEST_WORD = 20
"""PyYAML breaks a line after the word that made it too long."""
_PIXEL_KEYS = frozenset({"polygon", "centre", "diameter_px", "anchors", "ignore"})
_PIXEL_DIGITS = 1
"""A tenth of a pixel: finer than any lamp is found or needs to be."""


def plain(settings: BaseModel | Mapping[str, Any]) -> dict[str, Any]:
    """JSON types without what is default, places in pictures rounded to 0.1 px."""
    if isinstance(settings, BaseModel):
        value: Any = settings.model_dump(mode="json", exclude_defaults=True)
    else:
        value = settings
    rounded: dict[str, Any] = _rounded(value, pixels=False)
    return rounded


def block(value: Mapping[str, Any], indent: int, newline: str = "\n") -> str:
    """Lines of a block mapping at a column, without a line end behind the last."""
    return newline.join(_mapping_lines(value, indent))


def flow(value: Any) -> str:
    """A value in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**9, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def wrapped_flow(value: Any, indent: int, newline: str = "\n") -> str:
    """A value in flow style, broken at `WIDTH`; continuation lines begin at a column."""
    text = yaml.safe_dump(
        value,
        default_flow_style=True,
        allow_unicode=True,
        width=max(WIDTH - indent - _LONGEST_WORD, 40),
        sort_keys=False,
    )
    lines = [line.strip() for line in text.removesuffix("\n").removesuffix("\n...").splitlines()]
    return (newline + " " * indent).join(lines)


def _rounded(value: Any, *, pixels: bool) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(item, pixels=pixels or key in _PIXEL_KEYS) for key, item in value.items()}
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, Sequence):
        return [_rounded(item, pixels=pixels) for item in value]
    if isinstance(value, float):
        number = round(value, _PIXEL_DIGITS) if pixels else value
        return int(number) if number.is_integer() else number
    return value


def _mapping_lines(value: Mapping[str, Any], indent: int) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        lines += _entry(f"{' ' * indent}{flow(key)}:", item, indent)
    return lines


def _entry(start: str, item: Any, indent: int) -> list[str]:
    line = f"{start} {flow(item)}"
    if len(line) <= WIDTH and not _reads_better_broken(item):
        return [line]
    if isinstance(item, Mapping) and item:
        return [start, *_mapping_lines(item, indent + 2)]
    if isinstance(item, list) and item and not _is_pixels(item):
        return [start, *(line for part in item for line in _item_lines(part, indent + 2))]
    return [line] if not isinstance(item, list) else [f"{start} {wrapped_flow(item, indent + 2)}"]


def _item_lines(item: Any, indent: int) -> list[str]:
    line = f"{' ' * indent}- {flow(item)}"
    if len(line) <= WIDTH or not isinstance(item, Mapping) or not item:
        return [line]
    lines = _mapping_lines(item, indent + 2)
    return [f"{' ' * indent}- {lines[0].lstrip()}", *lines[1:]]


def _is_pixels(item: Sequence[Any]) -> bool:
    return all(isinstance(part, list) and all(isinstance(number, int | float) for number in part) for part in item)


def _reads_better_broken(item: Any) -> bool:
    """A list of mappings: one below the other even where a line would hold them; so mappings that hold mappings."""
    if isinstance(item, Mapping):
        return any(isinstance(part, Mapping) and part for part in item.values())
    return isinstance(item, list) and any(isinstance(part, Mapping) for part in item)
