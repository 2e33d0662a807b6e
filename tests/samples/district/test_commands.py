"""The commands do what their help says."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.image import imread
from shapely import LineString, box

from samples.district.__main__ import main
from samples.district.catalogue import load_catalogue
from samples.district.partition import PartitionError, cut_along
from samples.district.picture import main as picture


def test_main_writes_and_lists_the_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "11", "--out", str(tmp_path / "new" / "folder")]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 5
    assert all(Path(line.split("  ")[0]).is_file() for line in listed)
    assert "--seed 11" in (tmp_path / "new" / "folder" / "README.md").read_text("utf-8")


def test_main_without_a_folder_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    assert "--out" in capsys.readouterr().err


def test_picture_shows_land_and_compounds(tmp_path: Path) -> None:
    path = tmp_path / "district.png"
    assert picture([str(path)]) == 0
    pixels = imread(path)[..., :3]
    assert pixels.shape == (1500, 1600, 3)
    white = (pixels > 0.99).all(axis=-1).mean()
    assert 0.15 < white < 0.6, "land covers most of the picture, and the rim is white"
    red = ((pixels[..., 0] > 0.7) & (pixels[..., 1] < 0.35) & (pixels[..., 2] < 0.25)).mean()
    assert red > 0.002, "special grids are drawn"


def test_a_line_that_misses_the_land_is_refused() -> None:
    with pytest.raises(PartitionError, match="1 pieces, expected 2"):
        cut_along(box(0, 0, 10, 10), LineString([(20, -5), (20, 15)]))


def test_an_unknown_field_in_the_catalogue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    text = Path(load_catalogue.__code__.co_filename).with_name("catalogue.yaml").read_text("utf-8")
    path.write_text(text.replace("severity: red", "severty: red", 1), "utf-8")
    with pytest.raises(ValueError, match="severty"):
        load_catalogue(path)
