"""What `gridsentry-models` says in one line instead of a trace."""

from __future__ import annotations


class ModelsError(Exception):
    """An expected fault; the message names file or field, what was found, what was expected and what to do."""
