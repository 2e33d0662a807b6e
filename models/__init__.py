"""The house where models live: the registry, weights that this project trained itself, and the recipes that made them.

It imports nothing of ours. Each model of ours has a folder with its `card.md`: data, licence, figures, limits.
`registry.yaml` has a row for every model, also for those of others, which are fetched.
"""

from __future__ import annotations

from pathlib import Path


def weights(name: str) -> Path:
    """The file with a model's weights, in this installation.

    Raises:
        KeyError: there is no model of that name with weights in the house.
        FileNotFoundError: the file is not there: the installation is damaged or was made without the weights.
    """
    from models.registry import load

    rows = load().models
    inside = {key: row.file().path for key, row in rows.items()}
    path = inside.get(name)
    if path is None:
        known = ", ".join(sorted(key for key, one in inside.items() if one is not None))
        raise KeyError(f"models: found no model {name!r} in the house, expected one of {known}")
    found = Path(__file__).parent / path
    if not found.is_file():
        raise FileNotFoundError(f"{found}: the weights of {name} are missing; install gridsentry again")
    return found
