"""The section `episodes` of a source: what it changes, and what is said of faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.document import EdgeConfig, load_config
from edge.config.episodes import EpisodeSettings
from edge.config.evidence import EvidenceSettings
from edge.config.problems import ConfigError
from edge.config.sources import config_sha256, episode_policies
from edge.detectors.policy import CAMERA_EPISODES, SENSOR_EPISODES, EpisodePolicy
from edge.detectors.registry import installed_detectors

SENSOR = """
device: {id: box-1, state_dir: state}
mqtt: {host: localhost, client_id: box-1}
sources:
  well:
    kind: sensor
    location: {lon: 113.6, lat: 34.7, accuracy_m: 25}
    input: {type: mqtt, topic: wells/1, channels: {level: {path: level, unit: m}}}
    detectors: {threshold: {rules: [{hazard: water_level, channel: level, above: 1.2}]}}
"""


def loaded(folder: Path, section: str = "") -> EdgeConfig:
    path = folder / "edge.yaml"
    path.write_text(SENSOR + section)
    return load_config(path)


def policy(folder: Path, section: str) -> EpisodePolicy:
    return episode_policies(loaded(folder, section).sources["well"])["threshold"]


def test_without_a_section_a_kind_states_everything(tmp_path: Path) -> None:
    assert policy(tmp_path, "") == SENSOR_EPISODES
    fall = installed_detectors()["thrown_object"].episodes
    assert (fall.dwell_seconds, fall.cool_down_seconds, fall.clear_after_seconds) == (0, 0, 5)
    assert (fall.alarms_per_hour, fall.alarms_per_day) == (6, 20)


def test_a_source_overrides_for_all_its_detectors_and_for_one_of_them(tmp_path: Path) -> None:
    section = """
    episodes:
      cool_down_seconds: 120
      stale_after_seconds: 3600
      budget: {alarms_per_hour: 2}
      detectors: {threshold: {cool_down_seconds: 30, budget: {alarms_per_day: 5}}}
"""
    found = policy(tmp_path, section)
    assert (found.cool_down_seconds, found.stale_after_seconds) == (30, 3600)
    assert (found.alarms_per_hour, found.alarms_per_day) == (2, 5)


def test_a_budget_of_null_is_none_at_all() -> None:
    settings = EpisodeSettings.model_validate({"budget": {"alarms_per_hour": None}})
    found = settings.policy_for("fire", CAMERA_EPISODES)
    assert (found.alarms_per_hour, found.alarms_per_day) == (None, 20)


def test_silence_never_ends_what_only_its_detector_may_end(tmp_path: Path) -> None:
    assert policy(tmp_path, "    episodes: {clear_after_seconds: 10}\n").clear_after_seconds is None


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("{cool_down: 5}", "cool_down_seconds"),
        ("{cool_down_seconds: -1}", "episodes.cool_down_seconds"),
        ("{open_confidence: 0.4, keep_confidence: 0.6}", "keep_confidence 0.6 over open_confidence 0.4"),
        ("{detectors: {thrown_object: {dwell_seconds: 3}}}", "expected one of the source's detectors: threshold"),
        ("{budget: {alarms_per_hour: -1}}", "alarms_per_hour"),
    ],
    ids=str,
)
def test_faults_name_their_place(tmp_path: Path, section: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, f"    episodes: {section}\n")
    assert words in str(error.value)
    assert "edge.yaml:" in str(error.value)


def test_what_shapes_episodes_is_in_the_hash_of_the_settings(tmp_path: Path) -> None:
    def digest(section: str) -> str:
        return config_sha256(loaded(tmp_path, section).sources["well"], EvidenceSettings())

    plain = digest("")
    assert plain == digest("    name: Another\n")
    assert plain == digest("    episodes: {cool_down_seconds: 0}\n"), "what changes nothing changes no hash"
    assert plain != digest("    episodes: {cool_down_seconds: 60}\n")
    assert plain != digest("    episodes: {budget: {alarms_per_hour: 6}}\n")
    assert plain == digest("    canary: {every_seconds: 3600}\n"), "drills shape no real event"
