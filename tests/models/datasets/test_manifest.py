"""Manifests: every fault is named, licences bind, and those that ship say what lies there."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.datasets.errors import DataError
from models.datasets.manifest import HERE, Permits, find_manifest, read_manifest
from models.datasets.reading import digest_of, select
from tests.models.drawn import draw_set, manifest

SHIPPED = sorted(HERE.glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_manifests_give_source_and_licence(path: Path) -> None:
    found = read_manifest(path)
    assert found.source
    if found.permits is Permits.TRAINING:
        assert found.credit, f"{path.name}: weights that are handed on must name whose pictures they were made from"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_manifests_fit_the_real_sets(path: Path, shared_data: Path) -> None:
    found = read_manifest(path)
    for split in found.splits:
        chosen = select(found.name, split, shared_data)
        assert chosen.pictures
        assert all(picture.boxes is not None or picture.present is not None for picture in chosen.pictures)


def test_real_splits_of_fire_share_no_scene(shared_data: Path) -> None:
    train, val = (select("fire_cctv", split, shared_data) for split in ("train", "val"))
    recordings = [{one.scene for one in side.pictures if one.scene.endswith("_mp4")} for side in (train, val)]
    assert recordings[0]
    assert recordings[1]
    assert not recordings[0] & recordings[1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"licence": "none stated"}, "expected testing"),
        ({"colour": "red"}, "colour"),
        ({"permits": "all"}, "permits: found 'all'"),
        ({"labels": ["red, blue"]}, "labels.0"),
        ({"scenes": {"pattern": "a(b"}}, "expected a regular expression"),
        ({"scenes": {"pattern": "ab"}}, "found 0 groups, expected one"),
        ({"scenes": {"gap": 3, "table": "x.csv"}}, "exactly one of"),
        ({"splits": {"all": {"pictures": ["*"], "share": [0, 0.5]}}}, "expected scenes too"),
        ({"splits": {"all": {"pictures": ["*"], "share": [0.5, 0.5]}}, "scenes": {"gap": 2}}, "0 <= from < to <= 1"),
        ({"splits": {"all": {"pictures": ["*"], "present": ["green"]}}}, "found 'green', expected one of labels"),
        ({"splits": {"all": {"pictures": ["*"], "boxes": "none", "present": ["red"]}}}, "only with boxes: unknown"),
        ({"name": "other"}, "expected 'mine' as the file is called"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_faults_are_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    path = manifest(tmp_path, "mine", **changes)
    with pytest.raises(DataError, match=r"mine\.yaml") as refused:
        read_manifest(path)
    assert said in str(refused.value)


def test_what_is_no_yaml_or_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("a: [")
    with pytest.raises(DataError, match=r"mine\.yaml: is no YAML"):
        read_manifest(tmp_path / "mine.yaml")
    with pytest.raises(DataError, match=r"gone\.yaml: cannot be read"):
        read_manifest(tmp_path / "gone.yaml")


def test_a_recipes_own_manifest_comes_first(tmp_path: Path) -> None:
    own = manifest(tmp_path, "fire_cctv")
    assert find_manifest("fire_cctv", tmp_path) == own
    assert find_manifest("fire_cctv") == HERE / "fire_cctv.yaml"
    with pytest.raises(DataError, match="with this package come: fire_cctv"):
        find_manifest("nothing", tmp_path)


def test_other_pictures_than_those_that_were_meant_are_noticed(tmp_path: Path) -> None:
    draw_set(tmp_path / "mine", 3)
    files = sorted((tmp_path / "mine" / "images").iterdir())
    digest = digest_of(files, tmp_path / "mine")
    split = {"pictures": ["images/*"], "boxes": "labels", "count": 3, "digest": digest}
    manifest(tmp_path, "mine", splits={"all": split})
    assert len(select("mine", "all", tmp_path, tmp_path).pictures) == 3
    files[0].write_bytes(files[1].read_bytes())
    with pytest.raises(DataError, match=r"splits\.all\.digest: found"):
        select("mine", "all", tmp_path, tmp_path)
    draw_set(tmp_path / "mine", 1, first=3)
    with pytest.raises(DataError, match=r"splits\.all\.count: found 4 pictures, expected 3"):
        select("mine", "all", tmp_path, tmp_path)
