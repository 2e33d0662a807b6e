"""What tests of made fires share."""

from __future__ import annotations

import pytest

from samples.fire import bank


@pytest.fixture
def one_recipe_of_gas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each recipe of gas takes a second to simulate; one of each is enough here."""
    monkeypatch.setattr(bank, "FLAMES", 1)
    monkeypatch.setattr(bank, "PLUMES", 1)
