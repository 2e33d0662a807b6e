"""What goes wrong with data: named for the person who must put it right."""

from __future__ import annotations

from models.errors import ModelsError


class DataError(ModelsError):
    """A manifest, a picture or a label file is not what was expected. The message says which, and what to do."""
