"""Weights from their publisher, or from a mirror, into the store: resumed, checked, and put there in one step.

A file is only ever believed for its hash. What came of it so far lies beside it as `….part` until it is whole and
right; then it takes its name. Nothing that runs is written over: names hold the version.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from models.registry import (
    MAX_FILE_BYTES,
    ModelRow,
    WeightsFile,
    fetched_path,
    made_note,
    made_sha256,
    noted_hash,
    onnx_path,
)
from models.sources import FetchError, Mirror, Source, WrongContentError, published

SPARE_BYTES = 64_000_000
"""What must stay free besides the file: an edge box also keeps events on this disk, and they come first."""
PART = ".part"
NOTE_BYTES = 256
LOCK = ".fetching"


class Way(StrEnum):
    """How a file came to be in the store."""

    THERE = "there"
    FETCHED = "fetched"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a file is: `total` in bytes where it is known."""

    name: str
    origin: str
    done: int
    total: int | None


Watch = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file in the store, whole and of the hash that its row states, or that was noted when it was converted."""

    path: Path
    way: Way
    origin: str


def fetch(
    name: str,
    row: ModelRow,
    file: WeightsFile,
    store: Path,
    mirror: Mirror | None = None,
    watch: Watch = lambda _: None,
) -> Fetched:
    """Makes sure that a model's file is in the store.

    With a mirror its publisher is never asked. Of a checkpoint the converted file is taken where there is one, in the
    store or with its noted hash in the mirror: a box has nothing to convert with. Several processes may call it at
    once: one fetches, the others wait.

    Raises:
        FetchError: it cannot be had: unreachable, not there, of another hash, no room, not writable. The message names
            the file and says what to do.
    """
    path = fetched_path(store, name, row, file)
    if file.export is not None:
        made = onnx_path(store, name, row, file)
        if (stated := made_sha256(made)) is not None and hash_of(made) == stated:
            return Fetched(made, Way.THERE, str(store))
        if mirror is not None and (stated := _noted(mirror, made.name)) is not None:
            path, file = made, _file_of_a_store(made.name, stated)
    try:
        store.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            if hash_of(path) == file.sha256:
                return Fetched(path, Way.THERE, str(store))
            source = mirror.source(path.name, file) if mirror is not None else published(file, store)
            _check_room(store, path, file)
            _bring(source, path, file, watch)
            if path.suffix == ".onnx" and file.path is not None:
                note_made(path, file.sha256)
            return Fetched(path, Way.FETCHED, source.origin)
    except OSError as error:
        raise _cannot_write(error, path, file) from error


def note_made(path: Path, sha256: str) -> None:
    """Notes the hash of a converted file, as `sha256sum` writes and checks it."""
    made_note(path).write_text(f"{sha256}  {path.name}\n", encoding="ascii")


def hash_of(path: Path) -> str | None:
    """The SHA-256 of a file; None if there is none."""
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _noted(mirror: Mirror, name: str) -> str | None:
    """The hash that a mirror has noted of a converted file; None if it has none."""
    note = made_note(Path(name)).name
    try:
        source = mirror.source(note, _file_of_a_store(note, "0" * 64))
        _, content = next(iter(source.chunks(0)))
    except (FetchError, StopIteration):
        return None
    return noted_hash(content[:NOTE_BYTES].decode("ascii", "replace"))


def _file_of_a_store(name: str, sha256: str) -> WeightsFile:
    """Stands for a file that only stores have, under its one name."""
    return WeightsFile.model_construct(path=name, sha256=sha256)


def _bring(source: Source, path: Path, file: WeightsFile, watch: Watch) -> None:
    part = path.with_name(path.name + PART)
    resumed = part.exists() and part.stat().st_size > 0
    try:
        _receive(source, part, path, file, watch)
    except WrongContentError:
        if not resumed:
            raise
        # What lay there from before was of something else: once more from the beginning.
        _receive(source, part, path, file, watch)
    finally:
        if part.exists() and part.stat().st_size == 0:
            part.unlink()
    part.replace(path)
    _sync_folder(path.parent)


def _receive(source: Source, part: Path, path: Path, file: WeightsFile, watch: Watch) -> None:
    """Fills the part and checks it; one that is wrong is removed."""
    try:
        with part.open("r+b" if part.exists() else "w+b") as target:
            _append(source, target, path.name, file, watch)
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            # A full disk stops the box's events too, and the beginning of a file is cheap to fetch again.
            part.unlink(missing_ok=True)
        raise
    found = hash_of(part)
    if found != file.sha256:
        said = _what_came(part, file)
        part.unlink(missing_ok=True)
        raise WrongContentError(
            f"{path.name}: {source.origin} gave {said} with sha256 {found}, expected {file.sha256}; "
            "it was thrown away. Try again, or another mirror: --mirror"
        )


def _append(source: Source, target: IO[bytes], name: str, file: WeightsFile, watch: Watch) -> None:
    most = file.bytes if file.bytes is not None else MAX_FILE_BYTES
    have = target.seek(0, os.SEEK_END)
    if have > most:
        have = 0
    watch(Progress(name, source.origin, have, file.bytes))
    for at, chunk in source.chunks(have):
        if at != target.tell():
            # The source could not go on where we were, and began anew.
            target.seek(at)
            target.truncate()
        if at + len(chunk) > most:
            target.seek(0)
            target.truncate()
            raise WrongContentError(f"{name}: {source.origin} gives more than {most} bytes: it is another file")
        target.write(chunk)
        watch(Progress(name, source.origin, target.tell(), file.bytes))


def _what_came(part: Path, file: WeightsFile) -> str:
    size = part.stat().st_size
    with part.open("rb") as content:
        page = content.read(64).lstrip().lower().startswith((b"<!doctype", b"<html"))
    if page:
        return f"a web page of {size} bytes (a proxy or a sign-in page that answers in its place?)"
    return f"{size} bytes" + ("" if file.bytes in {None, size} else f" instead of {file.bytes}")


def _check_room(store: Path, path: Path, file: WeightsFile) -> None:
    part = path.with_name(path.name + PART)
    have = part.stat().st_size if part.exists() else 0
    needed = max(0, (file.bytes or 0) - have) + SPARE_BYTES
    free = shutil.disk_usage(store).free
    if free < needed:
        raise FetchError(
            f"{path}: needs {needed / 1e6:.0f} MB with what must stay free, found {free / 1e6:.0f} MB in {store}; make "
            "room, or choose another folder: --store (and inference.store in the configuration)"
        )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with (path.parent / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync_folder(folder: Path) -> None:
    """So that the new name survives a power cut as the content does."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(error: OSError, path: Path, file: WeightsFile) -> FetchError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        size = "" if file.bytes is None else f" of {file.bytes / 1e6:.1f} MB"
        return FetchError(f"{path}: the disk is full: no room for a file{size}; make room and fetch again")
    return FetchError(f"{path}: cannot be written: {error.strerror or error}; choose another folder: --store")
