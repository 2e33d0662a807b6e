"""The box for Prometheus: base units, `_total` for what only grows, and labels whose values are few.

Counters of a source start anew with its worker; Prometheus' `rate` and `increase` know that.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from edge.local.families import bounded, counter, gauge, number
from edge.local.readiness import unready_reasons
from edge.local.source_metrics import source_metrics
from edge.view import BoxView, ChildState

SUPERVISOR = "supervisor"


def metrics_page(view: BoxView, accept: str) -> tuple[bytes, str]:
    """The page and its media type, in the format that the asker prefers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(BoxCollector(view))
    encoder, media_type = choose_encoder(accept)
    return encoder(registry), media_type


class BoxCollector(Collector):
    """The metrics of one moment."""

    def __init__(self, view: BoxView) -> None:
        self._view = view

    def collect(self) -> Iterable[Metric]:
        """Every family, also those without a sample now: a dashboard must not break on a quiet box."""
        view, now = self._view, datetime.now(UTC)
        yield from _box(view)
        yield from _children(view)
        yield from source_metrics(view.sources, time.monotonic())
        yield from _outbox(view.uplink, now)
        yield from _device(view.uplink.get("device") or {})
        yield from _inference(view.inference)


def _box(view: BoxView) -> Iterator[Metric]:
    info = gauge("build_info", "What runs; always 1.", ["version", "python", "device"])
    info.add_metric([view.software, platform.python_version(), view.device_id], 1)
    yield info
    started = gauge("start_time_seconds", "When the program started, seconds since 1970.")
    started.add_metric([], view.started_at.timestamp())
    yield started
    ready = gauge("ready", "Whether the box is fit to watch: 1 or 0.")
    ready.add_metric([], float(not unready_reasons(view)))
    yield ready
    age = gauge("supervisor_loop_age_seconds", "How long ago the supervisor's loop last came round.")
    age.add_metric([], view.loop_age_seconds)
    yield age
    loaded = gauge("config_loaded_time_seconds", "When the configuration in force was loaded, seconds since 1970.")
    loaded.add_metric([], view.config.loaded_at.timestamp())
    yield loaded
    refused = gauge(
        "config_refused", "Whether a changed configuration was refused and the one before it holds: 1 or 0."
    )
    refused.add_metric([], float(view.config.refused_at is not None))
    yield refused
    holding = gauge("config_info", "The configuration in force; always 1.", ["sha256"])
    holding.add_metric([view.config.sha256], 1)
    yield holding


def _children(view: BoxView) -> Iterator[Metric]:
    names = ["child", "kind"]
    up = gauge("child_up", "Whether the process runs and reports: 1 or 0.", names)
    restarts = counter("child_restarts", "How often the process was replaced.", names)
    age = gauge("child_report_age_seconds", "How long ago the process last reported.", names)
    cpu = counter("child_cpu_seconds", "Processor time of the present process.", names)
    memory = gauge("child_resident_memory_bytes", "Memory of the process.", names)
    opened = gauge("child_open_files", "Open file descriptors.", names)
    threads = gauge("child_threads", "Threads.", names)
    for child in view.children:
        labels = [child.name, child.kind.value]
        up.add_metric(labels, float(child.state is ChildState.RUNNING))
        restarts.add_metric(labels, child.restarts)
        if child.last_report_age_seconds is not None:
            age.add_metric(labels, child.last_report_age_seconds)
        cpu.add_metric(labels, child.cpu_seconds)
        memory.add_metric(labels, child.rss_bytes)
        opened.add_metric(labels, child.open_files)
        threads.add_metric(labels, child.threads)
    _add_ourselves(cpu, memory, opened, threads)
    return iter((up, restarts, age, cpu, memory, opened, threads))


def _add_ourselves(
    cpu: CounterMetricFamily, memory: GaugeMetricFamily, opened: GaugeMetricFamily, threads: GaugeMetricFamily
) -> None:
    """The supervisor, which serves this page, beside its children."""
    labels = [SUPERVISOR, SUPERVISOR]
    process = psutil.Process(os.getpid())
    cpu.add_metric(labels, time.process_time())
    memory.add_metric(labels, process.memory_info().rss)
    opened.add_metric(labels, process.num_fds())
    threads.add_metric(labels, process.num_threads())


