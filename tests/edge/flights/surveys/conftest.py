"""Small flights over one town on three days. Read-only: copy what you change."""

from __future__ import annotations

from pathlib import Path

import pytest

from samples.town import TownPair
from samples.town.stills import write_stills

DAYS = ("before", "after", "again")


@pytest.fixture(scope="session")
def days(town: TownPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `before`, `after` and `again` with four small stills each, months and days apart."""
    folder = tmp_path_factory.mktemp("days")
    for name, flown in zip(DAYS, (town.truth.before, town.truth.after, town.truth.again), strict=True):
        write_stills(folder / name, flown, only=range(4))
        flown.forget()
    return folder
