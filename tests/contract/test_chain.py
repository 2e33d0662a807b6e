"""Signed chains: whatever is altered, lost, inserted or moved before a signed head shows."""

from __future__ import annotations

import dataclasses
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.canonical import canonical_bytes
from contract.chain import GENESIS, ChainFault, ChainPosition, head_is_genuine, link, sign_head, verify_chain
from contract.events import AnyEvent, ChainHeadData, Event
from tests.contract.strategies import events

DEVICE = "box-1"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key()


@dataclasses.dataclass(frozen=True)
class Chain:
    contents: list[bytes]
    positions: list[ChainPosition]

    def head(self, seq: int | None = None) -> ChainHeadData:
        return sign_head(DEVICE, self.positions[(seq or len(self.contents)) - 1], KEY)


def chain_of(written: list[Event]) -> Chain:
    position, contents, positions = GENESIS, [], []
    for event in written:
        linked = link(event.as_json(), position)
        position = linked.position
        contents.append(linked.content)
        positions.append(position)
    return Chain(contents, positions)


CHAINS = st.lists(events(), min_size=3, max_size=6).map(chain_of)


@settings(max_examples=40)
@given(CHAINS)
def test_a_whole_chain_verifies(chain: Chain) -> None:
    report = verify_chain(DEVICE, chain.contents, [chain.head(2), chain.head()], PUBLIC)
    assert report.ok
    assert report.signed_to == report.linked_to == len(chain.contents)


@settings(max_examples=40)
@given(CHAINS)
def test_a_linked_event_is_still_a_valid_event(chain: Chain) -> None:
    from pydantic import TypeAdapter

    for content, position in zip(chain.contents, chain.positions, strict=True):
        event = TypeAdapter(AnyEvent).validate_json(content, strict=True)
        assert event.data.chain.seq == position.seq


@settings(max_examples=100)
@given(CHAINS, st.data())
def test_any_mutation_of_any_byte_is_detected(chain: Chain, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(chain.contents) - 1))
    content = bytearray(chain.contents[index])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    contents = [*chain.contents[:index], bytes(content), *chain.contents[index + 1 :]]
    report = verify_chain(DEVICE, contents, [chain.head()], PUBLIC)
    assert report.problem is not None
    assert report.signed_to == 0


@settings(max_examples=60)
@given(CHAINS, st.data())
def test_any_loss_is_detected(chain: Chain, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(chain.contents) - 1))
    contents = [*chain.contents[:index], *chain.contents[index + 1 :]]
    report = verify_chain(DEVICE, contents, [chain.head()], PUBLIC)
    assert report.problem is not None
    assert report.problem.fault is ChainFault.MISSING
    assert report.problem.seq == index + 1


@settings(max_examples=60)
@given(CHAINS, st.data())
def test_any_reordering_is_detected(chain: Chain, data: st.DataObject) -> None:
    contents = data.draw(st.permutations(chain.contents).filter(lambda order: list(order) != chain.contents))
    assert not verify_chain(DEVICE, contents, [chain.head()], PUBLIC).ok


@settings(max_examples=60)
@given(CHAINS, st.data())
def test_any_insertion_is_detected(chain: Chain, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(chain.contents) - 1))
    contents = [*chain.contents[:index], data.draw(st.sampled_from(chain.contents)), *chain.contents[index:]]
    assert not verify_chain(DEVICE, contents, [chain.head()], PUBLIC).ok


@settings(max_examples=40)
@given(CHAINS, st.data())
def test_a_rewritten_history_does_not_match_the_signed_head(chain: Chain, data: st.DataObject) -> None:
    """Whoever holds the events but not the key can relink them; the signature then gives them away."""
    index = data.draw(st.integers(0, len(chain.contents) - 1))
    position, contents = GENESIS, []
    for number, content in enumerate(chain.contents):
        message = json.loads(content)
        if number == index:
            message["data"]["x_forged"] = True
        linked = link(message, position)
        position = linked.position
        contents.append(linked.content)
    report = verify_chain(DEVICE, contents, [chain.head()], PUBLIC)
    assert report.problem is not None
    assert report.problem.fault is ChainFault.HEAD_MISMATCH


@settings(max_examples=20)
@given(CHAINS)
def test_what_comes_after_the_head_is_reported_as_unproven(chain: Chain) -> None:
    report = verify_chain(DEVICE, chain.contents, [chain.head(2)], PUBLIC)
    assert report.ok
    assert (report.signed_to, report.linked_to) == (2, len(chain.contents))


@settings(max_examples=20)
@given(CHAINS)
def test_verification_can_go_on_from_a_known_position(chain: Chain) -> None:
    report = verify_chain(DEVICE, chain.contents[2:], [chain.head()], PUBLIC, start=chain.positions[1])
    assert report.ok
    assert report.signed_to == len(chain.contents)


@settings(max_examples=20)
@given(CHAINS)
def test_a_fork_is_detected(chain: Chain) -> None:
    forked = sign_head(DEVICE, ChainPosition(2, "f" * 64), KEY)
    report = verify_chain(DEVICE, chain.contents, [chain.head(2), forked, chain.head()], PUBLIC)
    assert report.problem is not None
    assert report.problem.fault is ChainFault.HEAD_MISMATCH


def test_a_head_belongs_to_one_device_one_position_and_one_key() -> None:
    position = ChainPosition(9, "a" * 64)
    head = sign_head(DEVICE, position, KEY)
    assert head_is_genuine(DEVICE, head, PUBLIC)
    assert not head_is_genuine("box-2", head, PUBLIC)
    assert not head_is_genuine(DEVICE, head.model_copy(update={"seq": 10}), PUBLIC)
    assert not head_is_genuine(DEVICE, head.model_copy(update={"sha256": "b" * 64}), PUBLIC)
    assert not head_is_genuine(DEVICE, head, Ed25519PrivateKey.generate().public_key())


def test_a_forged_head_stops_the_verification() -> None:
    head = sign_head(DEVICE, ChainPosition(1, "a" * 64), Ed25519PrivateKey.generate())
    report = verify_chain(DEVICE, [], [head], PUBLIC)
    assert report.problem is not None
    assert report.problem.fault is ChainFault.BAD_SIGNATURE


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"data":{}}', b'{"data":{"chain":7}}', b"\xff\xfe"])
def test_what_cannot_be_read_is_named(content: bytes) -> None:
    report = verify_chain(DEVICE, [content], [], PUBLIC)
    assert report.problem is not None
    assert report.problem.fault is ChainFault.UNREADABLE
    assert report.problem.seq == 1


def test_an_empty_chain_is_whole() -> None:
    assert verify_chain(DEVICE, [], [], PUBLIC).ok


def test_linking_does_not_change_the_event() -> None:
    event = {"data": {"a": 1}}
    linked = link(event, GENESIS)
    assert event == {"data": {"a": 1}}
    assert linked.content == canonical_bytes({"data": {"a": 1, "chain": {"seq": 1, "prev_sha256": "0" * 64}}})
