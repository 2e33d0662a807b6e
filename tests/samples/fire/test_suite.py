"""The evaluation set, and the command that runs it."""

from __future__ import annotations

import numpy as np
import pytest

from samples.fire.evaluate import main
from samples.fire.lookalikes.shared import Lookalike
from samples.fire.running import Variant, Weights, recipe_of, run_show
from samples.fire.scenario import Light, Scene, Setting
from samples.fire.shows import Rendered
from samples.fire.suite import FLAMES, SMOKES, evaluation_set


def test_set_is_the_same_again_and_holds_four_hours_of_lookalikes() -> None:
    scenes = evaluation_set()
    assert scenes == evaluation_set()
    assert scenes != evaluation_set(seed=6)
    assert len({scene.name for scene in scenes}) == len(scenes)
    like = [scene for scene in scenes if scene.name.startswith("like-")]
    assert sum(scene.seconds for scene in like) >= 4 * 3600
    for kind in Lookalike:
        assert len([scene for scene in like if scene.lookalikes == (kind,)]) == 2
    assert not any(scene.fires for scene in like)


def test_fires_vary_in_light_place_size_and_rate_and_leave_time_to_be_told() -> None:
    fires = [scene for scene in evaluation_set() if scene.fires]
    assert len(fires) == FLAMES + SMOKES
    assert {scene.light for scene in fires} == set(Light)
    assert {scene.setting for scene in fires} >= {Setting.YARD, Setting.STREET, Setting.ROOM}
    assert min(scene.fps for scene in fires) == 5
    assert max(scene.fps for scene in fires) == 25
    widths = [scene.fires[0].flame_px for scene in fires if scene.fires[0].flame_px]
    assert min(widths) < 20
    assert max(widths) > 50
    for scene in fires:
        spec = scene.fires[0]
        assert spec.start >= 15  # a detector learns the place first
        assert spec.end - spec.start >= 44.9
        assert scene.seconds >= spec.start + 45


def test_a_change_of_the_scene_is_another_recipe() -> None:
    one, other = (Rendered(Scene(name="a", seed=seed, fps=5, seconds=2), None) for seed in (1, 2))
    assert recipe_of(one, Weights()) != recipe_of(other, Weights())


def test_nothing_is_said_of_a_calm_place_and_every_stage_is_run() -> None:
    scene = Scene(name="calm", seed=1, fps=10, seconds=6, setting=Setting.YARD, width=320, height=180)
    result = run_show(Rendered(scene, None), Weights())
    assert set(result.said) == set(Variant) - {Variant.CLASSICAL}  # without weights it is all there is
    assert all(said == () for said in result.said.values())
    assert result.frames >= 58
    assert result.fires == ()
    assert np.isclose(result.seconds, 5.9, atol=0.3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "none", "--only", "nothing-so-called"], "expected part of a name"),
        (["--model", "nobody"], "nobody"),
    ],
)
def test_wrong_usage_says_what_to_do(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert words in capsys.readouterr().out
