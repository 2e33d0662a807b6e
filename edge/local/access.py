"""Who may see the box: its owner, who holds the token that lies in the state folder.

The token goes with each request (`Authorization: Bearer`), or once through the sign-in form, which answers with a
cookie. Cookies are stateless: an expiry and its HMAC under a key made from the token. A new token ends them all.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import structlog

TOKEN_NAME = "local.token"  # noqa: S105 - a file's name
TOKEN_BYTES = 32
MIN_TOKEN_LENGTH = 20
"""Of a token that somebody wrote into the file: 20 letters and digits are beyond guessing, a word is not."""
SESSION_SECONDS = 12 * 3600
"""A working day: whoever left a browser open in a van does not keep the box open for ever."""
WRONG_A_MINUTE = 10
"""From one address. A person mistypes a few times; a guesser needs more than the life of the box for 256 bits, this
keeps him from the log and the processor too."""
KNOWN_ADDRESSES = 1024

log = structlog.get_logger("local")


class AccessError(Exception):
    """The token file cannot be used. The message names it and says what to do."""


class Owner:
    """The box's owner, known by the token in `state_dir/local.token`. Safe for several threads.

    The file is made when it is missing, and read anew when it has changed.
    """

    def __init__(self, state_dir: Path, wall_seconds: Callable[[], float] = time.time) -> None:
        self.path = state_dir / TOKEN_NAME
        self._wall_seconds = wall_seconds
        self._lock = threading.Lock()
        self._token = b""
        self._seen: tuple[int, int, int] | None = None

    def load(self) -> None:
        """Reads the token, or makes one.

        Raises:
            AccessError: the file cannot be read, written or used.
        """
        with self._lock:
            self._refresh()

    def knows_token(self, candidate: str) -> bool:
        """Whether `candidate` is the token; takes the same time for any wrong one."""
        token = self._current()
        return hmac.compare_digest(_digest(token), _digest(candidate.encode("utf-8", "replace"))) and bool(token)

    def new_session(self) -> str:
        """The value of a fresh cookie."""
        told = f"{int(self._wall_seconds()) + SESSION_SECONDS}.{secrets.token_urlsafe(12)}"
        return f"{told}.{self._sign('session', told)}"

    def knows_session(self, cookie: str) -> bool:
        """Whether the cookie is one of ours and has not expired."""
        told, _, signature = cookie.rpartition(".")
        expires = told.partition(".")[0]
        # The signature first: what it covers was written by us, and is a number.
        signed = hmac.compare_digest(self._sign("session", told), signature.encode("ascii", "replace").decode())
        return signed and expires.isdecimal() and self._wall_seconds() < int(expires)

    def request_key(self, cookie: str) -> str:
        """What a page with this cookie sends beside each change (`X-Request-Key`): no foreign page can know it."""
        return self._sign("request", cookie)

    def knows_request_key(self, cookie: str, candidate: str) -> bool:
        return hmac.compare_digest(self.request_key(cookie), candidate.encode("ascii", "replace").decode())

    def _sign(self, purpose: str, text: str) -> str:
        token = self._current()
        if not token:
            return secrets.token_hex(32)  # nobody is the owner: a signature that nothing equals
        message = f"{purpose}\n{text}".encode("utf-8", "replace")
        return hmac.new(_digest(token), message, hashlib.sha256).hexdigest()

    def _current(self) -> bytes:
        """The token as the file has it; empty if the file cannot be used: then nobody is the owner."""
        with self._lock:
            try:
                self._refresh()
            except AccessError as error:
                log.error("nobody can sign in", reason=str(error))
                self._token, self._seen = b"", None
            return self._token

    def _refresh(self) -> None:
        try:
            if not self.path.exists():
                self._make()
            found = self.path.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen == self._seen:
                return
            if stat.S_IMODE(found.st_mode) & 0o077:
                self.path.chmod(0o600)
                log.warning("others could read the token, now only its owner can", path=str(self.path))
            token = self.path.read_bytes().strip()
        except OSError as error:
            raise AccessError(f"{self.path}: cannot be used: {error.strerror or error}") from error
        if len(token) < MIN_TOKEN_LENGTH:
            raise AccessError(
                f"{self.path}: found a token of {len(token)} characters, expected at least {MIN_TOKEN_LENGTH}; "
                "delete the file and a new one is made"
            )
        self._token, self._seen = token, seen

    def _make(self) -> None:
        # Written aside and linked: another reader never meets half a token, and an existing one is never replaced.
        draft = self.path.with_name(f"{TOKEN_NAME}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
        try:
            self.path.hardlink_to(draft)
        except FileExistsError:
            return
        finally:
            draft.unlink()
        log.info("made the token for the local page", path=str(self.path))


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(b"gridsentry local\n" + token).digest()


class WrongTokens:
    """Counts wrong tokens by address, and says who must wait. Bounded; for one thread."""

    def __init__(self, most: int = WRONG_A_MINUTE, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._monotonic = monotonic
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def must_wait(self, address: str) -> bool:
        """Whether the address has used up its tries of this minute."""
        began, count = self._wrong.get(address, (0.0, 0))
        return count >= self._most and self._monotonic() - began < 60

    def add(self, address: str) -> None:
        """A wrong token came from the address."""
        now = self._monotonic()
        began, count = self._wrong.pop(address, (now, 0))
        self._wrong[address] = (began, count + 1) if now - began < 60 else (now, 1)
        while len(self._wrong) > KNOWN_ADDRESSES:
            self._wrong.popitem(last=False)


def host_is_ours(host: str, names: frozenset[str]) -> bool:
    """Whether a request's `Host` is this box: an address, `localhost`, or a configured name.

    A foreign page can point its own *name* at the loopback; it cannot make a browser call that name an address.
    """
    name = _without_port(host.strip().lower())
    if name in names or name == "localhost":
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]
