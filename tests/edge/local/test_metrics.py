"""What Prometheus reads: parsed by its own parser, named as it wants, labels few and without secrets."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from edge.local.metrics import metrics_page
from tests.edge.local.box import meter, whole_view
from tests.edge.local.conftest import Served

OPEN = "application/openmetrics-text; version=1.0.0"


def families(view: object = None) -> dict[str, Metric]:
    content, _ = metrics_page(view or whole_view(), "")  # type: ignore[arg-type] # a BoxView
    return {family.name: family for family in parse(content.decode())}


def value(found: dict[str, Metric], family: str, **labels: str) -> float:
    """The one sample with these labels."""
    samples = [
        sample.value
        for sample in found[family].samples
        if all(sample.labels.get(name) == label for name, label in labels.items())
    ]
    assert len(samples) == 1, (family, labels, found[family].samples)
    return samples[0]


def test_figures_arrive() -> None:
    found = families()
    assert value(found, "gridsentry_source_up", source="gate-3") == 1
    assert value(found, "gridsentry_source_up", source="tower-2") == 0
    assert value(found, "gridsentry_source_condition", source="court-5", condition="moved") == 1
    assert value(found, "gridsentry_source_frames_decoded", source="gate-3") == 9000
    assert value(found, "gridsentry_source_frames_dropped", source="gate-3", reason="late") == 5
    assert value(found, "gridsentry_source_sight_seconds", source="gate-3", sight="blind") == 90
    assert value(found, "gridsentry_source_faults", source="well-12", kind="clock_skew") == 3
    assert value(found, "gridsentry_source_questions", source="gate-3", outcome="shed") == 2
    assert value(found, "gridsentry_child_up", child="uplink") == 1
    assert value(found, "gridsentry_child_restarts", child="cameras-1") == 1
    assert value(found, "gridsentry_child_resident_memory_bytes", child="supervisor") > 1e6
    assert value(found, "gridsentry_outbox_waiting_events") == 12
    assert value(found, "gridsentry_outbox_waiting_evidence_bytes") == 3_400_000
    assert value(found, "gridsentry_outbox_waiting_files") == 4
    assert 80 < value(found, "gridsentry_outbox_oldest_waiting_seconds") < 600
    assert value(found, "gridsentry_uplink_trouble") == 1
    assert value(found, "gridsentry_evidence_dropped_bytes") == 500_000
    assert value(found, "gridsentry_inference_up", model="people") == 1
    assert value(found, "gridsentry_inference_questions", model="people", outcome="answered") == 90
    assert value(found, "gridsentry_inference_shedding", step="rate") == 1
    assert value(found, "gridsentry_inference_info", precision="int8", selftest="passed", version="1.0") == 1
    assert value(found, "gridsentry_inference_change_refused", model="people") == 1
    assert value(found, "gridsentry_inference_changes", model="people", outcome="taken_over") == 2
    assert value(found, "gridsentry_config_refused") == 0
    assert value(found, "gridsentry_ready") == 1
    assert value(found, "gridsentry_device_condition", condition="disk_short") == 1
    assert value(found, "gridsentry_device_disk_free_bytes") == 4.12e8


def test_labels_are_few_and_without_secrets() -> None:
    noisy = Counter({f"reason no {number} of rtsp://admin:s3cret@10.0.0.{number}": 1 for number in range(200)})
    view = whole_view(sources={"gate-3": meter(frames_dropped=noisy, conditions=["what http://a:b@c", "frozen"])})
    content, _ = metrics_page(view, "")
    assert b"s3cret" not in content
    assert b"http:" not in content
    dropped = families(view)["gridsentry_source_frames_dropped"].samples
    assert [(sample.labels["reason"], sample.value) for sample in dropped] == [("other", 200.0)]


@pytest.mark.parametrize("accept", ["", "text/plain;version=0.0.4", OPEN], ids=["none", "text", "open"])
def test_every_family_follows_the_conventions(accept: str) -> None:
    content, media_type = metrics_page(whole_view(), accept)
    reader = parse_open if "openmetrics" in media_type else parse
    found = list(reader(content.decode()))
    names = [family.name for family in found]
    assert len(names) == len(set(names)) > 40
    for family in found:
        assert re.fullmatch(r"gridsentry_[a-z][a-z0-9_]*", family.name)
        assert family.documentation.endswith((".", "1.")), family.name
        assert family.type in {"gauge", "counter"}, family.name
        assert not re.search(r"_(ms|millis|mb|kb|percent|minutes|hours|total|count)$", family.name), "base units"
        for sample in family.samples:
            assert sample.name == family.name + ("_total" if family.type == "counter" else "")
        identities = [tuple(sorted(sample.labels.items())) for sample in family.samples]
        assert len(identities) == len(set(identities)), family.name


def test_a_quiet_box_has_every_family_too() -> None:
    quiet = whole_view(sources={}, children=(), uplink={}, inference=(), log=(), events=())
    assert families(quiet).keys() == families().keys()


def test_prometheus_reads_it_with_the_token(served: Served) -> None:
    with served.owner() as client:
        answer = client.get("/metrics", headers={"Accept": OPEN})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert any(family.name == "gridsentry_source_up" for family in parse_open(answer.text))


# ---- the files for Grafana and Prometheus


def metric_names(expression: str) -> set[str]:
    return set(re.findall(r"\bgridsentry_[a-z0-9_]+", expression))


@pytest.fixture(scope="module")
def sample_names() -> set[str]:
    """Every name that a sample can have."""
    return {family.name + ("_total" if family.type == "counter" else "") for family in families().values()}


@pytest.fixture(scope="module")
def label_names() -> set[str]:
    return {label for family in families().values() for sample in family.samples for label in sample.labels}


def test_the_dashboard_names_what_exists(root: Path, sample_names: set[str]) -> None:
    board = json.loads((root / "configs/grafana/gridsentry-edge.json").read_text(encoding="utf-8"))
    expressions = [
        target["expr"] for panel in board["panels"] for target in panel.get("targets", ()) if panel["type"] != "row"
    ]
    assert len(expressions) > 15
    for expression in expressions:
        assert metric_names(expression), expression
        assert metric_names(expression) <= sample_names, expression
        assert expression.count("(") == expression.count(")")
    for variable in board["templating"]["list"]:
        assert metric_names(json.dumps(variable)) <= sample_names
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    boxes = [panel["gridPos"] for panel in board["panels"]]
    cells = [
        (x, y)
        for box in boxes
        for x in range(box["x"], box["x"] + box["w"])
        for y in range(box["y"], box["y"] + box["h"])
    ]
    assert len(cells) == len(set(cells)), "panels do not lie on each other"
    assert max(x for x, _ in cells) < 24


def test_the_alerts_name_what_exists(root: Path, sample_names: set[str], label_names: set[str]) -> None:
    rules = yaml.safe_load((root / "configs/grafana/alerts.yaml").read_text(encoding="utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    names = {rule["alert"] for rule in alerts}
    assert names >= {"SourceBlind", "SourceOffline", "ChildRestarting", "OutboxGrowing", "DiskShort"}
    for rule in alerts:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert metric_names(rule["expr"]), rule
        assert metric_names(rule["expr"]) <= sample_names, rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "description"} <= set(rule["annotations"])
        used = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert used <= label_names | {"instance"}, rule["alert"]
