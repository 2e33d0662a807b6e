"""The settings file of surveys."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.flights.survey_settings import SurveySettings
from edge.flights.surveys.settings import MOST_BYTES, SettingsError, read_settings


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "west.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_terrain_lies_beside_the_settings_wherever_the_program_was_started(tmp_path: Path) -> None:
    text = "flight: {ground: {elevation: dem.tif}}\nbaseline: {ground: {elevation: /srv/old.tif}}"
    settings = read_settings(written(tmp_path, text))
    assert settings.flight.ground.elevation == tmp_path / "dem.tif"
    assert settings.baseline is not None
    assert settings.baseline.ground.elevation == Path("/srv/old.tif")


@pytest.mark.parametrize("text", ["", "# nothing", "baseline:", "{}"])
def test_all_of_it_may_be_left_out(tmp_path: Path, text: str) -> None:
    assert read_settings(written(tmp_path, text)) == SurveySettings() == read_settings(None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "found a list"),
        ("a: b: c", "as YAML"),
        (b"\xff\xfe", "as YAML"),
        ("flight: 5", "flight"),
        ("flight: {ground: {elevation: 5}}", "flight.ground.elevation"),
        ("flight: {ground: 5}", "flight.ground"),
        ("register: {approved: [{}]}", "register.approved.0.path"),
        ("[" * 100_000, "as YAML"),
        ("#" * (MOST_BYTES + 1), "too large"),
    ],
)
def test_every_fault_names_file_and_field(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(SettingsError, match=r"west\.yaml") as caught:
        read_settings(written(tmp_path, text))
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        read_settings(tmp_path / "nowhere.yaml")
