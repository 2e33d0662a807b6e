"""Logs to standard error, for people or as JSON: without credentials, without floods, with a memory of the latest.

Every record names its process and source. What was said lately is kept for the local page, after redaction.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TextIO

import structlog

REPEAT_SECONDS = 60.0
"""A fault that goes on is said again once a minute, with how often it was seen in between."""
SAME_RECORDS_A_MINUTE = 12
"""One each five seconds of the same event of one source: enough to follow a fault, too little to fill a disk."""
ANY_RECORDS_A_MINUTE = 600
"""All events of one process together, for messages that are never twice the same. A line is ~200 bytes: 170 MB a day
at worst, where a loop gone wild writes that in a minute."""
KNOWN_KEYS = 512
"""More different events than the program has in its source: only a flood of ever new messages fills it."""
RECENT_RECORDS = 500
"""Of one process. A quiet box says a few an hour; in trouble this is the last minutes."""
MAX_RECENT_TEXT = 2_000
"""Of a field kept for the local page: the end of a traceback, which says what broke."""
MAX_TEXT = 16_384
"""Of one field of a record: a long traceback has 10 KB. What is longer is cut: a library that prints a whole picture
must not keep a core busy here."""
MAX_DEPTH = 6

Record = MutableMapping[str, Any]


class LogLevel(StrEnum):
    """What `--log-level` takes."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def number(self) -> int:
        return int(logging.getLevelNamesMapping()[self.value.upper()])


def configure(
    *,
    as_json: bool,
    level: LogLevel = LogLevel.INFO,
    process: str = "",
    recent: RecentRecords | None = None,
    stream: TextIO | None = None,
) -> None:
    """Sends every log line of this process to standard error, those of libraries from `warning` on.

    `process` becomes a field of every record; `recent` keeps what was said.
    """
    target = stream or sys.stderr
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(process),
        HoldBackRepeats(),
        structlog.processors.format_exc_info,
        redact_record,
    ]
    if recent is not None:
        processors.append(recent.keep)
    structlog.configure(
        processors=[*processors, _renderer(as_json=as_json, colours=target.isatty())],
        wrapper_class=structlog.make_filtering_bound_logger(level.number),
        logger_factory=lambda *_names: _Lines(target),
        cache_logger_on_first_use=False,
    )
    libraries = logging.getLogger()
    for handler in [handler for handler in libraries.handlers if isinstance(handler, _FromLibraries)]:
        libraries.removeHandler(handler)
    libraries.addHandler(_FromLibraries(max(level.number, logging.WARNING)))


def _renderer(*, as_json: bool, colours: bool) -> Any:
    if as_json:
        return structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=False)
    return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)


def _naming(process: str) -> Callable[[Any, str, Record], Record]:
    def name(_logger: Any, _method: str, record: Record) -> Record:
        if process:
            record.setdefault("process", process)
        return record

    return name


class _Lines:
    """Writes whole lines, so that those of several processes on one standard error do not mix."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        try:
            self._stream.write(message + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            # Nobody reads us any more (the journal restarts, the terminal is gone). A program that watches cameras
            # must not die of that, and there is nobody left to tell.
            return

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


class _FromLibraries(logging.Handler):
    """Takes what libraries say through the standard library's logging the same way as our own."""

    def emit(self, record: logging.LogRecord) -> None:
        say = structlog.get_logger(record.name)
        try:
            message = record.getMessage()
        except (TypeError, ValueError) as error:  # a library's arguments do not fit its own message
            message = f"{record.msg!r} ({error})"
        say.log(record.levelno, message, logger=record.name, exc_info=record.exc_info)


# ---- credentials


_SECRET_NAME = re.compile(r"(pass(word|wd|phrase)?|pwd|token|secret|authorization|cookie|credentials?)$", re.IGNORECASE)
_SECRET_PAIR = re.compile(
    r"""(?P<name>["']?(?:password|passwd|passphrase|pwd|token|secret|cookie|credentials?)["']?\s*[:=]\s*)"""
    r"""(?P<value>"[^"\n]*"|'[^'\n]*'|[^\s,;&"'}\])]+)""",
    re.IGNORECASE,
)
_SECRET_ARGUMENT = re.compile(r"(?P<name>(?:pass|key|auth)=)[^&;/\s]+", re.IGNORECASE)
"""Some makers put credentials into the path or query of an address."""
_SCHEME = re.compile(r"\b(?P<scheme>bearer|basic|digest)\s+(?P<value>[\w.~+/=-]{4,}|username=.*)", re.IGNORECASE)
HIDDEN = "***"


def redact_text(text: str) -> str:
    """`text` with what looks like a credential replaced: user names in URLs, `password=…`, `Bearer …`. Never raises.

    The last line of defence: who logs an address redacts it first, because only they know what it is.
    """
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT] + "…"
    if "@" in text and ":/" in text:
        text = "\n".join(_without_user_info(line) for line in text.split("\n"))
    text = _SCHEME.sub(rf"\g<scheme> {HIDDEN}", text)
    text = _SECRET_ARGUMENT.sub(rf"\g<name>{HIDDEN}", text)
    return _SECRET_PAIR.sub(rf"\g<name>{HIDDEN}", text)


