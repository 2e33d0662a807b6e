"""Watches the configuration's file from a thread of its own: disks may be slow, and checking a file takes its time."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.config.document import EdgeConfig, config_from_text, read_config_text
from edge.config.problems import ConfigError, ConfigProblem
from edge.config.text import ParsedText, parse

POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that is valid by itself."""

    config: EdgeConfig
    text: str
    sha256: str

    @property
    def parsed(self) -> ParsedText:
        """The text with its lines, for messages."""
        return parse(self.text)


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is no configuration, and why; `sha256` is empty where it could not be read."""

    problems: tuple[ConfigProblem, ...]
    sha256: str


def load(path: Path) -> Loaded:
    """Reads and checks the file.

    Raises:
        ConfigError: with every problem.
    """
    return loaded_from(read_config_text(path), path)


def loaded_from(text: str, path: Path) -> Loaded:
    """Checks a text as if it stood in the file.

    Raises:
        ConfigError: with every problem.
    """
    return Loaded(config_from_text(text, path), text, text_sha256(text))


def text_sha256(text: str) -> str:
    """The hash by which two versions of the file are told apart."""
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


class ConfigWatcher:
    """Hands over each new content of the file once, valid or not: when it changed, or when `look_now` is called."""

    def __init__(self, path: Path, sha256: str, on_change: Callable[[Loaded | Refused], None]) -> None:
        self._path = path
        self._seen_sha256 = sha256
        self._on_change = on_change
        self._wake = threading.Event()
        self._asked = threading.Event()
        self._stopping = threading.Event()
        self._signature = _signature(path)
        self._thread = threading.Thread(target=self._watch, name="config", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look_now(self) -> None:
        """Has the file read again even if it looks the same, and told about even then."""
        self._asked.set()
        self._wake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(POLL_SECONDS)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()
            asked = self._asked.is_set()
            self._asked.clear()
            signature = _signature(self._path)
            if asked or signature != self._signature:
                self._signature = signature
                self._look(asked=asked)

    def _look(self, *, asked: bool) -> None:
        found: Loaded | Refused
        sha256 = ""
        try:
            text = read_config_text(self._path)
            sha256 = text_sha256(text)
            # The same content says nothing new: an editor that saves twice must not restart cameras.
            if sha256 == self._seen_sha256 and not asked:
                return
            found = loaded_from(text, self._path)
        except ConfigError as error:
            found = Refused(tuple(error.problems), sha256)
        self._seen_sha256 = sha256
        if not self._stopping.is_set():
            self._on_change(found)


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116 - follows links: the file may be one into a mounted volume
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
