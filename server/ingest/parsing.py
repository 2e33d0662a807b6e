"""From a request's body to events: sliced, then judged one by one, so that a bad item never sinks the others."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import TypeAdapter, ValidationError

from contract.batch import MAX_BATCH_EVENTS, Problem
from contract.canonical import sha256_hex
from contract.events import (
    MAX_EVENT_BYTES,
    AnyEvent,
    ChainHeadData,
    ChainHeadEvent,
    EvidenceDroppedData,
    EvidenceDroppedEvent,
    HazardData,
    HazardEvent,
    HealthData,
    HealthEvent,
    HeartbeatData,
    HeartbeatEvent,
    device_path,
)
from server.problems import ProblemError

_MAX_SLICED_BY_HAND = 1024 * 1024
"""Bytes. A batch that only the slow way can cut is somebody's experiment, and must not cost a second of CPU."""

_KNOWN_TYPES = (
    "gridsentry.hazard.opened.v1",
    "gridsentry.hazard.updated.v1",
    "gridsentry.hazard.cleared.v1",
    "gridsentry.source.health.v1",
    "gridsentry.device.heartbeat.v1",
    "gridsentry.evidence.dropped.v1",
    "gridsentry.chain.head.v1",
)
_DATA_FIELDS = frozenset(
    name
    for model in (HazardData, HealthData, HeartbeatData, EvidenceDroppedData, ChainHeadData)
    for name in model.model_fields
)
_MAX_SEQ = 2**53 - 1

TakenEvent = HazardEvent | HealthEvent | HeartbeatEvent | EvidenceDroppedEvent | ChainHeadEvent

_events: TypeAdapter[TakenEvent] = TypeAdapter(AnyEvent)
_batch = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event that can be taken in, and its bytes as they came."""

    index: int
    content: bytes
    sha256: str
    event: TakenEvent
    seq: int | None
    """Its number in the device's chain."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that cannot be taken in, why, and what could be read of it all the same."""

    index: int
    content: bytes
    sha256: str
    problem: Problem
    event_id: str | None
    seq: int | None


class _JsonError(ValueError):
    """JSON that parsers disagree about."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class _PeekedChain(msgspec.Struct):
    seq: int | None = None


class _PeekedData(msgspec.Struct):
    chain: _PeekedChain | None = None


class _PeekedEvent(msgspec.Struct):
    id: str | None = None
    source: str | None = None
    data: _PeekedData | None = None


_peek = msgspec.json.Decoder(_PeekedEvent)


def read_batch(body: bytes, device_id: str) -> list[ReadEvent | Refusal]:
    """Every item of a batch from `device_id`, in its order.

    Raises:
        ProblemError: 400 for a body that is no JSON array in UTF-8, 413 for too many items.
    """
    contents = _slice(body)
    if len(contents) > MAX_BATCH_EVENTS:
        raise ProblemError(413, f"the batch has {len(contents)} events, expected at most {MAX_BATCH_EVENTS}")
    return [read_event(content, device_id, index) for index, content in enumerate(contents)]


def read_event(content: bytes, device_id: str, index: int = 0) -> ReadEvent | Refusal:
    """One item: size, unambiguous JSON, the contract, and whether it is this device's own."""
    sha256 = sha256_hex(content)
    problem = _find_json_problem(content)
    if problem is None:
        try:
            event = _events.validate_json(content, strict=True)
        except ValidationError as error:
            problem = _contract_problem(error, content)
        else:
            if event.device_id == device_id:
                return ReadEvent(index, content, sha256, event, _seq(event))
            detail = f"source: found {event.source!r}, expected {device_path(device_id)!r}: the token is that device's"
            problem = Problem(title="Event of another device", status=403, detail=detail, field="source")
    event_id, seq = _peek_at(content, device_id)
    return Refusal(index, content, sha256, problem, event_id, seq)


def _seq(event: TakenEvent) -> int | None:
    if isinstance(event, ChainHeadEvent) or event.data.chain is None:
        return None
    return event.data.chain.seq


