"""The set `package_photographs` comes out of packages as its table says, and hostile packages do no harm."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from models.datasets.errors import DataError
from models.datasets.forms import read_form
from models.datasets.manifest import find_manifest, read_manifest
from models.fire_smoke import packages, photographs
from models.fire_smoke.packages import Ecosystem, find_package, read_files
from models.fire_smoke.panorama import panorama_views
from models.fire_smoke.photographs import TABLE, Entry, Table, main

SHIPPED = read_form(TABLE, Table, DataError)
MANIFEST = read_manifest(find_manifest("package_photographs", TABLE.parent))


def picture(width: int = 320, height: int = 200, suffix: str = ".jpg") -> bytes:
    """A fall of colours: left dark, top red."""
    across = np.tile(np.linspace(0, 255, width), (height, 1))
    down = np.tile(np.linspace(255, 0, height), (width, 1)).T
    _, content = cv2.imencode(suffix, np.dstack((across, across, down)).astype(np.uint8))
    return content.tobytes()


def noise(seed: int, suffix: str = ".webp") -> bytes:
    """A picture that cannot be packed to less than what counts in a resource file."""
    bgr = np.random.default_rng(seed).integers(0, 256, (160, 240, 3), np.uint8)
    _, content = cv2.imencode(suffix, bgr, [cv2.IMWRITE_WEBP_QUALITY, 90])
    return content.tobytes()


def tar_gz(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def wheel(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def table(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump({"packages": rows}), encoding="utf-8")
    return path


def row(ecosystem: str, name: str, *entries: dict[str, Any]) -> dict[str, Any]:
    known = {"version": "1.0", "licence": "CC0-1.0", "credit": "Nobody", "prefix": "test"}
    return {"ecosystem": ecosystem, "name": name, "entries": list(entries), **known}


def run(tmp_path: Path, rows: Path) -> int:
    return main(["--packages", str(tmp_path), "--out", str(tmp_path / "out"), "--table", str(rows)])


def names(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "out").iterdir())


def test_the_shipped_table_is_what_the_manifest_says() -> None:
    licences = SHIPPED.licences()
    assert MANIFEST.splits["all"].count == sum(licences.values())
    stated = {part.strip("()") for part in re.split(r" (?:AND|OR) ", MANIFEST.licence)}
    assert stated == {part for licence in licences for part in re.split(r" (?:AND|OR) ", licence)}
    assert len({package.prefix for package in SHIPPED.packages}) == len(SHIPPED.packages)


def test_no_picture_of_a_resource_file_is_taken_twice() -> None:
    entries = [entry for package in SHIPPED.packages for entry in package.entries if entry.numbers]
    taken = [(one, number) for entry in entries for one in entry.of for number in entry.wanted() or ()]
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize(
    ("name", "scene"),
    [
        ("pmndrs_city_060_b.jpg", "city"),
        ("blender_sunrise_315_a.jpg", "sunrise"),
        ("plasma_summer_1am_4.jpg", "plasma_summer_1am"),
        ("gcompris_details_016_0.jpg", "gcompris_details_016"),
        ("opencv_boat_3.jpg", "opencv_boat"),
    ],
)
def test_views_of_one_picture_are_one_scene(name: str, scene: str) -> None:
    assert MANIFEST.scenes is not None
    assert MANIFEST.scenes.pattern is not None
    found = re.search(MANIFEST.scenes.pattern, name)
    assert found is not None
    assert found[1] == scene


def test_a_wide_picture_of_npm_is_whole_and_in_parts(tmp_path: Path) -> None:
    tar_gz(tmp_path / "some-stills-1.0.tgz", {"package/img/hill.jpg": picture(1280, 800), "package/index.js": b"x"})
    entry = {"path": "img/{}.jpg", "of": ["hill"], "kind": "wide", "views": 4, "without": ["hill_2"]}
    assert run(tmp_path, table(tmp_path / "t.yaml", row("npm", "@some/stills", entry))) == 0
    assert names(tmp_path) == ["test_hill_0.jpg", "test_hill_1.jpg", "test_hill_3.jpg"]
    whole, left_top, left_bottom = (cv2.imread(str(tmp_path / "out" / name)) for name in names(tmp_path))
    assert whole.shape == (400, 640, 3)
    assert left_top.shape == (400, 640, 3)
    assert whole[:, -1, 0].mean() > 250
    assert left_top[:, -1, 0].mean() == pytest.approx(0.55 * 255, abs=4)
    assert left_top[0, :, 2].mean() > 250
    assert left_bottom[-1, :, 2].mean() < 5


def test_strips_crops_and_resource_files_of_pypi(tmp_path: Path) -> None:
    resource = b"qres" + noise(1) + b"\0\0" + picture(16, 16, ".webp") + noise(2) + b"tail" + noise(3)
    wheel(
        tmp_path / "some_stills-1.0-py3-none-any.whl",
        {"stills/shore.png": picture(1200, 100, ".png"), "stills/lake.jpg": picture(), "stills/all.rcc": resource},
    )
    rows = row(
        "pypi",
        "some-stills",
        {"path": "stills/shore.png", "of": [""], "name": "shore", "kind": "strip", "views": 3},
        {"path": "stills/{}.jpg", "of": ["lake"], "crop": [0.5, 0, 1, 0.5]},
        {"path": "stills/{}.rcc", "of": ["all"], "numbers": "0, 2"},
    )
    assert run(tmp_path, table(tmp_path / "t.yaml", rows)) == 0
    shore = [f"test_shore_{index}.jpg" for index in range(3)]
    assert names(tmp_path) == ["test_all_000_0.jpg", "test_all_002_0.jpg", "test_lake_0.jpg", *shore]
    assert cv2.imread(str(tmp_path / "out" / "test_shore_1.jpg")).shape == (88, 150, 3)
    assert cv2.imread(str(tmp_path / "out" / "test_lake_0.jpg")).shape == (100, 160, 3)
    last = cv2.imdecode(np.frombuffer(noise(3), np.uint8), cv2.IMREAD_COLOR)
    assert cv2.PSNR(cv2.imread(str(tmp_path / "out" / "test_all_002_0.jpg")), last) > 25


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="Debian's tool is not here")
def test_a_debian_package_is_read(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: stills\nVersion: 2:1.0\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: stills\n"
    )
    (tree / "usr").mkdir()
    (tree / "usr" / "oak.jpg").write_bytes(picture())
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, tmp_path / "stills_2%3a1.0_all.deb"]
    subprocess.run(command, check=True, capture_output=True)
    rows = row("debian", "stills", {"path": "usr/{}.jpg", "of": ["oak"]}) | {"version": "2:1.0"}
    assert run(tmp_path, table(tmp_path / "t.yaml", rows)) == 0
    assert names(tmp_path) == ["test_oak_0.jpg"]


def test_without_debians_tool_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stills_1.0_all.deb").write_bytes(b"!<arch>\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="found no dpkg-deb"):
        list(read_files(tmp_path / "stills_1.0_all.deb", {"usr/oak.jpg"}))


def sky_and_lamp() -> np.ndarray:
    """A place (128 × 256) that is bright above, dark below, with a red lamp straight ahead."""
    light = np.full((128, 256, 3), 0.02, np.float32)
    light[:64] = 0.6
    light[60:68, 124:132] = (0, 0, 900)
    return light


def test_a_panorama_becomes_headings_and_exposures() -> None:
    views = dict(panorama_views(sky_and_lamp(), 6, dim=0.5))
    assert list(views) == [f"{heading:03d}_{letter}" for heading in range(0, 360, 60) for letter in "ab"]
    ahead, behind = views["000_a"], views["180_a"]
    assert ahead.shape == (240, 320, 3)
    assert ahead[:40].mean() > 2 * ahead[-40:].mean()
    assert ahead[120, 160].min() > 240  # the lamp burns out: white
    assert behind[:, :, 2].astype(int).max() == behind[:, :, 0].max()
    assert all(views[f"{heading:03d}_b"].max() <= 127 for heading in range(0, 360, 60))


def test_a_panorama_in_javascript_is_unwrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = b'export default "data:image/x-exr;base64,' + base64.b64encode(b"an exr") + b'"'
    tar_gz(tmp_path / "stills-1.0.tgz", {"package/dusk.exr.js": script})
    monkeypatch.setattr(photographs, "read_exr", lambda content, _: sky_and_lamp() if content == b"an exr" else None)
    entry = {"path": "{}.exr.js", "of": ["dusk"], "kind": "panorama", "views": 2}
    assert run(tmp_path, table(tmp_path / "t.yaml", row("npm", "stills", entry))) == 0
    assert names(tmp_path) == [
        "test_dusk_000_a.jpg",
        "test_dusk_000_b.jpg",
        "test_dusk_180_a.jpg",
        "test_dusk_180_b.jpg",
    ]


@pytest.mark.parametrize("name", ["package/../../evil.jpg", "/etc/evil.jpg"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    tar_gz(tmp_path / "stills-1.0.tgz", {name: picture(), "package/oak.jpg": picture()})
    wheel(tmp_path / "stills-1.0-py3-none-any.whl", {name: picture(), "oak.jpg": picture()})
    before = set(tmp_path.parent.rglob("*evil*"))
    for ecosystem in ("npm", "pypi"):
        rows = table(tmp_path / "t.yaml", row(ecosystem, "stills", {"path": "{}.jpg", "of": ["oak"]}))
        assert run(tmp_path, rows) == 2
        assert f"found {name!r} inside, expected only paths that stay inside" in capsys.readouterr().err
    assert set(tmp_path.parent.rglob("*evil*")) == before


def test_a_link_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with tarfile.open(tmp_path / "stills-1.0.tgz", "w:gz") as archive:
        link = tarfile.TarInfo("package/oak.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert run(tmp_path, table(tmp_path / "t.yaml", row("npm", "stills", {"path": "{}.jpg", "of": ["oak"]}))) == 1
    assert "found no oak.jpg" in capsys.readouterr().err


def test_what_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_BYTES", 1000)
    tar_gz(tmp_path / "stills-1.0.tgz", {"package/oak.jpg": bytes(1001)})
    with pytest.raises(DataError, match=r"oak.jpg is larger than 1000 bytes"):
        list(read_files(tmp_path / "stills-1.0.tgz", {"oak.jpg"}))


def test_a_broken_picture_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tar_gz(tmp_path / "stills-1.0.tgz", {"package/oak.jpg": b"no picture", "package/elm.jpg": picture()})
    rows = table(tmp_path / "t.yaml", row("npm", "stills", {"path": "{}.jpg", "of": ["oak", "elm", "ash"]}))
    assert run(tmp_path, rows) == 1
    said = capsys.readouterr()
    assert "oak.jpg (oak): found no picture that can be read; left out" in said.err
    assert "found no ash.jpg" in said.err
    assert said.out.startswith("1 pictures")
    assert names(tmp_path) == ["test_elm_0.jpg"]


@pytest.mark.parametrize("content", [b"no archive", b"\x1f\x8b\x08\0\0\0\0\0\0\0garbage"])
def test_a_package_that_is_none_is_named(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stills-1.0.tgz").write_bytes(content)
    assert run(tmp_path, table(tmp_path / "t.yaml", row("npm", "stills", {"path": "{}.jpg", "of": ["oak"]}))) == 2
    assert "stills-1.0.tgz: cannot be read as a package" in capsys.readouterr().err


def test_missing_packages_are_told_with_their_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = {"path": "{}.jpg", "of": ["oak"]}
    (tmp_path / "there-1.0.tgz").write_bytes(b"x")
    (tmp_path / "cut_off-1.0.tar.gz").touch()
    rows = [row("debian", "oaks", entry) | {"version": "1:1.0+dfsg-2"}, row("npm", "@a/elms", entry)]
    rows += [row("pypi", "cut-off", entry), row("npm", "there", entry)]
    assert run(tmp_path, table(tmp_path / "t.yaml", *rows)) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[1:] == [
        "  apt-get download oaks=1:1.0+dfsg-2",
        "  npm pack @a/elms@1.0",
        "  pip download --no-deps cut-off==1.0",
    ]
    assert not (tmp_path / "out").exists()


def test_files_are_found_as_the_tools_call_them(tmp_path: Path) -> None:
    for name in ("oaks_1%3a1.0+dfsg-2_amd64.deb", "a-elms-1.0.tgz", "Cut_off-1.0.tar.gz", "cut_off-1.0.1.tar.gz"):
        (tmp_path / name).write_bytes(b"x")
    found = [
        find_package(tmp_path, Ecosystem.DEBIAN, "oaks", "1:1.0+dfsg-2"),
        find_package(tmp_path, Ecosystem.NPM, "@a/elms", "1.0"),
        find_package(tmp_path, Ecosystem.PYPI, "cut-off", "1.0"),
    ]
    assert [path and path.name for path in found] == [
        "oaks_1%3a1.0+dfsg-2_amd64.deb",
        "a-elms-1.0.tgz",
        "Cut_off-1.0.tar.gz",
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "video"}, {"crop": [0.5, 0, 0.5, 1]}, {"views": 7, "kind": "wide"}, {"numbers": "1;2"}, {"paths": []}],
)
def test_a_wrong_entry_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Entry.model_validate({"path": "{}.jpg", "of": ["oak"]} | wrong)
