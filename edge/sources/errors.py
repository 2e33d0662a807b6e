"""What goes wrong between us and a camera, and how to say it without giving a password away."""

from __future__ import annotations

import re

_USER_INFO = re.compile(r"(?<=://).*@", re.DOTALL)
"""Up to the last `@`: a password may itself hold `@`, `/`, `:` or a line break. Hiding too much is the safe mistake."""
_SECRET_VALUE = re.compile(r"((?:pass(?:word|wd)?|pwd|token|secret|key|auth|sig(?:nature)?)=)[^&;/\s]+", re.IGNORECASE)
"""Some makers put credentials into the path or query: `/user=admin&password=…`."""


class SourceError(Exception):
    """A source cannot be opened, is broken, or has ended though it should not. The message is fit for people.

    It names the source (credentials hidden), says what was found and what to do.
    """


class StreamChangedError(SourceError):
    """The stream has become another one (size, codec, or the one that serves best): open it again at once."""


class AcceleratorError(SourceError):
    """The accelerator cannot decode this stream: open it again at once, without it."""


def redact_url(url: str) -> str:
    """`url` with credentials replaced by `***`. Works on garbage too: it never raises.

    >>> redact_url("rtsp://admin:s3cret@10.0.0.7:554/live")
    'rtsp://***@10.0.0.7:554/live'
    """
    return _SECRET_VALUE.sub(r"\1***", _USER_INFO.sub("***@", url))
