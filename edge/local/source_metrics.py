"""The metrics of cameras and sensors, from their meters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edge.local.families import bounded, counter, gauge
from edge.status import SourceMeter

ONLINE = "online"


@dataclass(frozen=True, slots=True)
class _Figure:
    """One figure a source."""

    name: str
    text: str
    read: Callable[[SourceMeter], float]


_GAUGES = (
    _Figure("source_up", "Whether pictures or readings come and can be judged: 1 or 0.", lambda m: m.state == ONLINE),
    _Figure("source_frames_per_second", "Pictures decoded a second, lately.", lambda m: m.fps),
    _Figure("source_lag_seconds", "How far judging is behind the source.", lambda m: m.lag_seconds),
    _Figure("source_ring_bytes", "Encoded video kept in memory for clips.", lambda m: m.ring_bytes),
    _Figure("source_ring_seconds", "Length of the video kept in memory.", lambda m: m.ring_seconds),
    _Figure("source_broken_detectors", "Detectors that are broken now.", lambda m: len(m.broken_detectors)),
    _Figure("source_canary_latency_seconds", "Of the latest drill that was found.", lambda m: m.canary_latency_seconds),
    _Figure("source_canary_lost", "Whether the latest drill was not found: 1 or 0.", lambda m: bool(m.canary_lost)),
    _Figure("source_open_episodes", "Hazards that go on now.", lambda m: m.open_episodes),
)
_COUNTERS = (
    _Figure("source_frames_decoded", "Pictures decoded.", lambda m: m.frames_decoded),
    _Figure("source_frames_judged", "Pictures that a detector looked at.", lambda m: m.frames_judged),
    _Figure("source_packets_read", "Packets received.", lambda m: m.packets_read),
    _Figure("source_packets_broken", "Packets that could not be decoded.", lambda m: m.packets_broken),
    _Figure("source_received_bytes", "Bytes received.", lambda m: m.bytes_read),
    _Figure("source_sessions", "How often the source was opened.", lambda m: m.sessions),
    _Figure("source_session_failures", "How often opening or reading failed.", lambda m: m.failures),
    _Figure(
        "source_observations_inhibited", "Observations not believed: no sight.", lambda m: m.observations_inhibited
    ),
    _Figure("source_episodes_folded", "The same seen again within its cool-down.", lambda m: m.episodes_folded),
    _Figure("source_alarms_demoted", "Alarms moved to review: the budget was spent.", lambda m: m.alarms_demoted),
    _Figure("source_cpu_seconds", "Processor time of the source's own thread.", lambda m: m.cpu_seconds),
)
_COUNTED = (
    ("source_frames_dropped", "Pictures that should have been looked at and were not.", "reason", "frames_dropped"),
    ("source_events", "Hazard events said.", "hazard", "events"),
    ("source_questions", "Questions to models, by what became of them.", "outcome", "questions"),
    ("source_stills", "Stills of evidence, by whether people and vehicles were blurred.", "outcome", "stills"),
    ("source_detector_faults", "Times that a detector broke.", "detector", "detector_faults"),
    ("source_canaries", "Drills, by what became of them.", "outcome", "canaries"),
    ("source_faults", "Messages that are no reading.", "kind", "faults"),
)


def source_metrics(sources: Mapping[str, SourceMeter], monotonic: float) -> Iterator[Metric]:
    """All families of sources. `monotonic`: now, on the clock that stamps `last_frame_at`."""
    meters = [sources[name] for name in sorted(sources)]
    yield _info(meters)
    for figure in _GAUGES:
        yield _filled(gauge(figure.name, figure.text, ["source"]), figure, meters)
    for figure in _COUNTERS:
        yield _filled(counter(figure.name, figure.text, ["source"]), figure, meters)
    yield _frame_age(meters, monotonic)
    yield _sight(meters)
    yield _conditions(meters)
    for name, text, label, field in _COUNTED:
        family = counter(name, text, ["source", label])
        for meter in meters:
            for key, count in sorted(_bounded_counts(getattr(meter, field)).items()):
                family.add_metric([meter.source_id, key], count)
        yield family


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, figure: _Figure, meters: list[SourceMeter]
) -> GaugeMetricFamily | CounterMetricFamily:
    for meter in meters:
        family.add_metric([meter.source_id], float(figure.read(meter)))
    return family


def _bounded_counts(counts: Mapping[str, int]) -> Mapping[str, int]:
    """Counts under bounded names; what becomes `other` is added up, for a sample may come only once."""
    merged: dict[str, int] = {}
    for key, count in counts.items():
        merged[bounded(key)] = merged.get(bounded(key), 0) + count
    return merged


def _info(meters: list[SourceMeter]) -> Metric:
    family = gauge(
        "source_info", "What the source is; always 1.", ["source", "kind", "name", "codec", "size", "role", "decoding"]
    )
    for meter in meters:
        size = f"{meter.width}x{meter.height}" if meter.width else ""
        labels = [meter.source_id, meter.kind, meter.name, meter.codec, size, meter.role, meter.decoding]
        family.add_metric(labels, 1)
    return family


def _frame_age(meters: list[SourceMeter], monotonic: float) -> Metric:
    family = gauge("source_last_frame_age_seconds", "How long ago the latest picture or reading came.", ["source"])
    for meter in meters:
        if meter.last_frame_at:
            family.add_metric([meter.source_id], max(0.0, monotonic - meter.last_frame_at))
    return family


def _sight(meters: list[SourceMeter]) -> Metric:
    text = "Time in which the source could see, was blind, or could not say which."
    family = counter("source_sight_seconds", text, ["source", "sight"])
    for meter in meters:
        for sight in ("sight", "blind", "unknown"):
            family.add_metric([meter.source_id, sight], getattr(meter, f"{sight}_seconds"))
    return family


def _conditions(meters: list[SourceMeter]) -> Metric:
    family = gauge("source_condition", "1 while something is wrong with the source's sight.", ["source", "condition"])
    for meter in meters:
        for condition in sorted({bounded(condition) for condition in meter.conditions}):
            family.add_metric([meter.source_id, condition], 1)
    return family
