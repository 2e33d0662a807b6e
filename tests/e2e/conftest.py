"""The real programs, started for one test in a folder of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.line import Line, prepared_line


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """A line that is set up but not started."""
    with prepared_line(tmp_path) as prepared:
        yield prepared
