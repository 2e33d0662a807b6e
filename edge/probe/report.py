"""What `probe` prints: for people, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from edge.probe.advice import Advice
from edge.probe.onvif import OnvifDevice
from edge.probe.sample import Sample
from edge.sources.decoding import accelerators


def sample_document(sample: Sample, advice: Sequence[Advice], still: str) -> dict[str, Any]:
    """The sample as JSON types."""
    document = {key: value for key, value in asdict(sample).items() if key != "still"}
    document["taken_at"] = sample.taken_at.isoformat()
    document["costs"] = [
        {**asdict(cost), "mode": str(cost.mode), "streams_per_core": _streams_per_core(cost.core_share)}
        for cost in sample.costs
    ]
    document["accelerators"] = dict(accelerators())
    document["advice"] = [asdict(each) for each in advice]
    document["still"] = still
    return document


def print_sample(console: Console, sample: Sample, advice: Sequence[Advice], still: str) -> None:
    """Prints a sample for people."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(sample):
        table.add_row(name, value)
    console.print(table, markup=False)
    costs = Table(title="decoding on this machine, one thread", title_justify="left")
    for heading in ("mode", "pictures", "ms a picture", "of a core", "streams a core"):
        costs.add_column(heading, justify="left" if heading == "mode" else "right")
    for cost in sample.costs:
        per_core = _streams_per_core(cost.core_share)
        costs.add_row(
            str(cost.mode),
            str(cost.pictures),
            f"{cost.ms_per_picture:.2f}",
            f"{cost.core_share:.2%}",
            "-" if per_core is None else f"{per_core:.0f}",
        )
    console.print(costs)
    usable = [name for name, reason in accelerators().items() if not reason]
    console.print(f"accelerators: {', '.join(usable) or 'none usable on this machine'}", markup=False)
    for each in advice:
        console.print(f"! {each.found}", markup=False, style="yellow", soft_wrap=True)
        console.print(f"  → {each.remedy}", markup=False, soft_wrap=True)
    console.print(f"still: {still}", markup=False, soft_wrap=True)


def _rows(sample: Sample) -> list[tuple[str, str]]:
    profile = f", {sample.profile}" if sample.profile else ""
    nominal = "" if sample.nominal_fps is None else f" (says {sample.nominal_fps:.2f})"
    spread = "" if sample.interval_spread is None else f", intervals vary by {sample.interval_spread:.0%}"
    group = "only one key frame seen"
    if sample.group_frames is not None and sample.group_seconds is not None:
        group = f"{sample.group_frames:.0f} frames, {sample.group_seconds:.2f} s"
    disposable = "" if not sample.disposable_share else f", {sample.disposable_share:.0%} of pictures no other needs"
    clock = "none: it sends no sender reports"
    if sample.clock is not None:
        clock = f"{sample.clock.ahead_seconds:+.3f} s against ours, from {sample.clock.reports} packets"
    return [
        ("address", sample.address),
        ("by", f"{sample.transport}, open after {sample.opened_seconds:.2f} s, watched {sample.watched_seconds:.1f} s"),
        ("video", f"{sample.codec}{profile}, {sample.width} × {sample.height}, {sample.pixel_format}"),
        ("rate", "unknown" if sample.fps is None else f"{sample.fps:.2f} a second{nominal}{spread}"),
        ("key frames", group + disposable + (", B-frames" if sample.reordered else "")),
        ("bit rate", "unknown" if sample.bits_per_second is None else f"{sample.bits_per_second / 1000:.0f} kbit/s"),
        ("sound", sample.audio or "none"),
        ("clock", clock),
    ]


def _streams_per_core(core_share: float) -> float | None:
    return round(1 / core_share, 1) if core_share > 0 else None


def device_document(device: OnvifDevice, snippet: str) -> dict[str, Any]:
    """The device as JSON types."""
    return {**asdict(device), "configuration": snippet}


def print_device(console: Console, device: OnvifDevice, snippet: str) -> None:
    """Prints a camera's streams for people, and how they are written into the configuration."""
    console.print(f"{device.maker} {device.model}, firmware {device.firmware}", markup=False)
    table = Table()
    for heading in ("profile", "encoding", "size", "a second", "kbit/s", "address"):
        table.add_column(heading, overflow="fold")
    for profile in device.profiles:
        size = f"{profile.width} × {profile.height}" if profile.width and profile.height else "-"
        table.add_row(
            profile.name,
            profile.encoding,
            size,
            "-" if profile.fps is None else f"{profile.fps:g}",
            "-" if profile.bits_per_second is None else f"{profile.bits_per_second / 1000:.0f}",
            profile.uri,
        )
    console.print(table)
    console.print(snippet, markup=False, soft_wrap=True)


def configuration_for(device: OnvifDevice, username: str | None) -> str:
    """A piece of configuration for a camera, ready but for its place."""
    import yaml

    if device.main is None:
        return "# the camera names no address of a stream"
    address: dict[str, Any] = {"type": "rtsp"}
    if device.sub is not None:
        address["streams"] = {"main": device.main.uri, "sub": device.sub.uri}
    else:
        address["url"] = device.main.uri
    if username is not None:
        address |= {"username": username, "password_file": "camera.password"}
    source = {
        "kind": "camera",
        "name": device.model[:100],
        "location": {"lon": 0.0, "lat": 0.0, "accuracy_m": 30},
        "input": address,
    }
    text: str = yaml.safe_dump({"sources": {"camera-1": source}}, sort_keys=False, allow_unicode=True, width=200)
    return "# lon and lat: where the camera is, WGS-84\n" + text
