"""What supervisor and children say to each other: one JSON object a line over a socket pair.

Both ends are ours, yet a child that writes over its own memory may send anything: every line is bounded and checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from edge.witnesses import Sighting

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A configuration of 4 MiB (its own limit) with every character escaped fits, and so does any picture."""
READ_BYTES = 256 * 1024
"""Of one child at a turn: a child that talks without end must not keep the supervisor from the others."""


class MessageError(Exception):
    """What came in is no message."""


class Configure(msgspec.Struct, frozen=True, tag="configure", forbid_unknown_fields=True):
    """What a child shall do: the whole configuration, and which sources are its own."""

    generation: int
    path: str
    """Of the configuration's file: relative paths in the text start at its folder."""
    text: str
    sources: list[str]
    """Ids. For the uplink process: all sources that may still commit."""
    restart: list[str] = []
    """Those of `sources` whose settings have changed."""


class Alive(msgspec.Struct, frozen=True, tag="alive", forbid_unknown_fields=True):
    """To the uplink process: which sources may still commit, and which cannot see because their process is away."""

    sources: list[str]
    offline: dict[str, str] = {}
    """Id to reason."""
    models: dict[str, str] = {}
    """Models that cannot be run, or whose change was refused: name to reason."""


class Witnesses(msgspec.Struct, frozen=True, tag="witnesses", forbid_unknown_fields=True):
    """To processes that watch cameras: what all sources of the box observed of late."""

    sightings: list[Sighting]


class Call(msgspec.Struct, frozen=True, tag="call", forbid_unknown_fields=True):
    """A named call for the worker that serves a source."""

    number: int
    source_id: str
    name: str
    arguments: dict[str, Any] = {}


class Stop(msgspec.Struct, frozen=True, tag="stop", forbid_unknown_fields=True):
    """End cleanly, within so many seconds."""

    seconds: float


class Ready(msgspec.Struct, frozen=True, tag="ready", forbid_unknown_fields=True):
    """The child works as it was told by the `Configure` of this generation."""

    generation: int


class Fatal(msgspec.Struct, frozen=True, tag="fatal", forbid_unknown_fields=True):
    """The child cannot work before a person has mended something; it ends."""

    reason: str


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a process takes."""

    cpu_seconds: float = 0.0
    rss_bytes: int = 0
    open_files: int = 0
    threads: int = 0


class Report(msgspec.Struct, frozen=True, tag="report", forbid_unknown_fields=True):
    """What happened in a child since its last report: the sign that it lives."""

    usage: Usage = Usage()
    running: list[str] = []
    """Ids of the sources that have a thread here."""
    sources: dict[str, dict[str, Any]] = {}
    """`SourceMeter.snapshot` by id."""
    stuck: dict[str, float] = {}
    """Ids of sources without progress, and for how many seconds beyond what their settings allow."""
    uplink: dict[str, Any] = {}
    inference: list[dict[str, Any]] = []
    log: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    sightings: list[Sighting] = []
    """What its sources observed since the last report."""


class Result(msgspec.Struct, frozen=True, tag="result", forbid_unknown_fields=True):
    """The answer to a call: a value, or why there is none."""

    number: int
    value: Any = None
    error: str | None = None


Order = Configure | Alive | Witnesses | Call | Stop
"""From the supervisor."""
News = Ready | Fatal | Report | Result
"""From a child."""

_ORDERS: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)
_NEWS: msgspec.json.Decoder[News] = msgspec.json.Decoder(News)
_ENCODER = msgspec.json.Encoder()
_T = TypeVar("_T")


def encoded(message: Order | News) -> bytes:
    """The message as a line.

    Raises:
        MessageError: it is too large, or holds what JSON cannot say.
    """
    try:
        line = _ENCODER.encode(message) + b"\n"
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise MessageError(f"a {type(message).__name__} cannot be written as JSON: {error}") from error
    if len(line) > MAX_MESSAGE_BYTES:
        found = f"found {len(line)} bytes, expected at most {MAX_MESSAGE_BYTES}"
        raise MessageError(f"a {type(message).__name__} is too large: {found}")
    return line


def order_from(line: bytes) -> Order:
    """A line that the supervisor sent.

    Raises:
        MessageError: it is none of the messages above.
    """
    return _decoded(_ORDERS, line)


def news_from(line: bytes) -> News:
    """A line that a child sent.

    Raises:
        MessageError: it is none of the messages above.
    """
    return _decoded(_NEWS, line)


def _decoded(decoder: msgspec.json.Decoder[_T], line: bytes) -> _T:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"not a message: {error}") from error


class Lines:
    """Cuts a stream of bytes into lines, and holds no more than one message that is not whole."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._searched = 0

    def feed(self, content: bytes) -> Sequence[bytes]:
        """The lines that `content` completes, without their ends.

        Raises:
            MessageError: a line is longer than is allowed.
        """
        self._rest += content
        lines: list[bytes] = []
        while (end := self._rest.find(b"\n", self._searched)) >= 0:
            lines.append(bytes(self._rest[:end]))
            del self._rest[: end + 1]
            self._searched = 0
        self._searched = len(self._rest)
        longest = max([len(self._rest), *map(len, lines)])
        if longest > self._max_bytes:
            raise MessageError(f"found a message of {longest} bytes or more, expected at most {self._max_bytes}")
        return lines
