"""The renderer: where things are drawn, that pictures can be made again, and what is asked of its arguments."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.geometry import Point
from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from samples.town.camera import Camera
from samples.town.clouds import under_clouds
from samples.town.ground import GROWING
from samples.town.layout import lay_out
from samples.town.render import Renderer
from samples.town.state import FlightState, Season
from samples.town.world import Building, Cover, Ground, Roof, Thing, ThingKind, Town, Tree

DAY = FlightState(seed=5, overcast=1.0, noise_sigma=0.0, jpeg_quality=None)
LENS = Lens(640, 480, 427.0, 427.0, 322.5, 238.0)
SMALL = LENS.scaled(320, 240)
BENT = replace(LENS, distortion=(-0.05, 0.02, 0.001, -0.0008, 0.0))


def _town(*buildings: Building, trees: tuple[Tree, ...] = ()) -> Town:
    return Town(1, 100.0, Point(coordinates=(113.6, 34.7)), Ground.ASPHALT, (), (), buildings, trees)


def _box(**changes: object) -> Building:
    given: dict[str, object] = {
        "key": 7, "east_m": 12.0, "north_m": -8.0, "length_m": 14.0, "width_m": 9.0, "turn": 0.4, "eaves_m": 9.0,
        "cover": Cover.STEEL_WHITE,
    }  # fmt: skip
    return Building(**{**given, **changes})  # type: ignore[arg-type]


def _corner_of(picture: np.ndarray, corner: Doubles, ahead: Doubles, back: Doubles) -> Doubles:
    """Where two edges meet: lines fitted to where the brightness changes most across each."""

    def edge_points(towards: Doubles, inner: Doubles) -> tuple[Doubles, Doubles]:
        direction = towards / np.linalg.norm(towards)
        normal = np.array((-direction[1], direction[0]))
        if normal @ inner > 0:
            normal = -normal
        points = []
        for along in np.linspace(0.25, 0.75, 25) * np.linalg.norm(towards):
            steps = np.linspace(-3, 3, 121)
            line = corner + direction * along + normal * steps[:, None]
            slope = np.abs(np.diff(np.convolve(_sampled(picture, line), np.ones(20) / 20, "same")))
            slope[:30] = slope[-30:] = 0
            points.append((line[:-1] * slope[:, None]).sum(axis=0) / slope.sum())
        fitted = np.array(points)
        return fitted.mean(axis=0), np.linalg.svd(fitted - fitted.mean(axis=0))[2][0]

    (a, d), (b, e) = edge_points(ahead, back), edge_points(back, ahead)
    lengths = np.linalg.solve(np.stack((d, -e), axis=1), b - a)
    return a + d * lengths[0]


def _sampled(picture: np.ndarray, points: Doubles) -> Doubles:
    low = np.floor(points).astype(int)
    share = points - low
    total = np.zeros(len(points))
    for x in (0, 1):
        for y in (0, 1):
            weight = np.abs(1 - x - share[:, 0]) * np.abs(1 - y - share[:, 1])
            total += weight * picture[low[:, 1] + y, low[:, 0] + x].mean(axis=-1)
    return total


@pytest.mark.parametrize("lens", [LENS, BENT], ids=["straight", "bent"])
@pytest.mark.parametrize(
    ("yaw", "pitch", "place"), [(0, -90, (0, 0)), (37, -90, (-9, 6)), (120, -72, (-20, 3)), (300, -80, (25, -30))]
)
def test_corners_of_a_roof_are_where_the_camera_sees_them(
    lens: Lens, yaw: float, pitch: float, place: tuple[float, float]
) -> None:
    building = _box()
    pose = Pose(place[0], place[1], 60.0, turned(yaw, pitch, 1.5))
    picture = Renderer(_town(building), DAY, 0.14).clean(lens, pose)
    corners = np.concatenate((building.corners(), np.full((4, 1), building.eaves_m)), axis=1)
    expected = lens.pixels(pose.to_camera(corners))
    assert (expected > 10).all() and (expected < (lens.width - 10, lens.height - 10)).all()
    for n in range(4):
        found = _corner_of(picture, expected[n], expected[(n + 1) % 4] - expected[n], expected[n - 1] - expected[n])
        assert np.hypot(*(found - expected[n])) < 0.5, n


def test_a_taller_house_leans_farther_from_the_middle() -> None:
    pose = Pose(0, 0, 60.0, turned(0, -90, 0))
    low, high = (Renderer(_town(_box(eaves_m=h)), DAY, 0.14).clean(LENS, pose) for h in (3.0, 18.0))
    places = [np.argwhere(picture.mean(axis=2) > 180).mean(axis=0) for picture in (low, high)]
    middle = np.array((238.0, 322.5))
    assert np.hypot(*(places[1] - middle)) > 1.2 * np.hypot(*(places[0] - middle))


def test_what_stands_before_a_house_hides_it_and_what_stands_behind_is_hidden() -> None:
    house = _box(east_m=25.0, north_m=0.0, turn=0.0, eaves_m=15.0, length_m=12.0, width_m=12.0)
    pose = Pose(0, 0, 60.0, turned(0, -90, 0))
    for east, hidden in ((17.0, False), (32.5, True)):
        shed = Building(9, east, 0.0, 2.0, 2.0, 0.0, 2.5, cover=Cover.STEEL_RED)
        picture = Renderer(_town(house, shed), DAY, 0.14).clean(LENS, pose)
        red = (picture[..., 2].astype(int) - picture[..., 0] > 60).sum()
        assert (red == 0) == hidden


@pytest.fixture(scope="module")
def town() -> Town:
    return lay_out(3, 120.0, "village")


def test_same_arguments_same_bytes(town: Town) -> None:
    pose = Pose(5, 3, 80.0, turned(20, -88, 0))
    state = FlightState(seed=4)
    first, second = (Renderer(town, state, 0.4).picture(SMALL, pose, 2) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != Renderer(town, state, 0.4).picture(SMALL, pose, 3).tobytes()


def test_pictures_do_not_depend_on_what_was_asked_before(town: Town) -> None:
    state = FlightState(seed=4)
    used = Renderer(town, state, 0.4)
    for east in (-30.0, 40.0):
        used.picture(SMALL, Pose(east, 10, 80.0, turned(100, -90, 0)))
    pose = Pose(5, 3, 80.0, turned(20, -88, 0))
    assert used.picture(SMALL, pose).tobytes() == Renderer(town, state, 0.4).picture(SMALL, pose).tobytes()


def test_ground_and_houses_that_did_not_change_look_the_same_in_the_same_light(town: Town) -> None:
    stony = tuple(patch for patch in town.patches if patch.ground not in GROWING)
    calm = replace(town, trees=(), stands=(), patches=stony, base=Ground.ASPHALT)
    pose = Pose(0, 0, 80.0, turned(0, -90, 0))
    one, two = (
        Renderer(calm, FlightState(seed=seed, noise_sigma=0.0, jpeg_quality=None), 0.2).clean(LENS, pose)
        for seed in (1, 2)
    )
    assert np.array_equal(one, two)


def test_seasons_colour_what_grows_and_not_the_roads() -> None:
    town = replace(_town(), base=Ground.GRASS)
    pose = Pose(0, 0, 80.0, turned(0, -90, 0))
    summer, winter = (
        Renderer(town, replace(DAY, season=season), 0.2).clean(LENS, pose).mean(axis=(0, 1))
        for season in (Season.SUMMER, Season.WINTER)
    )
    assert summer[1] - summer[2] > 10 > winter[1] - winter[2]
    paved = [Renderer(_town(), replace(DAY, season=s), 0.2).clean(LENS, pose) for s in (Season.SUMMER, Season.WINTER)]
    assert np.array_equal(paved[0], paved[1])


def test_shadows_fall_away_from_the_sun() -> None:
    building = _box(east_m=0.0, north_m=0.0, turn=0.0, eaves_m=6.0)
    state = replace(DAY, overcast=0.0, sun_azimuth=90.0, sun_elevation=45.0)
    picture = Renderer(_town(building), state, 0.14).clean(LENS, Pose(0, 0, 60.0, turned(0, -90, 0))).mean(axis=2)
    scale = LENS.focal_x / 60.0
    row, column = round(LENS.centre_y), LENS.centre_x
    west, east = picture[row, round(column - 10 * scale)], picture[row, round(column + 11 * scale)]
    assert west < 0.65 * east
    # 6 m of wall make 6 m of shadow at 45 degrees: 7 + 6 m from the middle it ends.
    ends = [picture[row, round(column - at * scale)] for at in (12.5, 13.5)]
    assert ends[0] < 0.65 * east < ends[1]


def test_noise_is_as_strong_as_asked() -> None:
    state = replace(DAY, noise_sigma=4.0)
    renderer = Renderer(_town(), state, 0.2)
    pose = Pose(0, 0, 80.0, turned(0, -90, 0))
    difference = renderer.picture(LENS, pose, 1).astype(float) - renderer.picture(LENS, pose, 2)
    difference -= cv2.blur(difference, (31, 31))
    assert 4.0 * 2**0.5 * 0.9 < difference.std() < 4.0 * 2**0.5 * 1.1


def test_leaves_lie_differently_on_another_day_and_stones_do_not() -> None:
    pose = Pose(0, 0, 80.0, turned(0, -90, 0))
    for ground, least, most in ((Ground.GRASS, 2.0, 30.0), (Ground.DIRT, 0.0, 0.0)):
        one, two = (
            Renderer(replace(_town(), base=ground), replace(DAY, seed=seed), 0.2).clean(LENS, pose).astype(int)
            for seed in (1, 2)
        )
        assert least <= np.abs(one - two).mean() <= most


def test_clouds_darken_some_of_the_town_and_belong_to_places() -> None:
    renderer = Renderer(_town(), replace(DAY, clouds=0.3), 0.2)
    plain = Renderer(_town(), DAY, 0.2)
    shares = []
    for east in (0.0, 15.0):
        pose = Pose(east, 0, 80.0, turned(0, -90, 0))
        cloudy = under_clouds(renderer.clean(LENS, pose), Camera(LENS, pose), renderer.state)
        shares.append(cloudy.astype(float).mean(axis=2) / plain.clean(LENS, pose).mean(axis=2))
    assert shares[0].min() > 0.65 and shares[0].max() < 1.01
    moved = round(15.0 * LENS.focal_x / 80.0)
    assert np.abs(shares[0][:, moved:] - shares[1][:, :-moved]).max() < 0.05
    whole = [under_clouds(np.full((480, 640, 3), 200, np.uint8), Camera(LENS, Pose(e, 0, 80.0, turned(0, -90, 0))),
                          renderer.state) for e in range(0, 800, 80)]  # fmt: skip
    assert np.ptp(np.array(whole)) > 30


@pytest.mark.parametrize(
    ("field", "value"),
    [("sun_elevation", 2), ("overcast", 1.5), ("haze", -0.1), ("exposure", 0), ("jpeg_quality", 0), ("wet", 2)],
)
def test_a_day_that_cannot_be_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        replace(DAY, **{field: value})


@pytest.mark.parametrize(
    ("arguments", "what"),
    [((1, 10.0), "size_m is 10"), ((1, 1e9), "size_m"), ((1, float("nan")), "size_m"), ((1, 100.0, "moon"), "village")],
)
def test_a_town_that_cannot_be_is_refused(arguments: tuple[object, ...], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        lay_out(*arguments)  # type: ignore[arg-type]


def test_a_camera_that_sees_the_horizon_or_flies_below_the_roofs_is_refused() -> None:
    renderer = Renderer(_town(_box()), DAY, 0.2)
    with pytest.raises(ValueError, match="horizon"):
        renderer.picture(LENS, Pose(0, 0, 60.0, turned(0, -30, 0)))
    with pytest.raises(ValueError, match="fly higher"):
        renderer.picture(LENS, Pose(0, 0, 8.0, turned(0, -90, 0)))
    with pytest.raises(ValueError, match="gsd_m"):
        Renderer(_town(), DAY, 0.0001)


ANYWHERE = Renderer(
    _town(_box(), _box(key=8, east_m=-10.0, roof=Roof.HIP, rise_m=2.0, eaves_m=6.0, overhang_m=0.5)), DAY, 0.8
)


@settings(deadline=None, max_examples=20)
@given(
    east=st.floats(-80, 80), north=st.floats(-80, 80), up=st.floats(45, 150), yaw=st.floats(0, 360),
    pitch=st.floats(-90, -65),
)  # fmt: skip
def test_any_view_downwards_gives_a_full_picture(
    east: float, north: float, up: float, yaw: float, pitch: float
) -> None:
    lens = Lens(96, 64, 64.0, 64.0, 47.5, 31.5)
    picture = ANYWHERE.picture(lens, Pose(east, north, up, turned(yaw, pitch, 3.0)))
    assert picture.shape == (64, 96, 3) and picture.dtype == np.uint8
    assert picture.mean() > 20


def test_things_stand_in_no_house(town: Town) -> None:
    from shapely.geometry import Polygon

    from samples.town.things import thing_corners, things_of

    houses = [Polygon(b.footprint()) for b in town.buildings if b.parent is None]
    things = [t for t in things_of(town, 9) if t.base_m == 0]
    assert len(things) > 10
    assert not any(house.intersects(Polygon(thing_corners(t))) for t in things for house in houses)


def test_things_do_not_stand_in_one_another(town: Town) -> None:
    from shapely.geometry import Polygon

    from samples.town.things import thing_corners, things_of

    things = things_of(town, 9)
    shapes = [Polygon(thing_corners(thing)) for thing in things]
    for n, shape in enumerate(shapes):
        assert not any(
            shape.intersects(other) and things[n].base_m == things[m].base_m for m, other in enumerate(shapes[:n])
        )


def test_some_things_last_and_cars_do_not(town: Town) -> None:
    from samples.town.things import things_of

    one, two = ({(t.east_m, t.north_m, t.kind) for t in things_of(town, seed)} for seed in (1, 2))

    def kept(*kinds: ThingKind) -> int:
        return len([thing for thing in one & two if thing[2] in kinds])

    assert kept(ThingKind.CAR, ThingKind.VAN) == 0
    assert kept(ThingKind.SOLAR, ThingKind.JUNK, ThingKind.HEAP) > 0
    assert isinstance(things_of(town, 1)[0], Thing)
