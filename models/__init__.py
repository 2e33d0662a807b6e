"""Weights that this project trained itself, and the recipes that made them.

A data package: it imports nothing of ours and, apart from the recipes that are run by hand, nothing but the standard
library. Each model has a folder with its `card.md`: data, licence, figures, limits.
"""

from __future__ import annotations

from pathlib import Path

_WEIGHTS = {"signal_heads": "signal_heads/signal_heads.onnx"}


def weights(name: str) -> Path:
    """The file with a model's weights, in this installation.

    Raises:
        KeyError: there is no model of that name.
        FileNotFoundError: the file is not there: the installation is damaged or was made without the weights.
    """
    if name not in _WEIGHTS:
        raise KeyError(f"models: found no model {name!r}, expected one of {', '.join(sorted(_WEIGHTS))}")
    path = Path(__file__).parent / _WEIGHTS[name]
    if not path.is_file():
        raise FileNotFoundError(f"{path}: the weights of {name} are missing; install gridsentry again")
    return path