def _slice(body: bytes) -> Sequence[bytes]:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise ProblemError(400, f"the body is not UTF-8: byte {error.start} is {body[error.start]:#04x}") from error
    try:
        return [bytes(raw) for raw in _batch.decode(body)]
    except msgspec.ValidationError as error:
        raise ProblemError(400, f"the body is not a JSON array of events: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        # Perhaps one item only: NaN, or nested a hundred thousand deep. The others have a right to be heard.
        contents = _slice_by_hand(body) if len(body) <= _MAX_SLICED_BY_HAND else None
        if contents is None:
            raise ProblemError(400, f"the body is not a JSON array of events: {error}") from error
        return contents


_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},"]', re.DOTALL)


def _slice_by_hand(body: bytes) -> list[bytes] | None:
    """Cuts an array at its own commas by counting brackets, whatever lies between; None where that fails."""
    body = body.strip(b" \t\r\n")
    if not (body.startswith(b"[") and body.endswith(b"]")):
        return None
    contents: list[bytes] = []
    depth, start = 0, 1
    for match in _STRUCTURE.finditer(body):
        token = match.group()
        if token in (b"[", b"{"):
            depth += 1
        elif token in (b"]", b"}"):
            depth -= 1
        elif token == b'"':
            return None
        ends = depth == 0
        if ends or (depth == 1 and token == b","):
            contents.append(body[start : match.start()].strip(b" \t\r\n"))
            start = match.end()
        if ends:
            break
    return contents if start == len(body) and all(contents) else None


def _find_json_problem(content: bytes) -> Problem | None:
    if len(content) > MAX_EVENT_BYTES:
        detail = f"the event has {len(content)} bytes, expected at most {MAX_EVENT_BYTES}"
        return Problem(title="Event too large", status=413, detail=detail)
    if b"\\u0000" in content and _NUL_ESCAPE.search(content):
        detail = "a text contains the character NUL, which databases cannot keep"
        return Problem(title="Unusable text", status=422, detail=detail)
    try:
        json.loads(
            content.decode(),
            object_pairs_hook=_unambiguous,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except _JsonError as error:
        return Problem(title="Ambiguous JSON", status=422, detail=str(error), field=error.field)
    except RecursionError:
        return Problem(title="Not JSON", status=422, detail="the event is nested too deeply")
    except ValueError as error:
        return Problem(title="Not JSON", status=422, detail=str(error))
    return None


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _JsonError(f"the member {twice[:64]!r} is there more than once", twice[:64])
    return members


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _JsonError(f"the number {text[:32]} is beyond what a double can hold")
    return value


def _refuse_constant(name: str) -> Any:
    raise _JsonError(f"{name} is not JSON")


def _contract_problem(error: ValidationError, content: bytes) -> Problem:
    """The first fault, naming the field as `data.confidence`, and how many more there are."""
    faults = error.errors(include_url=False)
    first = faults[0]
    if first["type"] == "union_tag_invalid":
        found = str(first.get("ctx", {}).get("tag"))[:64]
        detail = f"type: found {found!r}; this server knows {', '.join(_KNOWN_TYPES)}"
        return Problem(title="Unknown event type", status=422, detail=detail, field="type")
    if first["type"] == "union_tag_not_found":
        return Problem(title="Not an event", status=422, detail="type: Field required", field="type")
    place = list(first["loc"])
    if place and place[0] in _KNOWN_TYPES:
        place.pop(0)
    if len(place) > 1 and place[0] == "data" and place[1] not in _DATA_FIELDS:
        place.insert(1, "detail")  # the detail's own model speaks from inside the data's validator
    message = first["msg"]
    field = ".".join(map(str, place)) or None
    detail = f"{field}: {message}" if field else message
    if len(faults) > 1:
        detail += f" (and {len(faults) - 1} more)"
    title = "Event does not fit the contract" if content.lstrip()[:1] == b"{" else "Not an event"
    return Problem(title=title, status=422, detail=detail[:1000], field=field)


def _peek_at(content: bytes, device_id: str) -> tuple[str | None, int | None]:
    """Id and seq of a refused item, if they can be read; the seq only of the device's own."""
    try:
        peeked = _peek.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None, None
    chain = peeked.data.chain if peeked.data is not None else None
    seq = chain.seq if chain is not None and peeked.source == device_path(device_id) else None
    usable = seq is not None and 1 <= seq <= _MAX_SEQ
    event_id = None if peeked.id is None or "\x00" in peeked.id else peeked.id[:128]
    return event_id, seq if usable else None