def _outbox(uplink: Mapping[str, Any], now: datetime) -> Iterator[Metric]:
    for key, name, text in (
        ("waiting_events", "outbox_waiting_events", "Events that the server has not got."),
        ("waiting_files", "outbox_waiting_files", "Files of evidence that the server has not got."),
        ("waiting_bytes", "outbox_waiting_evidence_bytes", "Evidence that the server has not got."),
        ("refused_events", "outbox_refused_events", "Events that the server refused, kept here."),
        ("failed_files", "outbox_failed_files", "Files that failed too often; `outbox retry` sends them again."),
        ("open_episodes", "outbox_open_episodes", "Hazards that go on now, of all sources."),
        ("updates_withheld", "outbox_updates_withheld", "Updates that were not kept because the disk was full."),
        ("configured", "uplink_configured", "Whether a server is configured: 1 or 0."),
    ):
        family = gauge(name, text)
        value = number(uplink.get(key))
        if value is not None:
            family.add_metric([], value)
        yield family
    for key, name, text in (
        ("dropped_files", "evidence_dropped_files", "Files given up before the server had them."),
        ("dropped_bytes", "evidence_dropped_bytes", "Bytes of the files that were given up."),
    ):
        grown = counter(name, text)
        value = number(uplink.get(key))
        if value is not None:
            grown.add_metric([], value)
        yield grown
    oldest = gauge("outbox_oldest_waiting_seconds", "Age of the oldest event that waits; 0: none waits.")
    unusable = gauge("outbox_trouble", "Whether events cannot be kept now: 1 or 0.")
    trouble = gauge("uplink_trouble", "Whether the uplink fails now: 1 or 0.")
    if uplink:
        oldest.add_metric([], _age(uplink.get("oldest_waiting_at"), now))
        trouble.add_metric([], float(bool(uplink.get("trouble"))))
        unusable.add_metric([], float(bool(uplink.get("outbox_trouble"))))
    yield unusable
    yield oldest
    yield trouble


def _device(device: Mapping[str, Any]) -> Iterator[Metric]:
    """What the box says of itself, see `edge.health.device`."""
    wrong = gauge("device_condition", "1 while something is wrong with the box itself.", ["condition"])
    for condition in sorted({bounded(name) for name in device.get("conditions", ())}):
        wrong.add_metric([condition], 1)
    yield wrong
    measured = device.get("measured", {})
    for key, text in (
        ("disk_free_bytes", "Free space of the disk that holds the state folder."),
        ("disk_total_bytes", "Size of the disk that holds the state folder."),
        ("hottest_celsius", "Temperature of the part nearest to its limit."),
        ("clock_offset_seconds", "How far the clock is off, as far as it knows."),
    ):
        family = gauge(f"device_{key}", text)
        value = number(measured.get(key))
        if value is not None:
            family.add_metric([], value)
        yield family


def _age(moment: object, now: datetime) -> float:
    """Seconds since an RFC 3339 time; 0 if there is none."""
    if isinstance(moment, str) and moment:
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return 0.0
    if not isinstance(moment, datetime):
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (now - aware).total_seconds())


_SESSION = ("process", "model")
_SESSION_FACTS = ("version", "plan", "sha256", "precision", "selftest")
_SESSION_GAUGES = (
    ("waiting", "inference_waiting_questions", "Questions that wait for the model."),
    ("wait_seconds", "inference_longest_wait_seconds", "How long the oldest of them has waited."),
    ("run_seconds", "inference_run_seconds", "How long a run of the model takes, lately."),
    ("hanging_threads", "inference_hanging_threads", "Threads that a library has not come back to."),
)


def _inference(sessions: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    info = gauge("inference_info", "How the model is run; always 1.", [*_SESSION, *_SESSION_FACTS])
    up = gauge("inference_up", "Whether the model answers: 1 or 0.", _SESSION)
    shedding = gauge("inference_shedding", "1 for what is given up because the box is overloaded.", [*_SESSION, "step"])
    counted = counter("inference_questions", "Questions by what became of them, and runs.", [*_SESSION, "outcome"])
    refused = gauge("inference_change_refused", "1: the configured model is refused, the one before serves.", _SESSION)
    changed = counter("inference_changes", "Changed models by what became of them.", [*_SESSION, "outcome"])
    gauges = [(key, gauge(name, text, _SESSION)) for key, name, text in _SESSION_GAUGES]
    for session in sessions:
        labels = [str(session.get(name, "")) for name in _SESSION]
        info.add_metric([*labels, *(str(session.get(name) or "") for name in _SESSION_FACTS)], 1)
        up.add_metric(labels, float(session.get("state") == "ready"))
        shedding.add_metric([*labels, bounded(session.get("shedding", "nothing"))], 1)
        for key, family in gauges:
            value = number(session.get(key))
            if value is not None:
                family.add_metric(labels, value)
        for outcome, count in session.get("counts", {}).items():
            counted.add_metric([*labels, bounded(outcome)], count)
        refused.add_metric(labels, float((session.get("change") or {}).get("state") == "refused"))
        for outcome, count in session.get("changes", {}).items():
            changed.add_metric([*labels, bounded(outcome)], count)
    yield from (info, up, shedding, counted, refused, changed)
    yield from (family for _, family in gauges)
