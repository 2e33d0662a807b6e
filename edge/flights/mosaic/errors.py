"""What stops a mosaic."""

from __future__ import annotations


class MosaicError(Exception):
    """No mosaic can be made, or not be written: the message says what was found and what to do."""
