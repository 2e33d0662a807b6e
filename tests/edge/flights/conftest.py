"""Small generated flights that several tests look at. Read-only: copy what you change."""

from __future__ import annotations

from pathlib import Path

import pytest

from samples.town import GNSS, Plan, TownPair, make_pair
from samples.town.stills import write_stills
from samples.town.video import write_video


@pytest.fixture(scope="session")
def town() -> TownPair:
    return make_pair(6, 130.0, plan=Plan(320, 240, 0.3), noise=GNSS, changes=4)


@pytest.fixture(scope="session")
def flown_stills(town: TownPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve stills of two lines, 50 m up."""
    folder = tmp_path_factory.mktemp("flown") / "stills"
    write_stills(folder, town.truth.after, only=range(12))
    return folder


@pytest.fixture(scope="session")
def flown_video(town: TownPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of H.264, a key frame each second, with DJI's subtitles beside it."""
    path = tmp_path_factory.mktemp("flown") / "DJI_0001.MP4"
    write_video(path, town.truth.after, 10, 4)
    return path
