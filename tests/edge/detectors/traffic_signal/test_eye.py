"""What the eye says of drawn heads: in every light, behind things, in fog, in the sun, and of hostile pictures."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.detectors.traffic_signal.chips import Sampler, layout
from edge.detectors.traffic_signal.eye import Eye
from edge.detectors.traffic_signal.lamps import Light as LampLight
from edge.detectors.traffic_signal.readings import HeadReading, Lit, Placement, Registration, SceneReading, Unseen
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.detectors.traffic_signal.sight import Sight
from tests.edge.detectors.traffic_signal.drawn import (
    DAY,
    FOG,
    INFRA_RED,
    LIGHTS,
    SIZE,
    THREE,
    Junction,
    Light,
    box_before,
    frame_of,
    head,
    settings,
)

PLACED = Placement()
Shown = Mapping[str, Collection[int]]


def cycle(t: float) -> dict[str, tuple[int, ...]]:
    """What the three heads show at t; each shows everything within twenty seconds."""
    u = t % 20
    near = (2,) if u < 8 else (1,) if u < 10 else (0,)
    far = (0,) if u < 11 else (2,) if u < 18 else (1,)
    return {"near": near, "far": far, "other": (2,) if u < 5 else (1,) if u < 7 else (0,)}


def shown(reading: HeadReading) -> tuple[int, ...] | None:
    """Indices of what is lit; None if it cannot be seen or told."""
    if not reading.seen or Lit.UNKNOWN in reading.lamps:
        return None
    return tuple(index for index, lamp in enumerate(reading.lamps) if lamp is Lit.ON)


class Watch:
    """An eye that watches a junction second by second."""

    def __init__(self, junction: Junction, seconds: int = 0, placement: Placement = PLACED) -> None:
        self.t = seconds
        self.placement = placement
        learned = junction == replace(Junction(), light=junction.light) and placement == PLACED
        self.eye = copy.deepcopy(_taught(junction.light, seconds)) if learned else _teach(junction, seconds, placement)

    def look(self, junction: Junction, seconds: int, lit: Callable[[float], Shown]) -> list[tuple[Shown, SceneReading]]:
        found = []
        for _ in range(seconds):
            self.t += 1
            state = lit(self.t)
            found.append((state, self.eye.look(junction.frame(self.t, state), self.placement)))
        return found


def _teach(
    junction: Junction, seconds: int, placement: Placement = PLACED, eye: Eye | None = None, since: int = 0
) -> Eye:
    """An eye that has seen the junction at work, second by second."""
    eye = eye or Eye(junction.settings, SIZE)
    for t in range(since + 1, seconds + 1):
        eye.look(junction.frame(t, cycle(t)), placement)
    return eye


TEN = 10


@cache
def _taught(light: Light, seconds: int) -> Eye:
    """Of the usual junction: most tests begin with what was learned, and learning takes longer than what they try."""
    before = max(seconds - TEN, 0)
    eye = copy.deepcopy(_taught(light, before)) if before else None
    return _teach(Junction(light=light), seconds, eye=eye, since=before)


def tally(found: list[tuple[Shown, SceneReading]], heads: Collection[str] = THREE.heads) -> Counter[str]:
    """How often heads were read right, wrong, or not."""
    counts: Counter[str] = Counter()
    for state, scene in found:
        for name in heads:
            lit = shown(scene.heads[name])
            right = lit == tuple(state.get(name, ()))
            counts["unknown" if lit is None else "right" if right else "wrong"] += 1
    return counts


def without(*dark: str) -> Callable[[float], Shown]:
    return lambda t: {name: lit for name, lit in cycle(t).items() if name not in dark}


@pytest.mark.parametrize("name", LIGHTS)
def test_lamps_are_read_from_the_first_picture_on(name: str) -> None:
    junction = Junction(light=LIGHTS[name])
    counts = tally(Watch(junction).look(junction, 20, cycle))
    assert counts["wrong"] == 0
    assert counts["right"] >= (40 if name == "black night" else 56)


@pytest.mark.parametrize("name", ["day", "dusk", "night", "infra-red"])
def test_a_dark_head_is_seen_to_be_dark_and_a_hidden_one_never(name: str) -> None:
    light = LIGHTS[name]
    junction = Junction(light=light)
    watch = Watch(junction, 40)
    counts = tally(watch.look(junction, 8, without("far")))
    assert counts["wrong"] == 0
    assert counts["right"] >= 21
    for level in (0.25, 0.6):
        bus = replace(junction, before=box_before(170, 20, 240, 150, level * light.ambient))
        watch.look(bus, 2, without("far"))  # at night, pictures are averaged over two seconds
        assert tally(watch.look(bus, 4, without("far")), ["far"]) == {"unknown": 4}
    half = replace(junction, before=box_before(170, 88, 240, 150, 0.25 * light.ambient))
    watch.look(half, 2, without("far"))
    assert tally(watch.look(half, 4, without("far")), ["far"]) == {"unknown": 4}
    counts = tally(watch.look(junction, 6, without("far")))
    assert counts["wrong"] == 0
    assert counts["right"] >= 15


def test_what_cannot_be_proven_in_the_black_of_night_is_unknown() -> None:
    junction = Junction(light=LIGHTS["black night"])
    watch = Watch(junction, 40)
    found = watch.look(junction, 6, lambda _t: {})
    assert tally(found) == {"unknown": 18}
    assert all(reading.unseen is Unseen.FOG for _, scene in found for reading in scene.heads.values())


@pytest.mark.parametrize("name", ["day", "dusk", "night", "infra-red"])
def test_fog_hides_a_dark_head(name: str) -> None:
    junction = Junction(light=LIGHTS[name])
    watch = Watch(junction, 40)
    found = watch.look(junction.under(replace(LIGHTS[name], fog=0.97)), 5, lambda _t: {})
    assert all(reading.unseen is Unseen.FOG for _, scene in found for reading in scene.heads.values())
    counts = tally(watch.look(junction.under(replace(LIGHTS[name], fog=0.8)), 8, cycle))
    assert counts["wrong"] == 0


@pytest.mark.parametrize("factor", [0.55, 1.6])
@pytest.mark.parametrize("name", ["day", "night"])
def test_a_step_of_the_exposure_lights_no_lamp(name: str, factor: float) -> None:
    light = LIGHTS[name]
    junction = Junction(light=light)
    watch = Watch(junction, 40)
    counts = tally(watch.look(junction.under(replace(light, gain=light.gain * factor)), 10, cycle))
    assert counts["wrong"] == 0
    assert counts["right"] >= 20


@pytest.mark.parametrize(("learned", "phantom"), [(0, 0.35), (40, 0.35), (40, 0.7)])
def test_a_low_sun_in_unlit_lamps_is_glare_and_not_light(learned: int, phantom: float) -> None:
    junction = Junction()
    watch = Watch(junction, learned)
    low = junction.under(replace(DAY, phantom=phantom))
    for _, scene in watch.look(low, 6, lambda _t: {}):
        assert all(Lit.ON not in reading.lamps for reading in scene.heads.values())
    for state, scene in watch.look(low, 6, cycle):
        for name, reading in scene.heads.items():
            assert all(lamp is not Lit.ON or index in state[name] for index, lamp in enumerate(reading.lamps))


def test_arrows_fill_a_part_of_their_lens() -> None:
    junction = replace(Junction(), fill=0.35)
    assert tally(Watch(junction).look(junction, 20, cycle)) == {"right": 60}


def test_two_lamps_may_be_lit_at_once() -> None:
    junction = Junction()
    watch = Watch(junction, 20)
    found = watch.look(junction, 4, lambda _t: {"near": (0, 1), "far": (0, 1), "other": (0, 1)})
    counts = tally(found)
    assert counts["wrong"] == 0
    assert counts["right"] >= 8


def test_by_regions_it_reads_the_same_as_from_planes() -> None:
    junction = Junction()
    eyes = Eye(THREE, SIZE), Eye(THREE, SIZE)
    for t in range(1, 12):
        picture = junction.picture(cycle(t), t)
        first, second = (
            eye.look(frame_of(picture, t, planes=planes), PLACED)
            for eye, planes in zip(eyes, (True, False), strict=True)
        )
        assert [h.lamps for h in first.heads.values()] == [h.lamps for h in second.heads.values()]


def test_the_placement_is_followed() -> None:
    junction = Junction()
    for placement, shift in ((Placement(dx=7.5, dy=-4.0), (7.5, -4.0)), (Placement(dx=-6, dy=3), (-6, 3))):
        eye = Eye(THREE, SIZE)
        for t in range(1, 8):
            picture = _shifted(junction.picture(cycle(t), t), *shift)
            scene = eye.look(frame_of(picture, t), placement)
            assert [shown(scene.heads[name]) for name in cycle(t)] == list(cycle(t).values())


def test_heads_beside_their_place_are_read_all_the_same() -> None:
    junction = Junction()
    watch = Watch(junction, 10)
    watch.placement = Placement(dx=-2.5, dy=1.5)
    counts = tally(watch.look(junction, 20, cycle))
    assert counts["wrong"] == 0
    assert counts["right"] >= 48


def test_a_moved_camera_shows_nothing() -> None:
    junction = Junction()
    watch = Watch(junction, 5)
    scene = watch.eye.look(junction.frame(6, cycle(6)), Placement(registration=Registration.MOVED))
    assert scene.moved
    assert all(reading.unseen is Unseen.MOVED and shown(reading) is None for reading in scene.heads.values())


def test_a_head_that_left_the_picture_is_unseen() -> None:
    junction = Junction()
    eye = Eye(THREE, SIZE)
    scene = eye.look(junction.frame(1, cycle(1)), Placement(dx=-78))
    assert scene.heads["near"].unseen is Unseen.MOVED


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((SIZE.height, SIZE.width, 3), np.uint8),
        np.full((SIZE.height, SIZE.width, 3), 255, np.uint8),
        np.full((SIZE.height, SIZE.width, 3), 128, np.uint8),
    ],
    ids=["black", "white", "grey"],
)
@pytest.mark.parametrize("learned", [0, 30])
def test_pictures_without_a_street_show_neither_dark_nor_lit_heads(picture: NDArray[np.uint8], learned: int) -> None:
    watch = Watch(Junction(), learned)
    for step in range(4):
        scene = watch.eye.look(frame_of(picture, learned + 1 + step), PLACED)
        assert all(shown(reading) is None for reading in scene.heads.values())
        assert all(np.isfinite(reading.confidence) for reading in scene.heads.values())


def test_noise_lights_no_lamp() -> None:
    watch = Watch(Junction(), 20)
    noise = np.random.default_rng(1).integers(0, 256, (SIZE.height, SIZE.width, 3)).astype(np.uint8)
    scene = watch.eye.look(frame_of(noise, 21), PLACED)
    assert all(shown(reading) is None for reading in scene.heads.values())


@pytest.mark.parametrize("px", [1.0, 3.0, 48.0])
def test_lamps_of_any_size_do_no_harm(px: float) -> None:
    drawn = settings(one=head(120, 45, px))
    junction = Junction(drawn)
    eye = Eye(drawn, SIZE)
    for t in range(1, 6):
        scene = eye.look(junction.frame(t, {"one": (0,)}), PLACED)
        assert scene.heads["one"].lamps[1] is not Lit.ON
    if px > 6:
        assert shown(scene.heads["one"]) == (0,)


def test_heads_at_the_border_and_of_one_lamp() -> None:
    drawn = settings(edge=head(4, 60, 10), arrow=head(200, 60, 12, ["green"]), corner=head(380, 200, 10))
    junction = Junction(drawn)
    eye = Eye(drawn, SIZE)
    for t in range(1, 12):
        lit = {"arrow": (0,) if t % 4 < 2 else (), "edge": (0,)}
        scene = eye.look(junction.frame(t, lit), PLACED)
        assert shown(scene.heads["arrow"]) == tuple(lit["arrow"])
        assert scene.heads["corner"].unseen is Unseen.MOVED  # two of its lamps lie below the picture
        assert shown(scene.heads["edge"]) in ((0,), None)


def test_from_day_to_infra_red_and_back() -> None:
    junction = Junction()
    watch = Watch(junction, 20)
    for light in (INFRA_RED, DAY):
        counts = tally(watch.look(junction.under(light), 20, cycle))
        assert counts["wrong"] == 0
        assert counts["right"] >= 54


def test_night_falls_while_a_head_is_dark() -> None:
    """It stays seen: what was there in the last light of dusk is there in the first of the night."""
    junction = Junction()
    watch = Watch(junction, 30)
    seen = 0
    steps = np.geomspace(1, 0.004, 40)
    for ambient in steps:
        gain = 0.8 * (ambient**-0.55)
        light = replace(DAY, ambient=float(ambient), gain=float(min(gain, 9)), noise=3.0)
        (_, scene), *_ = watch.look(junction.under(light), 1, without("far"))
        lit = shown(scene.heads["far"])
        assert lit in ((), None)
        seen += lit == ()
    assert seen >= 0.8 * len(steps)


@pytest.mark.parametrize("beside", [False, True])
def test_displays_of_digits(beside: bool) -> None:
    """`beside`: the placement is off by a pixel or two, and what is behind the display shows at its edges."""
    panel = ((96, 60), (110, 60), (110, 74), (96, 74))
    one = {**head(80, 60, 10), "countdown": {"polygon": panel}}
    drawn = settings(near=one)
    junction = Junction(drawn)

    def with_digits(lit: bool) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        def put(scene: NDArray[np.float32]) -> NDArray[np.float32]:
            scene = scene.copy()
            scene[57:77, 93:113] = 0.015
            if beside:
                scene[57:77, 109:] = scene[73:, 93:113] = 0.2
            if lit:
                for x in (98, 104):
                    scene[62:72, x : x + 2] = scene[62:64, x : x + 5] = (2.0, 0.05, 0.1)
            return scene

        return put

    eye = Eye(drawn, SIZE)
    for t in range(1, 9):
        lit = t % 3 > 0
        scene = eye.look(replace(junction, before=with_digits(lit)).frame(t, {"near": (0,)}), PLACED)
        assert scene.heads["near"].countdown is (Lit.ON if lit else Lit.OFF)


def test_the_halo_of_what_went_out_is_not_averaged_on() -> None:
    """Edges of a light that was there a moment ago look like leaves, and would hide a head whenever it flashes."""
    points = layout(THREE)
    sampler, sight, junction = Sampler(points), Sight(points), Junction(light=LIGHTS["dusk"])
    still, off = np.zeros((len(points.ids), 2), np.float32), np.zeros(len(points.colours), bool)
    for step in range(8):
        lit = {"near": (1,)} if step % 4 < 2 else {}
        samples = sampler.sample(junction.frame(1 + step / 4, lit), PLACED, still)
        glowing = off.copy()
        glowing[points.first[points.ids.index("near")] + 1] = bool(lit)
        sight.judge(
            samples, LampLight.DUSK, np.array([bool(lit) and name == "near" for name in points.ids]), glowing, 0.25
        )
        if not lit:
            near = points.ids.index("near")
            assert float(np.abs(sight._smooth[near] - samples.grids[near]).max()) < 25


def test_it_remembers_across_a_restart() -> None:
    junction = Junction(light=LIGHTS["night"])
    watch = Watch(junction, 40)
    saved = json.loads(json.dumps(watch.eye.save()))
    assert len(json.dumps(saved)) < 60_000
    fresh = Eye(THREE, SIZE)
    fresh.load(saved)
    scene = fresh.look(junction.frame(41, {}), PLACED)
    assert [shown(reading) for reading in scene.heads.values()] == [(), (), ()]
    assert json.dumps(fresh.save()) != json.dumps(Eye(THREE, SIZE).save())


def test_memory_of_other_heads_is_left() -> None:
    watch = Watch(Junction(), 10)
    other: TrafficSignalSettings = settings(near=head(90, 60, 12), far=head(200, 80, 8), other=head(310, 50, 10))
    eye = Eye(other, SIZE)
    before = json.dumps(eye.save())
    eye.load(watch.eye.save())
    assert json.dumps(eye.save()) == before


def test_a_copy_sees_the_same_and_does_not_disturb() -> None:
    junction = Junction()
    watch = Watch(junction, 10)
    fork = copy.deepcopy(watch.eye)
    frame = junction.frame(11, cycle(11))
    assert fork.look(frame, PLACED) == watch.eye.look(frame, PLACED)
    before = json.dumps(watch.eye.save())
    fork.look(junction.under(FOG).frame(12, {}), PLACED)
    assert json.dumps(watch.eye.save()) == before


def test_stills_show_the_head_with_what_is_around_it() -> None:
    junction = Junction()
    eye = Eye(THREE, SIZE)
    assert eye.still("near") is None
    eye.look(junction.frame(1, {"near": (0,)}), PLACED)
    still = eye.still("near")
    assert still is not None
    assert still.shape[0] > 55
    assert int(still[..., 2].max()) > 200
    assert eye.still("nobody") is None


def test_only_times_count() -> None:
    """The same minute seen at 2 and at 0.5 pictures a second leads to the same answers."""
    junction = Junction()
    answers = []
    for step in (0.5, 2.0):
        eye = Eye(THREE, SIZE)
        scene = None
        for t in np.arange(step, 24 + step, step):
            scene = eye.look(junction.frame(float(t), cycle(t)), PLACED)
        assert scene is not None
        answers.append(shown(eye.look(junction.frame(30, {}), PLACED).heads["near"]))
    assert answers == [(), ()]


def _shifted(picture: NDArray[np.uint8], dx: float, dy: float) -> NDArray[np.uint8]:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return np.asarray(
        cv2.warpAffine(picture, matrix, (SIZE.width, SIZE.height), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def test_lights_differ(light: Light = DAY) -> None:
    """The drawings are what they are meant to be: the day is bright, the night dark, infra-red grey."""
    means = {name: float(Junction(light=one).picture({}).mean()) for name, one in LIGHTS.items()}
    assert means["day"] > means["dusk"] > means["night"] > means["black night"]
    grey = Junction(light=INFRA_RED).picture(cycle(1))
    assert int(np.ptp(grey.astype(np.int16), axis=2).max()) < 12
    assert light is DAY
