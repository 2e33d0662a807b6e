"""What supervisor and children say to each other survives any cut, and nothing else is taken for it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.supervisor.messages import (
    MAX_MESSAGE_BYTES,
    Alive,
    Call,
    Configure,
    Fatal,
    Lines,
    MessageError,
    Ready,
    Report,
    Result,
    Stop,
    Usage,
    Witnesses,
    encoded,
    news_from,
    order_from,
)
from edge.witnesses import Sighting

TEXT = st.text(max_size=30)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
NUMBERS = st.floats(-1e9, 1e9)
SIGHTINGS = st.builds(Sighting, TEXT, TEXT, TEXT, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
ORDERS = st.one_of(
    st.builds(Configure, st.integers(0, 9), TEXT, TEXT, st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3)),
    st.builds(Alive, st.lists(TEXT, max_size=3), st.dictionaries(TEXT, TEXT, max_size=3)),
    st.builds(Witnesses, st.lists(SIGHTINGS, max_size=3)),
    st.builds(Call, st.integers(0, 9), TEXT, TEXT, st.dictionaries(TEXT, JSON, max_size=3)),
    st.builds(Stop, st.floats(0, 600)),
)
NEWS = st.one_of(
    st.builds(Ready, st.integers(0, 9)),
    st.builds(Fatal, TEXT),
    st.builds(Result, st.integers(0, 9), JSON, st.none() | TEXT),
    st.builds(
        Report,
        st.builds(Usage, st.floats(0, 1e6), st.integers(0, 2**40), st.integers(0, 999), st.integers(0, 999)),
        st.lists(TEXT, max_size=3),
        st.dictionaries(TEXT, st.dictionaries(TEXT, JSON, max_size=2), max_size=2),
        st.dictionaries(TEXT, st.floats(0, 1e6), max_size=2),
        st.dictionaries(TEXT, JSON, max_size=2),
        st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2),
        sightings=st.lists(SIGHTINGS, max_size=3),
    ),
)


@given(ORDERS)
def test_orders_come_out_as_they_went_in(order: Configure | Alive | Witnesses | Call | Stop) -> None:
    line = encoded(order)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1, "the end of a line is the end of a message, whatever is in it"
    assert order_from(line[:-1]) == order


@given(NEWS)
def test_news_come_out_as_they_went_in(news: Ready | Fatal | Report | Result) -> None:
    assert news_from(encoded(news)[:-1]) == news


@given(st.lists(ORDERS, max_size=6), st.data())
def test_lines_are_found_however_the_stream_is_cut(orders: list[Any], data: st.DataObject) -> None:
    stream = b"".join(map(encoded, orders))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    lines = Lines()
    found: list[bytes] = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += lines.feed(stream[begin:end])
    assert [order_from(line) for line in found] == orders


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_worse(content: bytes) -> None:
    for reads in (order_from, news_from):
        with pytest.raises(MessageError):
            reads(content)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"type":"stop"}',
        b'{"type":"stop","seconds":"soon"}',
        b'{"type":"stop","seconds":1,"more":1}',
        b'{"type":"report","running":[1]}',
        b'{"type":"report","usage":{"rss_bytes":-1.5}}',
        b'{"type":"configure","generation":1e99,"path":"","text":"","sources":[]}',
        b"[" * 100_000,
        b'{"type":"call","number":1,"source_id":"a","name":"b","arguments":' + b'{"a":' * 5000 + b"1" + b"}" * 5001,
        b"\xff\xfe",
    ],
    ids=lambda line: line[:24].decode("ascii", "replace"),
)
def test_what_is_nearly_a_message_is_refused(line: bytes) -> None:
    with pytest.raises(MessageError):
        order_from(line)


def test_a_line_without_end_is_not_collected_for_ever() -> None:
    lines = Lines(max_bytes=1000)
    assert lines.feed(b"a" * 1000) == []
    with pytest.raises(MessageError, match="expected at most 1000"):
        lines.feed(b"a")


def test_a_whole_line_that_is_too_long_is_refused_too() -> None:
    with pytest.raises(MessageError, match="expected at most 1000"):
        Lines(max_bytes=1000).feed(b"a" * 1001 + b"\n")


def test_what_json_cannot_say_or_is_too_large_is_never_sent() -> None:
    with pytest.raises(MessageError, match="cannot be written"):
        encoded(Result(1, value=object()))
    with pytest.raises(MessageError, match="too large"):
        encoded(Result(1, value="a" * MAX_MESSAGE_BYTES))
