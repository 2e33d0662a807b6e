"""Passwords: which are good enough, and how they are kept (argon2id, RFC 9106)."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD_CHARACTERS = 10
DEMO_PASSWORDS = {"operator": "operator-demo", "admin": "admin-demo"}
"""The demo's accounts. Refused everywhere else."""

_WEAK = {"password12", "password123", "1234567890", "0123456789", "qwertyuiop", "administrator", "gridsentry"}
_hasher = PasswordHasher()
# A hash takes 64 MiB and tens of milliseconds: a flood of sign-ins must not take the machine.
_hashing = threading.BoundedSemaphore(4)
_NOBODY = _hasher.hash("nobody has this password")
"""Verified for names that do not exist, so that the answer takes as long."""


class WeakPasswordError(ValueError):
    """The password cannot be used; the message says what would do."""


def check_strength(username: str, password: str) -> None:
    """Refuses passwords that anybody would try first.

    Raises:
        WeakPasswordError: with the reason.
    """
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise WeakPasswordError(
            f"the password has {len(password)} characters, expected at least {MIN_PASSWORD_CHARACTERS}"
        )
    if password in DEMO_PASSWORDS.values():
        raise WeakPasswordError("this is a password of the demo: everybody knows it; choose another")
    folded = password.casefold()
    if folded in _WEAK or len(set(folded)) < 4 or folded.replace(username.casefold(), "") in ("", "123", "1234"):
        raise WeakPasswordError("this password is among the first that anybody would try; choose another")


def hash_password(password: str) -> str:
    """The argon2id hash with its parameters."""
    with _hashing:
        return _hasher.hash(password)


def password_fits(password: str, password_hash: str | None) -> bool:
    """Whether the password belongs to the hash. None (no such account) takes as long and never fits."""
    with _hashing:
        try:
            _hasher.verify(password_hash or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None
