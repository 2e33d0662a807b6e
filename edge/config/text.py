"""YAML text to plain values, remembering the line of every key and item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_CONFIG_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 200_000
"""Aliases of aliases (the "billion laughs") stop here."""

_PLAIN_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class TextProblem:
    """What is wrong with the text itself."""

    line: int
    path: Path
    message: str


@dataclass(slots=True)
class ParsedText:
    """The value of a YAML document and where its parts stand. Lines count from 1."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[TextProblem] = field(default_factory=list)

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of the deepest part of `path` that exists in the text."""
        for length in range(len(path), 0, -1):
            line = self.lines.get(tuple(path[:length]))
            if line is not None:
                return line
        return 1


class _Reader:
    """Walks the node tree: constructing through PyYAML would lose the lines and let duplicate keys win silently."""

    def __init__(self, loader: yaml.SafeLoader, parsed: ParsedText) -> None:
        self._loader = loader
        self._parsed = parsed
        self._nodes = 0

    def read(self, node: yaml.Node, path: Path) -> Any:
        self._nodes += 1
        if len(path) > MAX_DEPTH or self._nodes > MAX_NODES:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"line {line}: nested deeper than {MAX_DEPTH} or larger than {MAX_NODES} values")
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _PLAIN_TAGS:
            raise yaml.constructor.ConstructorError(None, None, f"found the tag {node.tag}", node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            return self._loader.construct_object(node)
        except ValueError as error:  # a date such as 2024-13-01
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error

    def _item(self, node: yaml.Node, path: Path) -> Any:
        self._parsed.lines[path] = node.start_mark.line + 1
        return self.read(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(line, path, "found a key that is not plain text, expected a name")
                continue
            # The text of the key, not its YAML type: a source may be called 12 or on.
            key = key_node.value
            where = (*path, key)
            if key_node.tag == "tag:yaml.org,2002:merge":
                self._problem(line, where, "found a merge key (<<), expected the settings written out")
            elif key in result:
                first = self._parsed.lines[where]
                self._problem(line, where, f"found a second time, first on line {first}; expected every key once")
            else:
                self._parsed.lines[where] = line
                result[key] = self.read(value_node, where)
        return result

    def _problem(self, line: int, path: Path, message: str) -> None:
        self._parsed.problems.append(TextProblem(line, path, message))


def parse(text: str) -> ParsedText:
    """Reads one YAML document. Faults are listed in the result's `problems`, never raised."""
    parsed = ParsedText()
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is not None:
            parsed.value = _Reader(loader, parsed).read(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        message = " ".join(part for part in (error.context, error.problem) if part)
        parsed.problems.append(TextProblem(line, (), f"not valid YAML: {message}"))
    except (yaml.YAMLError, RecursionError) as error:
        parsed.problems.append(TextProblem(1, (), f"not valid YAML: {error or 'nested too deeply'}"))
    finally:
        loader.dispose()
    return parsed
