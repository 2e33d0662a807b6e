"""The append-only, hash-chained log of who did what."""

from server.audit.service import append, verify

__all__ = ["append", "verify"]
