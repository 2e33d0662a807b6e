"""Recipes: every fault is named, and their digest knows what decides about weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.training.errors import RecipeError
from models.training.recipe import find_recipe, read_recipe
from tests.models.drawn import recipe, round_of

TWO = [round_of("first"), round_of("second", start={"round": "first"})]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": 1}, "colour: found 1, extra inputs are not permitted"),
        ({"labels": []}, "labels: found []"),
        ({"input": {"width": 100, "height": 100}}, "input.width: found 100"),
        ({"input": {"width": 64, "height": 128}}, "expected a square"),
        ({"architecture": "../tiny.yaml"}, "architecture: found '../tiny.yaml'"),
        ({"rounds": [round_of("first"), round_of("first")]}, "found 'first' twice"),
        ({"rounds": TWO[::-1]}, "rounds.second.start.round: found 'first', expected an earlier round"),
        ({"export": {"round": "third", "file": "x.onnx"}}, "export.round: found 'third', expected one of first"),
        ({"rounds": [round_of("first", settings={"epochs": 3})]}, "settings: found epochs, expected none"),
        ({"rounds": [round_of("first", epochs=None)]}, "expected epochs for ultralytics"),
        ({"rounds": [round_of("first", trainer="a.b:c")]}, "expected epochs for ultralytics, and steps"),
        ({"rounds": [round_of("first", shares={"real": 1})]}, "ultralytics' trainer does not know them"),
        (
            {"rounds": [round_of("first", trainer="a:b", epochs=None, steps=3, shares={"real": 1})]},
            "shares: found ['real'], expected the groups of data: []",
        ),
        ({"rounds": [round_of("first", data=[{"set": "trained"}])]}, "split: expected one"),
        ({"rounds": [round_of("first", data=[{"made": "a:b"}])]}, "count: expected how many"),
        ({"rounds": [round_of("first", data=[{"repeat": 2}])]}, "exactly one of set and made"),
        ({"rounds": [round_of("first", data=[{"set": "a", "split": "b", "mix": True}])]}, "expected boxes too"),
        (
            {"rounds": [round_of("first", data=[{"set": "a", "split": "b", "boxes": "t.csv", "unsure_from": 0.3}])]},
            "unsure_from: found 0.3, expected less than min_score",
        ),
        ({"rounds": [round_of("first", start={"round": "x", "weights": "y"})]}, "at most one of weights and round"),
        (
            {"card": {"intended": "x", "limits": ["y"], "failures": {"set": "a", "split": "b"}}},
            "those of sets are not ours to hand on",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_faults_are_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.yaml") as refused:
        read_recipe(recipe(tmp_path, **changes))
    assert said in str(refused.value)


def test_rounds_are_found_by_name(tmp_path: Path) -> None:
    found = read_recipe(recipe(tmp_path, rounds=TWO))
    assert found.round(None).name == "first"
    assert found.round("second").start.round == "first"
    with pytest.raises(RecipeError, match="found no round 'third', expected one of first, second"):
        found.round("third")


def test_the_digest_follows_what_decides_about_weights(tmp_path: Path) -> None:
    def digests(**changes: object) -> list[str]:
        found = read_recipe(recipe(tmp_path, **{"rounds": TWO, **changes}))
        return [found.digest(name) for name in ("first", "second")]

    before = digests()
    assert before[0] != before[1]
    noted = [round_of("first", note="as before"), TWO[1]]
    assert digests(rounds=noted) == before, "words change no weights"
    assert digests(card={"intended": "else", "limits": ["other"]}) == before
    seeded = digests(rounds=[round_of("first", seed=7), TWO[1]])
    assert seeded[0] != before[0]
    assert seeded[1] != before[1], "a round is another one if what it starts from is"
    later = digests(rounds=[TWO[0], round_of("second", start={"round": "first"}, epochs=9)])
    assert (later[0] == before[0], later[1] == before[1]) == (True, False)


def test_recipes_are_found_by_path_or_named(tmp_path: Path) -> None:
    path = recipe(tmp_path)
    assert find_recipe(str(path)) == path
    with pytest.raises(RecipeError, match="found no recipe 'nothing', expected a file or a model with a recipe"):
        find_recipe("nothing")
