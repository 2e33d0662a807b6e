"""Puts a detector's settings into a configuration's text and leaves every other character of it as it stands.

The place is found by the marks of PyYAML's node tree and spliced: comments, order, quotes and widths of the rest cannot
change, because the rest is not written anew. That nothing else changed in *meaning* either (anchors, aliases) is then
checked by reading both texts; where that fails, the file is refused.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import yaml
from pydantic import BaseModel

from edge.calibrate.yaml_text import block, flow, plain, wrapped_flow
from edge.config.document import config_from_text, read_config_text
from edge.config.text import parse

INDENT = 2


class WritingError(Exception):
    """The configuration cannot be changed in place, with the reason and what to do."""


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


def with_detector(
    text: str, source_id: str, name: str, settings: BaseModel | Mapping[str, Any], *, path: Path | None = None
) -> str:
    """The text with `sources.<source_id>.detectors.<name>` put in or replaced, checked as a whole configuration.

    Comments inside the replaced section are lost, all others stay. `path` is the file's, for relative paths in it and
    for messages.

    Raises:
        ConfigError: the text is not, or with these settings would not be, a valid configuration.
        WritingError: the source is not in it, or is written in a way that cannot be changed in place.
    """
    where = path or Path("edge.yaml")
    parsed = parse(text)
    if parsed.problems or not isinstance(parsed.value, dict):
        config_from_text(text, where)  # says what is wrong; faults that these settings mend are none
    values = plain(settings)
    splice = _splice(text, where, source_id, name, values)
    changed = text[: splice.start] + splice.text + text[splice.end :]
    expected = copy.deepcopy(parsed.value)
    source = expected["sources"][source_id]
    source["detectors"] = {**(source.get("detectors") or {}), name: values}
    if parse(changed).value != expected:
        raise WritingError(
            f"{where}: sources.{source_id} is written with anchors (&, *) or in another way that cannot be changed in "
            f"place; write it out plainly, or paste the settings under detectors.{name} by hand"
        )
    config_from_text(changed, where)
    return changed


def write_detector(path: Path, source_id: str, name: str, settings: BaseModel | Mapping[str, Any]) -> Path:
    """As `with_detector`, in the file: replaced in one step, the former one kept beside it. Returns the kept one.

    Raises:
        ConfigError, WritingError: as `with_detector`; the file is as it was.
        OSError: it cannot be written; the file is as it was.
    """
    text = read_config_text(path)
    changed = with_detector(text, source_id, name, settings, path=path)
    content = path.read_bytes()
    kept = path.with_name(f"{path.name}.{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}.bak")
    kept.write_bytes(content)
    kept.chmod(path.stat().st_mode & 0o777)
    marked = content.startswith(b"\xef\xbb\xbf")
    _replace(path, changed.encode("utf-8-sig" if marked else "utf-8"))
    return kept


def _replace(path: Path, content: bytes) -> None:
    """Writes beside and renames: a power cut leaves the old file or the new one, never a half."""
    target = path.resolve()  # through a link, so that the link stays one
    with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as beside:
        temporary = Path(beside.name)
        try:
            beside.write(content)
            beside.flush()
            os.fsync(beside.fileno())
            temporary.chmod(target.stat().st_mode & 0o777)
            with suppress(PermissionError):  # another user's file in a shared folder: ours then, readable as before
                os.chown(temporary, target.stat().st_uid, target.stat().st_gid)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def _splice(text: str, path: Path, source_id: str, name: str, values: Mapping[str, Any]) -> _Splice:
    root = yaml.compose(text, yaml.SafeLoader)
    sources = _value(root, "sources")
    source = None if sources is None else _value(sources[1], source_id)
    if source is None or not isinstance(source[1], yaml.MappingNode):
        known = [key.value for key, _ in sources[1].value] if sources else []
        expected = f"expected one of {', '.join(known) or 'none: it has no sources'}"
        raise WritingError(f"{path}: found no source {source_id!r}, {expected}; add it with its input and location")
    newline = "\r\n" if "\r\n" in text else "\n"
    edit = _Edit(text, newline)
    detectors = _value(source[1], "detectors")
    if detectors is None:
        return edit.added(source[1], "detectors", {name: values})
    key, node = detectors
    if not isinstance(node, yaml.MappingNode):  # `detectors:` with nothing behind it
        return edit.replaced(key, node, {name: values}, in_flow=bool(source[1].flow_style))
    present = _value(node, name)
    if present is not None:
        return edit.replaced(*present, values, in_flow=bool(node.flow_style))
    if node.flow_style and not source[1].flow_style and "\n" not in text[node.start_mark.index : node.end_mark.index]:
        return edit.opened_up(key, node, name, values)
    return edit.added(node, name, values)


def _value(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key, value) for key, value in node.value if key.value == name), None)


class _Edit:
    """Where text goes, in block style or, inside braces, in flow style."""

    def __init__(self, text: str, newline: str) -> None:
        self._text = text
        self._newline = newline

    def replaced(self, key: yaml.Node, value: yaml.Node, values: Mapping[str, Any], *, in_flow: bool) -> _Splice:
        """Another value behind a key."""
        if in_flow:
            return _Splice(key.end_mark.index, self._content_end(key, value), f":{self._lines_in_braces(key, values)}")
        body = self._newline + block(values, key.start_mark.column + INDENT, self._newline)
        key_line = self._line_end(key.end_mark.index)
        content_end = self._content_end(key, value)
        if content_end > key_line:  # below the key: what stands behind the colon is a comment of the key
            if getattr(value, "flow_style", None):
                return _Splice(key.end_mark.index, self._line_end(content_end), ":" + body)
            return _Splice(key_line, self._line_end(content_end), body)
        comment = self._text[content_end:key_line].strip().removeprefix(":").strip()
        return _Splice(key.end_mark.index, key_line, f": {comment}{body}" if comment else ":" + body)

    def added(self, node: yaml.MappingNode, name: str, values: Mapping[str, Any]) -> _Splice:
        """Another key at the end of a mapping."""
        if node.flow_style:
            last = len(self._text[: node.end_mark.index - 1].rstrip())
            comma = "" if not node.value else " " if self._text[last - 1] == "," else ", "
            return _Splice(last, last, f"{comma}{flow(name)}:{self._lines_in_braces(node, values)}")
        column = node.value[0][0].start_mark.column
        end = self._line_end(self._content_end(*node.value[-1]))
        return _Splice(end, end, self._newline + block({name: values}, column, self._newline))

    def opened_up(self, key: yaml.Node, node: yaml.MappingNode, name: str, values: Mapping[str, Any]) -> _Splice:
        """Braces in one line become lines, so that what is added can be read."""
        column = key.start_mark.column + INDENT
        lines = [
            f"{' ' * column}{self._text[item.start_mark.index : self._content_end(item, value)]}"
            for item, value in node.value
        ]
        lines.append(block({name: values}, column, self._newline))
        line_end = self._line_end(node.end_mark.index)
        comment = self._text[node.end_mark.index : line_end].strip()
        start = f": {comment}" if comment else ":"
        return _Splice(key.end_mark.index, line_end, self._newline.join([start, *lines]))

    def _lines_in_braces(self, node: yaml.Node, values: Mapping[str, Any]) -> str:
        """On lines of their own, further in than the line of `node`."""
        column = _indent_of(self._text, node) + INDENT
        return self._newline + " " * column + wrapped_flow(values, column, self._newline)

    def _content_end(self, key: yaml.Node, value: yaml.Node) -> int:
        """Behind the last character of a value, without the comments and empty lines that PyYAML counts to it."""
        start: int = key.end_mark.index
        if value.start_mark.index < start:
            return self._line_end(start)  # an alias: its marks are those of the anchor
        if isinstance(value, yaml.CollectionNode) and not value.flow_style and value.value:
            last = value.value[-1]
            pair = last if isinstance(last, tuple) else (value, last)
            if isinstance(last, tuple):
                return self._content_end(*pair)
            return self._end_of_item(last)
        end: int = value.end_mark.index
        if end <= start:
            return start
        return start + len(self._text[start:end].rstrip())

    def _end_of_item(self, node: yaml.Node) -> int:
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._content_end(*last) if isinstance(last, tuple) else self._end_of_item(last)
        return int(node.start_mark.index) + len(self._text[node.start_mark.index : node.end_mark.index].rstrip())

    def _line_end(self, index: int) -> int:
        end = self._text.find("\n", index)
        if end < 0:
            return len(self._text)
        return end - 1 if end > index and self._text[end - 1] == "\r" else end


def _indent_of(text: str, node: yaml.Node) -> int:
    """The column at which the node's line begins."""
    start = text.rfind("\n", 0, node.start_mark.index) + 1
    line = text[start:]
    return len(line) - len(line.lstrip(" "))
