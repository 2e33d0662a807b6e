"""`gridsentry-edge library`, from flights to baselines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.flights.flights_cli import FOUND_A_PROBLEM, WRONG_USAGE
from edge.flights.library.resolving import resolve, resolve_baseline
from edge.flights.mosaic.manifest import NAME, MosaicManifest


def run(*arguments: str | Path, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)), input=answer)


@pytest.fixture(scope="module")
def mosaic(flown_stills: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "mosaic"
    settings = out.parent / "mosaic.yaml"
    settings.write_text("agree: false\n")
    assert run("mosaic", flown_stills, "--out", out, "--gsd", "0.6", "--settings", settings).exit_code == 0
    return out


def test_from_flight_to_baseline(flown_stills: Path, mosaic: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    added = run("library", "add", flown_stills, "--area", "town", "--library", library, "--mosaic", mosaic)
    assert added.exit_code == 0, added.output
    name = added.stdout.split(":")[0]
    manifest = MosaicManifest.model_validate_json((mosaic / NAME).read_text(encoding="utf-8"))
    assert manifest.taken_at is not None
    assert name == f"town@{manifest.taken_at.date()}"
    assert resolve_baseline(library, "town") == flown_stills
    kept = resolve(library, "town")
    assert kept.entry.mosaic is not None
    assert kept.entry.mosaic.tiles == manifest.tiles
    assert sorted(each.name for each in (kept.folder / "mosaic").iterdir()) == [
        "mosaic.json", "mosaic.pmtiles", "mosaic.tif",
    ]  # fmt: skip

    listed = json.loads(run("library", "list", "--library", library, "--json").stdout)
    assert [each["name"] for each in listed] == [name]
    assert listed[0]["there"] and listed[0]["hectares"] > 0.1
    assert "town@" in run("library", "list", "-l", library, "--area", "town").stdout
    shown = run("library", "show", name, "-l", library, "--verify")
    assert shown.exit_code == 0 and str(flown_stills) in shown.stdout.replace("\n", "")

    again = run("library", "add", flown_stills, "--area", "town", "--library", library, "--mosaic", mosaic)
    assert again.exit_code == FOUND_A_PROBLEM
    assert "is in the library already" in again.output

    assert run("library", "remove", name, "-l", library, answer="n\n").exit_code == FOUND_A_PROBLEM
    assert resolve_baseline(library, "town") == flown_stills
    assert run("library", "remove", name, "-l", library, "--yes").exit_code == 0
    assert json.loads(run("library", "list", "-l", library, "--json").stdout) == []
    assert len(list(flown_stills.iterdir())) == 12


def test_without_a_mosaic_the_flight_is_read(flown_stills: Path, tmp_path: Path) -> None:
    library, settings = tmp_path / "library", tmp_path / "flight.yaml"
    settings.write_text("choice: {overlap: 0.5}\n")
    added = run("library", "add", flown_stills, "--area", "town", "-l", library, "--copy", "--settings", settings)
    assert added.exit_code == 0, added.output
    kept = resolve(library, "town")
    assert kept.entry.copied and kept.flight.is_relative_to(library)
    assert kept.entry.settings.choice.overlap == 0.5
    assert kept.entry.gsd_m == pytest.approx(0.3, rel=0.1)
    assert 0.1 < kept.outline.area * 111_000**2 * 0.82 / 1e4 < 3
    damaged = next(kept.flight.iterdir())
    damaged.write_bytes(b"")
    shown = run("library", "show", kept.name, "-l", library)
    assert shown.exit_code == FOUND_A_PROBLEM
    assert damaged.name in shown.output
    document = json.loads(run("library", "show", kept.name, "-l", library, "--json").stdout)
    assert document["wrong"] == [damaged.name]


def test_what_is_wrong_is_said(flown_stills: Path, mosaic: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    add = ("library", "add", flown_stills, "-l", library)
    assert run(*add, "--area", "a/b").exit_code == FOUND_A_PROBLEM
    assert run(*add, "--area", "town", "--taken-at", "2026-11-20T10:00").exit_code == WRONG_USAGE
    assert run(*add, "--area", "town", "--mosaic", tmp_path).exit_code == FOUND_A_PROBLEM
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.jpg").write_bytes(b"a")
    result = run("library", "add", other, "-l", library, "--area", "town", "--mosaic", mosaic)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "expected that of other" in result.output
    outline = tmp_path / "outline.json"
    outline.write_text("[" * 50_000)
    assert run(*add, "--area", "town", "--outline", outline).exit_code == WRONG_USAGE
    assert not library.exists()
    assert run("library", "list", "-l", library).exit_code == FOUND_A_PROBLEM
    assert run("library", "show", "town@2026-01-01", "-l", library).exit_code == FOUND_A_PROBLEM
    assert run("library", "remove", "town", "-l", library, "--yes").exit_code == FOUND_A_PROBLEM


def test_a_broken_entry_is_told(flown_stills: Path, mosaic: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    assert run("library", "add", flown_stills, "--area", "town", "-l", library, "--mosaic", mosaic).exit_code == 0
    (library / "town" / "2020-01-01").mkdir()
    result = run("library", "list", "-l", library)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "2020-01-01" in result.output and "town@20" in result.output
    # A mosaic that was changed after it was made does not get in.
    torn = tmp_path / "torn"
    torn.mkdir()
    for each in mosaic.iterdir():
        (torn / each.name).write_bytes(each.read_bytes())
    (torn / "mosaic.tif").write_bytes(b"torn")
    result = run("library", "add", flown_stills, "--area", "second", "-l", library, "--mosaic", torn)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "is not what it was" in result.output
    assert list((library / "second").iterdir()) == []
