"""What the hardship tests share: cameras' pictures, encoded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.hardship.farm import missing, record_street, write_units


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For recordings; skips where there is no RTSP server."""
    problem = missing()
    if problem is not None:
        pytest.skip(problem)
    return tmp_path_factory.mktemp("farm")


@pytest.fixture(scope="session")
def street(folder: Path) -> Path:
    """640 x 360 at 10 frames a second."""
    return write_units(record_street(folder / "street.mp4"), folder / "street.units")


@pytest.fixture(scope="session")
def larger_street(folder: Path) -> Path:
    """800 x 448 at 10 frames a second."""
    return write_units(record_street(folder / "larger.mp4", size=(800, 448)), folder / "larger.units")
