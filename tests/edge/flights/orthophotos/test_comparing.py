"""A flight compared with an orthophoto and a model of its surface: what rose and sank, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.affinity

from edge.flights.differing import Difference, DifferenceKind, Differences
from edge.flights.orthophotos.comparing import differences_from
from edge.flights.orthophotos.errors import OrthophotoError
from edge.flights.orthophotos.orthophoto import orthophoto_at
from edge.flights.orthophotos.settings import OrthophotoSettings
from tests.edge.flights.drawn import HOUSES, SHED, eyes_over, flown, overlap
from tests.edge.flights.orthophotos.drawn import heights_of, picture_of, write
from tests.edge.vision.surface.scenes import Scene

BEFORE, AFTER = Scene(HOUSES, seed=1), Scene((*HOUSES, SHED), seed=2)
UTM, GAUSS = 32650, 4548
BIAS = (1.5, -1.0, 0.8)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """before.tif and dsm.tif, each in its own coordinate system, heights above another datum; bare.tif of the ground
    alone; after.tif, dsm-after.tif."""
    folder = tmp_path_factory.mktemp("orthophotos")
    for name, scene in (("before", BEFORE), ("after", AFTER)):
        write(folder / f"{name}.tif", picture_of(scene), 0.12, epsg=UTM, tiled=True, nodata=None)
    write(folder / "dsm.tif", heights_of(BEFORE, up_m=412.0), 0.5, epsg=GAUSS, nodata=0)
    write(folder / "dsm-after.tif", heights_of(AFTER, up_m=-20.0), 0.5)
    write(folder / "bare.tif", heights_of(Scene(), up_m=30.0), 0.5)
    return folder


def compared(files: Path, scene: Scene = AFTER, *, before: str = "before", surface: str | None = "dsm", **flight: object
             ) -> Differences:  # fmt: skip
    settings = OrthophotoSettings(surface=None if surface is None else files / f"{surface}.tif")
    newer = flown(scene, name="after", seed=2, bias=BIAS, **flight)  # type: ignore[arg-type]
    return differences_from(orthophoto_at(files / f"{before}.tif", settings), newer)


def likely(found: Differences) -> list[Difference]:
    return [each for each in found.found if each.confidence >= 0.5]


@pytest.fixture(scope="module")
def with_heights(files: Path) -> Differences:
    return compared(files)


def test_a_new_shed_is_found_where_the_orthophoto_has_it(with_heights: Differences) -> None:
    assert [each.kind for each in likely(with_heights)] == [DifferenceKind.ROSE]
    shed = likely(with_heights)[0]
    assert overlap(shed.outline_m, SHED.outline) > 0.6, "the flight is off by its bias, the orthophoto is not"
    assert shed.gain_m == pytest.approx(3.0, abs=0.3)
    assert with_heights.pairs == (0, 6)
    assert with_heights.examined.intersection(SHED.outline).area > 0.9 * SHED.outline.area


def test_heights_of_another_datum_are_laid_on_each_other(with_heights: Differences) -> None:
    assert with_heights.shifts is not None
    east, north, up = with_heights.shifts.at(np.zeros((1, 2)))[0]
    assert (east, north) == (pytest.approx(BIAS[0], abs=0.7), pytest.approx(BIAS[1], abs=0.7))
    assert up == pytest.approx(BIAS[2] - 412.0, abs=1.0)
    assert with_heights.residual_m < 0.2


def test_the_place_is_shown_before_and_after(with_heights: Differences) -> None:
    shed = likely(with_heights)[0]
    before, after = (with_heights.shown(shed, newer=newer, margin_m=3.0) for newer in (False, True))
    assert before is not None and after is not None
    assert before.shape == after.shape
    middle = before.shape[0] // 2, before.shape[1] // 2
    around = np.s_[middle[0] - 10 : middle[0] + 10, middle[1] - 10 : middle[1] + 10]
    assert after[around].reshape(-1, 3).mean(axis=0) == pytest.approx(SHED.colour, abs=15)
    ground = before[around].reshape(-1, 3).mean(axis=0)
    assert abs(ground[0] - ground[2]) < 30, "ground is grey"
    assert ground.mean() > 60, "and not what lies beyond the file"


def test_where_nothing_was_built_nothing_is_told(files: Path) -> None:
    assert likely(compared(files, BEFORE)) == []


def test_what_was_taken_away_sank(files: Path) -> None:
    found = compared(files, BEFORE, before="after", surface="dsm-after")
    assert [each.kind for each in likely(found)] == [DifferenceKind.SANK]
    assert overlap(likely(found)[0].outline_m, SHED.outline) > 0.6


def test_ground_that_the_orthophoto_does_not_show_is_not_examined(files: Path, tmp_path: Path) -> None:
    picture = picture_of(BEFORE)
    picture[:, :, picture.shape[2] // 2 :] = 0
    write(tmp_path / "half.tif", picture, 0.12, nodata=0)
    (tmp_path / "dsm.tif").write_bytes((files / "dsm.tif").read_bytes())
    found = compared(tmp_path, before="half")
    assert likely(found) == [], "the shed stands in the other half"
    assert not found.examined.is_empty
    assert found.examined.bounds[2] < 1.5


def test_a_model_of_the_bare_ground_is_refused(files: Path) -> None:
    with pytest.raises(OrthophotoError, match=r"bare\.tif: .*DSM.*leave it away"):
        compared(files, surface="bare", eyes=eyes_over()[:3])


def test_a_model_of_other_ground_is_refused(files: Path, tmp_path: Path) -> None:
    (tmp_path / "before.tif").write_bytes((files / "before.tif").read_bytes())
    write(tmp_path / "far.tif", heights_of(BEFORE), 0.5, edges=(5000, 5000, 5128, 5096))
    with pytest.raises(OrthophotoError, match=r"far\.tif: found no height .*longitude"):
        compared(tmp_path, surface="far")


def test_too_coarse_a_model_and_one_of_colours_are_refused(files: Path, tmp_path: Path) -> None:
    (tmp_path / "before.tif").write_bytes((files / "before.tif").read_bytes())
    write(tmp_path / "coarse.tif", heights_of(BEFORE, 2.0), 2.0)
    with pytest.raises(OrthophotoError, match=r"coarse\.tif: found heights 2 m apart, expected 1 m or finer"):
        compared(tmp_path, surface="coarse")
    with pytest.raises(OrthophotoError, match=r"before\.tif: found 3 bands, expected one of heights"):
        compared(tmp_path, surface="before")


def test_a_flight_of_one_picture_is_said(files: Path) -> None:
    found = compared(files, eyes=eyes_over()[:1])
    assert found.shifts is None
    assert "no two pictures" in found.refused[0].why
    empty = compared(files, eyes=[])
    assert (empty.found, empty.shifts, empty.refused) == ((), None, ())


def test_known_buildings_move_what_is_badly_placed(files: Path) -> None:
    known = [shapely.affinity.translate(box.outline, 1.6, -0.7) for box in HOUSES]
    newer = flown(AFTER, name="after", seed=2, bias=BIAS)
    vague = OrthophotoSettings(surface=files / "dsm.tif", sigma_m=2.0)
    found = differences_from(orthophoto_at(files / "before.tif", vague), newer, known=known)
    assert found.anchor is not None
    assert found.moved == pytest.approx((1.6, -0.7), abs=0.5)
