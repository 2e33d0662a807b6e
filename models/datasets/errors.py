"""What goes wrong with data: named for the person who must put it right."""

from __future__ import annotations


class DataError(Exception):
    """A manifest, a picture or a label file is not what was expected. The message says which, and what to do."""
