"""Logs: nothing secret leaves, floods are held back and counted, the latest is remembered."""

from __future__ import annotations

import io
import json
import logging
import string
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from edge import logs
from edge.logs import HoldBackRepeats, LogLevel, RecentRecords, redact_record, redact_text

SECRET = st.text(string.ascii_letters + string.digits + "!$%*+-._~^|#?@:/", min_size=6, max_size=24).map(
    lambda text: f"S3{text}cr"
)
"""Recognisable, without the signs that end a value in every notation: blanks, quotes, commas, semicolons, brackets."""
WORDS = st.text(string.ascii_letters + " ", max_size=12)
PLAIN = SECRET.filter(lambda text: not set(text) & set("@:/#?"))


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """What other tests log goes where it went."""
    before = structlog.get_config()
    handlers = list(logging.getLogger().handlers)
    yield
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


def leaking_texts(secret: str, before: str) -> list[str]:
    return [
        f"{before} rtsp://admin:{secret}@10.0.0.7:554/live",
        f"{before} http://cam/user=admin&password={secret}",
        f"{before} password={secret} after",
        f"{before} password: {secret}",
        f'{before} {{"password": "{secret}"}}',
        f"{before} {{'api_token': '{secret}'}}",
        f"{before} Cookie: {secret}",
        f"{before} token={secret}, more",
    ]


@given(SECRET, WORDS)
def test_a_credential_never_leaves_in_a_text(secret: str, before: str) -> None:
    for text in leaking_texts(secret, before):
        assert secret not in redact_text(text), text


@given(PLAIN.filter(lambda text: not set(text) - set(string.ascii_letters + string.digits + "-._~+")), WORDS)
def test_an_authorization_never_leaves(secret: str, before: str) -> None:
    for scheme in ("Bearer", "basic", "Digest"):
        assert secret not in redact_text(f"{before} Authorization: {scheme} {secret} end")


@given(SECRET, WORDS, st.integers(0, 4))
def test_a_credential_never_leaves_in_any_field(secret: str, word: str, depth: int) -> None:
    for text in leaking_texts(secret, word):
        carriers: list[Any] = [
            text,
            Path(text),
            ValueError(text),
            text.encode(),
            [text],
            {"x": text},
            {text: 1},
            {text},
        ]
        for carrier in carriers:
            nested: Any = carrier
            for _ in range(depth):
                nested = {"inner": [nested]}
            assert secret not in str(redact_record(None, "info", {"event": "said", "field": nested}))
    for name in ("password", "token", "client_secret", "Authorization", "cookie", "credentials"):
        assert secret not in str(redact_record(None, "info", {"event": "said", name: secret}))
        assert secret not in str(redact_record(None, "info", {"event": "said", "headers": {name: [secret]}}))


