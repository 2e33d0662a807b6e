"""A device's Ed25519 key: made on the device, never leaves it."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class KeyFileError(ValueError):
    """A key file that cannot be used, with the remedy."""


def load_or_create_key(path: Path) -> Ed25519PrivateKey:
    """The device's key; made on the first call, readable by its owner alone.

    Raises:
        KeyFileError: the file holds something else. It is never overwritten: that would orphan the chain.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return _create(path)
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except ValueError as error:
        raise KeyFileError(f"{path}: not a PEM private key ({error}); restore it from a backup") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: holds a {type(key).__name__}, expected an Ed25519 private key")
    return key


def public_key_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """The raw public key, base64: 44 characters."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return base64.b64encode(public.public_bytes_raw()).decode()


def parse_public_key(text: str) -> Ed25519PublicKey:
    """The inverse of public_key_text.

    Raises:
        ValueError: not 32 bytes in base64.
    """
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))


def _create(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed: a power cut leaves either no key or a whole one.
    aside = path.with_suffix(".new")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    return key
