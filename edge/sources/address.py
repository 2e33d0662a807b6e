"""Addresses with the credentials that only the opening of a source may see."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from edge.sources.errors import SourceError


def with_credentials(url: str, username: str | None, password: str) -> str:
    """`url` with name and password, percent-encoded; unchanged without a name."""
    if username is None:
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user_info = f"{quote(username, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user_info}@{host}"))


def password_in(path: Path | None) -> str:
    """The password in a file; nothing without a file.

    Raises:
        SourceError: it cannot be read, is empty, or holds more than a line.
    """
    if path is None:
        return ""
    try:
        lines = path.read_text(encoding="utf-8").strip("\r\n").splitlines()
    except OSError as error:
        raise SourceError(f"{path}: the camera's password cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise SourceError(f"{path}: the camera's password cannot be read: it is not UTF-8") from None
    if len(lines) != 1 or not lines[0]:
        raise SourceError(f"{path}: found {len(lines)} lines, expected the camera's password in one line")
    return lines[0]