@given(st.text(), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_nothing_breaks_the_redaction(event: str, field: object) -> None:
    redact_record(None, "info", {"event": event, "field": field})


@pytest.mark.parametrize(
    "text",
    [
        "offline, will be opened again",
        "seq 17 of 20: 3 s late; 5 % dropped",
        "http://127.0.0.1:8080/api/ingest answered 503",
        "token_file: /etc/gridsentry/token does not exist",
        "the keyboard = a key",
        "12:30:45 key frame",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("piece", ["x", "a.", "token ", "http:/", "password", "Bearer "])
def test_a_long_text_costs_no_more_than_its_length(piece: str) -> None:
    """A search that begins anew at each letter would cost 64 times as much for eight times the text."""

    def seconds(length: int) -> float:
        text = piece * (length // len(piece))
        best = float("inf")
        for _ in range(7):
            began = time.perf_counter()
            redact_text(text)
            best = min(best, time.perf_counter() - began)
        return best

    assert seconds(logs.MAX_TEXT) < 30 * max(seconds(logs.MAX_TEXT // 8), 1e-5)
    assert len(redact_text("x" * 10 * logs.MAX_TEXT)) < 2 * logs.MAX_TEXT


def configured(recent: RecentRecords | None = None, **more: Any) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(as_json=True, process="cameras-1", recent=recent, stream=stream, **more)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_record_names_its_process_and_time() -> None:
    stream = configured()
    structlog.get_logger("camera").bind(source="gate-3").warning("offline", reason="rtsp://a:b@c/d")
    try:
        raise ValueError("rtsp://admin:s3cret@10.0.0.7/live is broken")
    except ValueError:
        structlog.get_logger().exception("broke")
    logging.getLogger("some.library").warning("could not reach %s", "http://u:s3cret@h")
    logging.getLogger("some.library").info("not said")
    said = lines(stream)
    assert [row["event"] for row in said] == ["offline", "broke", "could not reach http://***@h"]
    assert {row["process"] for row in said} == {"cameras-1"}
    assert (said[0]["source"], said[0]["reason"], said[0]["level"]) == ("gate-3", "rtsp://***@c/d", "warning")
    assert "Traceback" in said[1]["exception"]
    assert "s3cret" not in stream.getvalue()
    assert all(row["timestamp"].endswith("Z") for row in said)


def test_for_people_an_error_is_one_readable_record() -> None:
    stream = io.StringIO()
    logs.configure(as_json=False, stream=stream)
    try:
        raise ValueError("password=s3cret")
    except ValueError:
        structlog.get_logger().exception("broke", source="gate-3")
    assert "ValueError: password=***" in stream.getvalue()
    assert "\x1b" not in stream.getvalue(), "no colours where no terminal is"


def test_levels() -> None:
    stream = configured(level=LogLevel.WARNING)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("said")
    assert [row["event"] for row in lines(stream)] == ["said"]
    stream = configured(level=LogLevel.DEBUG)
    structlog.get_logger().debug("said")
    assert [row["level"] for row in lines(stream)] == ["debug"]


class Closed(io.StringIO):
    """A pipe that nobody reads."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_nobody_reads_the_log_and_nobody_dies() -> None:
    recent = RecentRecords()
    logs.configure(as_json=True, stream=Closed(), recent=recent)
    structlog.get_logger().error("said to nobody")
    assert [row["event"] for row in recent.since()[0]] == ["said to nobody"]


def test_repeats_are_held_back_and_counted() -> None:
    now = 0.0
    hold = HoldBackRepeats(same=3, altogether=1000, seconds=60, monotonic=lambda: now)

    def passes(event: str = "offline", source: str = "gate-3", level: str = "error") -> dict[str, Any] | None:
        try:
            return dict(hold(None, level, {"event": event, "source": source, "level": level}))
        except structlog.DropEvent:
            return None

    assert [passes() is not None for _ in range(10)] == [True] * 3 + [False] * 7
    assert passes(source="tower-2") is not None, "another source is news"
    assert passes(event="online") is not None, "another event is news"
    assert [passes(level="debug") is not None for _ in range(9)] == [True] * 9
    now = 60.0
    after = passes()
    assert after is not None
    assert after["held_back"] == 7
    assert "held_back" not in (passes() or {})


def test_what_was_held_back_is_said_when_the_storm_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    recent = RecentRecords()
    configured(recent)
    now = [0.0]
    hold = next(step for step in structlog.get_config()["processors"] if isinstance(step, HoldBackRepeats))
    monkeypatch.setattr(hold, "_monotonic", lambda: now[0])
    log = structlog.get_logger()
    for _ in range(logs.SAME_RECORDS_A_MINUTE + 88):
        log.warning("a storm", source="gate-3")
    assert len(recent.since()[0]) == logs.SAME_RECORDS_A_MINUTE
    now[0] = 2 * logs.REPEAT_SECONDS
    log.info("another thing")
    said = recent.since()[0][logs.SAME_RECORDS_A_MINUTE :]
    assert [row["event"] for row in said] == ["held back repeats", "another thing"]
    assert (said[0]["of"], said[0]["source"], said[0]["held_back"]) == ("a storm", "gate-3", 88)


def test_ever_new_messages_are_bounded_too() -> None:
    now = 0.0
    hold = HoldBackRepeats(same=3, altogether=50, seconds=60, monotonic=lambda: now)
    passed = 0
    for number in range(5000):
        try:
            hold(None, "info", {"event": f"message {number}", "level": "info"})
            passed += 1
        except structlog.DropEvent:
            continue
    assert passed == 50
    assert len(hold._windows) <= logs.KNOWN_KEYS + 1
    now = 61.0
    assert hold(None, "info", {"event": "later", "level": "info"})["held_back"] == 4950


def test_the_memory_is_bounded_and_numbered() -> None:
    recent = RecentRecords(limit=3)
    configured(recent)
    for number in range(5):
        structlog.get_logger().info(f"said {number}", text="x" * 10_000)
    records, newest = recent.since()
    assert ([row["event"] for row in records], newest) == (["said 2", "said 3", "said 4"], 5)
    assert all(len(row["text"]) <= logs.MAX_RECENT_TEXT + 1 for row in records)
    assert recent.since(5) == ([], 5)
    assert [row["event"] for row in recent.since(4)[0]] == ["said 4"]
    assert json.dumps(records), "JSON types"
