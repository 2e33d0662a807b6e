"""The hash chain of a device's events and its signed heads.

Each event carries the SHA-256 of the canonical bytes of the event before it; the device signs the newest hash
(Ed25519, RFC 8032) at the end of each batch. What lies at or before a verified head cannot have been altered, lost,
inserted or reordered without it showing; what comes after the last head is not yet proven, and is reported so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contract.canonical import canonical_bytes, sha256_hex
from contract.events import ChainHeadData

_SIGNING_DOMAIN = b"gridsentry.chain.head.v1\n"


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """How far a chain has come: the last event's `seq` and hash."""

    seq: int
    sha256: str


GENESIS = ChainPosition(seq=0, sha256="0" * 64)


@dataclass(frozen=True, slots=True)
class LinkedEvent:
    """An event as it is stored and sent, and where the chain stands after it."""

    content: bytes
    position: ChainPosition


class ChainFault(StrEnum):
    """What can be wrong with a chain."""

    UNREADABLE = "unreadable"
    MISSING = "missing"
    ALTERED = "altered"
    REORDERED = "reordered"
    HEAD_MISMATCH = "head_mismatch"
    BAD_SIGNATURE = "bad_signature"


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """The first fault found, at which `seq`, in words."""

    fault: ChainFault
    seq: int
    message: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """The result of a verification: proven up to `signed_to`, linked up to `linked_to`."""

    signed_to: int
    linked_to: int
    problem: ChainProblem | None

    @property
    def ok(self) -> bool:
        return self.problem is None


def link(event: Mapping[str, Any], after: ChainPosition) -> LinkedEvent:
    """Puts an event (as JSON types) behind `after` and writes its canonical bytes, once.

    Raises:
        CanonicalError: the event has no canonical form.
    """
    seq = after.seq + 1
    data = {**event["data"], "chain": {"seq": seq, "prev_sha256": after.sha256}}
    content = canonical_bytes({**event, "data": data})
    return LinkedEvent(content, ChainPosition(seq, sha256_hex(content)))


def sign_head(device_id: str, position: ChainPosition, key: Ed25519PrivateKey) -> ChainHeadData:
    """Signs where the chain of `device_id` stands."""
    signature = key.sign(_head_bytes(device_id, position))
    return ChainHeadData(seq=position.seq, sha256=position.sha256, signature=base64.b64encode(signature).decode())


def head_is_genuine(device_id: str, head: ChainHeadData, key: Ed25519PublicKey) -> bool:
    """Whether the device's key signed this head."""
    try:
        key.verify(base64.b64decode(head.signature), _head_bytes(device_id, ChainPosition(head.seq, head.sha256)))
    except InvalidSignature:
        return False
    return True


def verify_chain(
    device_id: str,
    contents: Iterable[bytes],
    heads: Iterable[ChainHeadData],
    key: Ed25519PublicKey,
    start: ChainPosition = GENESIS,
) -> ChainReport:
    """Walks the events' received bytes, in the order of their `seq`, from `start` to the last head.

    `contents` are the stored bytes of every event after `start`. The walk stops at the first fault.
    """
    by_seq: dict[int, ChainHeadData] = {}
    for head in heads:
        if not head_is_genuine(device_id, head, key):
            return _broken(start, start, ChainFault.BAD_SIGNATURE, head.seq, "the head is not signed by this device")
        other = by_seq.setdefault(head.seq, head)
        if other.sha256 != head.sha256:
            return _broken(
                start,
                start,
                ChainFault.HEAD_MISMATCH,
                head.seq,
                "two signed heads disagree: the chain has forked",
            )
    position = signed = start
    for content in contents:
        problem = _check_link(content, position)
        if problem is not None:
            return ChainReport(signed.seq, position.seq, problem)
        position = ChainPosition(position.seq + 1, sha256_hex(content))
        head_here = by_seq.get(position.seq)
        if head_here is None:
            continue
        if head_here.sha256 != position.sha256:
            message = f"event {position.seq} is not the one that the device signed"
            return _broken(signed, position, ChainFault.HEAD_MISMATCH, position.seq, message)
        signed = position
    last_head = max(by_seq, default=start.seq)
    if last_head > position.seq:
        message = f"the device signed {last_head} events, the last one here is {position.seq}"
        return _broken(signed, position, ChainFault.MISSING, position.seq + 1, message)
    return ChainReport(signed.seq, position.seq, None)


def _check_link(content: bytes, after: ChainPosition) -> ChainProblem | None:
    expected = after.seq + 1
    try:
        chain = json.loads(content)["data"]["chain"]
        seq, previous = chain["seq"], chain["prev_sha256"]
    except (ValueError, KeyError, TypeError):
        return ChainProblem(ChainFault.UNREADABLE, expected, f"event {expected} has no readable chain link")
    if seq != expected:
        fault = ChainFault.MISSING if isinstance(seq, int) and seq > expected else ChainFault.REORDERED
        return ChainProblem(fault, expected, f"expected event {expected}, found {seq}")
    if previous != after.sha256:
        message = f"event {after.seq} is not the one that event {expected} was written after"
        return ChainProblem(ChainFault.ALTERED, after.seq, message)
    return None


def _broken(signed: ChainPosition, linked: ChainPosition, fault: ChainFault, seq: int, message: str) -> ChainReport:
    return ChainReport(signed.seq, linked.seq, ChainProblem(fault, seq, message))


def _head_bytes(device_id: str, position: ChainPosition) -> bytes:
    return _SIGNING_DOMAIN + canonical_bytes({"device_id": device_id, "seq": position.seq, "sha256": position.sha256})
