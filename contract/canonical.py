"""Canonical JSON (RFC 8785) and its hash: one value, one byte string, one name."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


class CanonicalError(ValueError):
    """The value has no canonical form: NaN, infinity, an integer beyond 2**53 or something that is not JSON."""


def canonical_bytes(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value, UTF-8.

    Raises:
        CanonicalError: with what could not be written.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise CanonicalError(f"no canonical JSON for this value: {error}") from error


def sha256_hex(content: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
