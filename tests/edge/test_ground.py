"""The ground of a camera: from settings to places, what is refused, and what `check` says of it."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contract.geometry import LocationMethod, Point, distance_m, offset
from edge.assembly import picture_problems
from edge.checks import Finding, Grade, findings
from edge.config.document import config_from_text, load_config_with_lines
from edge.config.ground import GroundSettings
from edge.config.problems import ConfigError
from edge.config.sources import CameraSource, config_sha256
from edge.detectors.registry import PictureSize
from edge.ground import CalibratedGround, described_fit, ground_of
from tests.edge.video import record
from tests.edge.vision.test_ground import PLACES, pixel

ORIGIN = Point(coordinates=(113.62, 34.75))
FULL = PictureSize(1920, 1080)


def points(count: int = 5, **moved_m: float) -> list[dict[str, Any]]:
    """Calibration points of the camera in `tests.edge.vision.test_ground`; `p3=4`: the fourth lies 4 m east of it."""
    made = []
    for number, place in enumerate(PLACES[:count]):
        at = offset(ORIGIN, place[0] + moved_m.get(f"p{number}", 0.0), place[1])
        made.append({"pixel": list(pixel(*place)), "lon": at.longitude, "lat": at.latitude})
    return made


def settings(count: int = 5, *, accuracy_m: float = 1.0, **moved_m: float) -> GroundSettings:
    return GroundSettings.model_validate({"points": points(count, **moved_m), "accuracy_m": accuracy_m})


def test_a_pixel_becomes_a_place_with_its_accuracy() -> None:
    ground = CalibratedGround(settings())
    for place in ((0.0, 15.0), (4.0, 25.0)):
        found = ground.at(*pixel(*place))
        assert found is not None
        assert distance_m(found.point, offset(ORIGIN, *place)) < 0.01
        assert found.method is LocationMethod.HOMOGRAPHY
        assert 1.0 <= found.accuracy_m < 3.0, "never better than the map that the points are of"
    assert ground.at(960, -200) is None, "above the horizon"


def test_places_that_nobody_knows_are_not_given() -> None:
    far = pixel(0.0, 90.0)
    wide = CalibratedGround(settings())
    known = wide.at(*far)
    assert known is not None
    strict = CalibratedGround(wide.settings.model_copy(update={"max_accuracy_m": known.accuracy_m / 2}))
    assert strict.at(*far) is None
    assert strict.at(*pixel(0.0, 15.0)) is not None


def test_a_sub_stream_has_the_same_ground() -> None:
    main = ground_of(settings(), FULL, FULL)
    squeezed = ground_of(settings(), FULL, PictureSize(704, 576))
    assert main is not None
    assert squeezed is not None
    x, y = pixel(3.0, 20.0)
    one, other = main.at(x, y), squeezed.at(x * 704 / 1920, y * 576 / 1080)
    assert one is not None
    assert other is not None
    assert distance_m(one.point, other.point) < 0.01
    assert one.accuracy_m == pytest.approx(other.accuracy_m)
    wide, narrow = main.metres_per_pixel(x, y), squeezed.metres_per_pixel(x * 704 / 1920, y * 576 / 1080)
    assert wide is not None
    assert narrow == pytest.approx(wide * 1920 / 704)


def test_a_drill_may_copy_a_detector_that_holds_it() -> None:
    ground = CalibratedGround(settings())
    assert copy.deepcopy(ground).at(*pixel(0.0, 15.0)) == ground.at(*pixel(0.0, 15.0))


def swapped() -> list[dict[str, Any]]:
    made = points(4)
    made[0]["pixel"], made[1]["pixel"] = made[1]["pixel"], made[0]["pixel"]
    made[2]["pixel"], made[3]["pixel"] = made[3]["pixel"], made[2]["pixel"]
    return made


def exchanged() -> list[dict[str, Any]]:
    made = points(4)
    made[2]["lon"], made[2]["lat"] = 34.75, 34.75
    return made


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (points(3), "at least 4"),
        (swapped(), "mirrored or twisted"),
        (exchanged(), "are lon and lat exchanged"),
        ([points(1)[0]] * 4, "on a line"),
    ],
    ids=["three", "mirrored", "lon_lat", "one_place"],
)
def test_what_cannot_be_a_ground_is_refused(given: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        GroundSettings.model_validate({"points": given})


CONFIG = """
device: {{id: box-1, state_dir: state}}
sources:
  gate:
    kind: camera
    location: {{lon: 113.62, lat: 34.75, accuracy_m: 20}}
    input: {{type: file, path: gate.mp4}}
    ground:
      accuracy_m: 1
      points:
{points}
"""


def config_text(given: list[dict[str, Any]]) -> str:
    return CONFIG.format(points="\n".join(f"      - {point}" for point in given).replace("'", ""))


def ground_findings(folder: Path, given: list[dict[str, Any]]) -> list[Finding]:
    path = folder / "edge.yaml"
    path.write_text(config_text(given))
    config, parsed = load_config_with_lines(path)
    return [one for one in findings(path, config, parsed, online=False) if "ground" in one.message]


def test_check_tells_how_well_the_points_agree(tmp_path: Path) -> None:
    record(tmp_path / "gate.mp4", seconds=0.3, size=(1920, 1080))
    (agree,) = ground_findings(tmp_path, points(6))
    assert agree.grade is Grade.FINE
    assert "6 points agree (residual 0.00 m" in agree.message
    (four,) = ground_findings(tmp_path, points(4))
    assert "fit always: a fifth would tell" in four.message
    (wrong,) = ground_findings(tmp_path, points(6, p5=8.0))
    assert wrong.grade is Grade.WARNING
    assert "6 points contradict each other" in wrong.message
    assert "without points[5] " in wrong.message


def test_check_names_maps_that_are_displaced(tmp_path: Path) -> None:
    """A point of a Chinese map that was taken for WGS-84."""
    record(tmp_path / "gate.mp4", seconds=0.3, size=(1920, 1080))
    displaced = [{**point, "lon": point["lon"] + 0.006, "lat": point["lat"] - 0.0015} for point in points(5)]
    _, far = ground_findings(tmp_path, displaced)
    assert far.grade is Grade.WARNING
    assert "GCJ-02" in far.message


def test_check_names_points_outside_of_the_picture(tmp_path: Path) -> None:
    record(tmp_path / "gate.mp4", seconds=0.3, size=(640, 360))
    (*problems,) = ground_findings(tmp_path, points(4))
    assert problems
    assert all(one.grade is Grade.PROBLEM for one in problems)
    line = config_text(points(4)).splitlines().index(f"      - {points(4)[0]}".replace("'", "")) + 1
    assert f"edge.yaml:{line}: sources.gate.ground.points[0].pixel: found [" in problems[0].message


def test_a_faulty_ground_is_named_by_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"edge.yaml:\d+: sources.gate.ground: .*mirrored or twisted"):
        config_from_text(config_text(swapped()), tmp_path / "edge.yaml")


def test_the_ground_shapes_events_and_is_in_their_hash(tmp_path: Path) -> None:
    config = config_from_text(config_text(points(4)), tmp_path / "edge.yaml")
    source = config.sources["gate"]
    assert isinstance(source, CameraSource)
    bare = source.model_copy(update={"ground": None})
    assert config_sha256(source, config.evidence) != config_sha256(bare, config.evidence)
    assert not picture_problems(bare, PictureSize(640, 360))
    assert picture_problems(source, PictureSize(640, 360))


def test_those_are_named_without_whom_the_others_agree() -> None:
    """The fit is drawn towards a wrong point: others lie farther off than it does."""
    ground = CalibratedGround(settings(6, p2=10.0))
    worst = max(range(6), key=lambda index: ground.fit.residuals[index].deviations)
    assert worst != 2
    assert "without points[2] " in described_fit(ground)
    assert "the others agree" in described_fit(ground)
    five = CalibratedGround(settings(5, p2=10.0))
    assert "contradict each other" in described_fit(five)
    assert "is off most" in described_fit(five), "any four agree"
    assert math.isfinite(ground.fit.misfit)
