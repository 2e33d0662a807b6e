"""What goes wrong while models are made: named for the person who must put it right."""

from __future__ import annotations

from models.errors import ModelsError


class RecipeError(ModelsError):
    """A recipe, or what it is asked for, cannot be. The message names file and field, and what was expected."""


class TrainingError(ModelsError):
    """Something did not work out: a library that is missing, a file that is not there, weights that differ."""


class MissingLibraryError(TrainingError):
    """A library of an optional extra is not installed."""

    def __init__(self, library: str, use: str) -> None:
        super().__init__(
            f"{use} needs {library}, which is not installed: pip install 'gridsentry[edge,train]' "
            "(about 6 GB; best in an environment of its own)"
        )