def _without_user_info(line: str) -> str:
    """Hides what stands between the first scheme and the last `@`: a password may itself hold `@`, `/` or a blank.

    By hand: a pattern would begin its search anew at each scheme, and take seconds for a hostile text. One slash is
    enough: a path that was made of an address has lost the other.
    """
    head, at, tail = line.rpartition("@")
    scheme, colon, rest = head.partition(":/")
    if not at or not colon:
        return line
    slash = "/" if rest.startswith("/") else ""
    return f"{scheme}{colon}{slash}{HIDDEN}@{tail}"


def redact_record(_logger: Any, _method: str, record: Record) -> Record:
    """A processor: no field of the record leaves the process with a credential in it."""
    return {redact_text(str(name)): _redacted(str(name), value, 0) for name, value in record.items()}


def _redacted(name: str, value: Any, depth: int) -> Any:
    if value is None:
        return None
    if _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping) and depth < MAX_DEPTH:
        return {redact_text(str(key)): _redacted(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < MAX_DEPTH:
        return [_redacted(name, item, depth + 1) for item in value]
    # Paths, errors, values of ours: the renderers would ask for their text themselves, behind our back.
    return redact_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


# ---- floods


@dataclass(slots=True)
class _Window:
    began: float
    said: int = 0
    held_back: int = 0


class HoldBackRepeats:
    """A processor that drops what one event of one source says beyond some records a minute, and counts it.

    The count is said with the next such record (`held_back`), or alone if none comes. Debug records pass: who asks
    for them wants them all.
    """

    def __init__(
        self,
        same: int = SAME_RECORDS_A_MINUTE,
        altogether: int = ANY_RECORDS_A_MINUTE,
        seconds: float = REPEAT_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._same = same
        self._seconds = seconds
        self._monotonic = monotonic
        self._windows: OrderedDict[tuple[str, ...], _Window] = OrderedDict()
        self._altogether = _Window(float("-inf"))
        self._most = altogether
        self._lock = threading.Lock()

    def __call__(self, _logger: Any, _method: str, record: Record) -> Record:
        if record.get("level") == "debug" or "held_back" in record:
            return record
        key = tuple(str(record.get(name, "")) for name in ("level", "event", "source"))
        now = self._monotonic()
        with self._lock:
            over = self._over(now)
            passes, held_back = self._takes(key, now)
        for (level, event, source), count in over:
            about = {"source": source} if source else {}
            structlog.get_logger().log(
                logging.getLevelNamesMapping().get(level.upper(), logging.ERROR),
                "held back repeats",
                of=event,
                held_back=count,
                **about,
            )
        if not passes:
            raise structlog.DropEvent
        if held_back:
            record["held_back"] = held_back
        return record

    def _takes(self, key: tuple[str, ...], now: float) -> tuple[bool, int]:
        """Whether the record passes, and how many were held back before it."""
        window = self._windows.get(key)
        held_back = 0
        if window is None or now - window.began >= self._seconds:
            held_back = 0 if window is None else window.held_back
            window = self._windows[key] = _Window(now)
            self._windows.move_to_end(key)
        if now - self._altogether.began >= self._seconds:
            held_back += self._altogether.held_back
            self._altogether = _Window(now)
        if window.said >= self._same:
            window.held_back += 1
            return False, 0
        if self._altogether.said >= self._most:
            self._altogether.held_back += 1
            return False, 0
        window.said += 1
        self._altogether.said += 1
        return True, held_back

    def _over(self, now: float) -> list[tuple[tuple[str, ...], int]]:
        """Takes out what has been quiet for a window, oldest first, and returns what of it was held back."""
        over = []
        while self._windows:
            key, window = next(iter(self._windows.items()))
            # Twice the window: whoever goes on says the count himself.
            if now - window.began < 2 * self._seconds and len(self._windows) <= KNOWN_KEYS:
                break
            del self._windows[key]
            if window.held_back:
                over.append((key, window.held_back))
        return over


class Repeats:
    """Says whether a repeated message is due, and how often it was held back. Safe for several threads."""

    def __init__(self, seconds: float = REPEAT_SECONDS, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._said: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def due(self, key: str) -> int | None:
        """How often `key` was held back since it was last due; None: hold it back now."""
        now = self._monotonic()
        with self._lock:
            said_at, held_back = self._said.get(key, (float("-inf"), 0))
            if now - said_at < self._seconds:
                self._said[key] = (said_at, held_back + 1)
                return None
            self._said[key] = (now, 0)
            return held_back

    def forget(self, key: str) -> None:
        """The fault is over: its next occurrence is news."""
        with self._lock:
            self._said.pop(key, None)


# ---- memory


class RecentRecords:
    """The latest records of this process, numbered from 1, as JSON types. Safe for several threads."""

    def __init__(self, limit: int = RECENT_RECORDS) -> None:
        self._records: deque[tuple[int, Mapping[str, Any]]] = deque(maxlen=limit)
        self._number = 0
        self._lock = threading.Lock()

    def keep(self, _logger: Any, _method: str, record: Record) -> Record:
        """A processor, behind redaction."""
        kept = {name: _short(value) for name, value in record.items()}
        with self._lock:
            self._number += 1
            self._records.append((self._number, kept))
        return record

    def since(self, number: int = 0) -> tuple[Sequence[Mapping[str, Any]], int]:
        """What was said after record `number`, oldest first, and the number to ask with next."""
        with self._lock:
            return [record for at, record in self._records if at > number], self._number


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_RECENT_TEXT:
        return "…" + value[-MAX_RECENT_TEXT:]
    return value
