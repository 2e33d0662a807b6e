"""What can go wrong with a model. It costs that model, and nothing else."""

from __future__ import annotations


class ModelError(Exception):
    """A model cannot be used: which file, what was found, what was expected and what to do."""


class UnknownModelError(ModelError):
    """A detector asks for a model that the configuration does not list."""
