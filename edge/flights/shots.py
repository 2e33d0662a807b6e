"""What a drone took, picture by picture, with the record that belongs to each: before anything is computed of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from edge.detectors.interface import Image
from edge.flights.flight_settings import FlightSettings, LensSettings
from edge.flights.lenses import LensError, LensReading, lens_of
from edge.flights.material import FlightError, shown
from edge.flights.pictures import KeyMoment, VideoPictures, read_still_bgr
from edge.flights.reading.logs import Clues
from edge.flights.reading.sniff import read_telemetry
from edge.flights.reading.stills import LensHint, read_still
from edge.flights.telemetry import Fix, Interpretation, Positioning, TelemetryError, TelemetryLog, Unread
from edge.flights.tracks import Track

MOST_EXAMPLES = 5
_NEVER = datetime.min.replace(tzinfo=UTC)
_LENGTHS_APART_S, _LENGTHS_APART = 5.0, 0.1
"""Of log and video: more, and they may not belong together."""


class Progress(Protocol):
    """Told what is being done, for whoever waits."""

    def begins(self, what: str, total: int) -> None:
        """A step of `total` pictures begins."""

    def advances(self) -> None:
        """One of them is done."""


class NoProgress:
    def begins(self, what: str, total: int) -> None:
        pass

    def advances(self) -> None:
        pass


@dataclass(slots=True)
class Tally:
    """Why pictures were not used: counted, with a few examples each."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, example: str) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        kept = self.examples.setdefault(reason, [])
        if len(kept) < MOST_EXAMPLES:
            kept.append(shown(example))


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """One picture that has a record and a lens."""

    name: str
    order: int
    """Among all pictures found, from 0."""
    fix: Fix
    lens: LensReading
    read_bgr: Callable[[], Image]
    log_seconds: float = 0.0
    """Of a video's picture: which time of the log it is."""
    added_sigma_m: float = 0.0
    """What the time between records adds to the record's errors (see `tracks`)."""
    added_heading_degrees: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """All that was found of a flight, in the order of time."""

    kind: str
    """`stills` or `video`."""
    dialect: str
    log: str
    """Of a video: its log's name."""
    found: int
    """Pictures, used or not."""
    shots: tuple[Shot, ...]
    fixes: tuple[Fix, ...]
    """All records: where the drone was, also between pictures."""
    interpretations: tuple[Interpretation, ...]
    unread: tuple[tuple[str, Unread], ...]
    """With the name of the file each is of."""
    remarks: tuple[str, ...] = ()


def stills_of(paths: Sequence[Path], settings: FlightSettings, tally: Tally, progress: Progress) -> Taken:
    """Reads EXIF and XMP of stills; no picture is decoded."""
    clues = _clues(settings)
    lenses = _Lenses(settings.lens)
    shots: list[Shot] = []
    interpretations: list[Interpretation] = []
    unread: list[tuple[str, Unread]] = []
    progress.begins("reading", len(paths))
    for order, path in enumerate(paths):
        name = shown(path.name)
        progress.advances()
        try:
            still = read_still(path, clues)
        except TelemetryError as error:
            tally.add("is no picture that can be read", f"{name}: {_without_path(error, path)}")
            continue
        interpretations += still.interpretations
        unread += [(name, each) for each in still.unread]
        if still.fix is None:
            why = still.unread[-1].why if still.unread else "has no position"
            tally.add("has no usable position", f"{name}: {why}")
            continue
        try:
            lens = lenses.of_still(still.lens)
        except LensError as error:
            tally.add("has no usable lens", f"{name}: {error}")
            continue
        fix = _positioned(replace(still.fix, taken_at=still.taken_at), settings)
        size = (lens.lens.width, lens.lens.height)
        shots.append(Shot(name, order, fix, lens, partial(read_still_bgr, path, size)))
    shots, note = _in_order(shots)
    return Taken(
        "stills",
        "still",
        "",
        len(paths),
        tuple(shots),
        tuple(shot.fix for shot in shots),
        (*interpretations, *note),
        tuple(unread),
    )


def _in_order(shots: list[Shot]) -> tuple[list[Shot], tuple[Interpretation, ...]]:
    if all(shot.fix.taken_at is not None for shot in shots):
        return sorted(shots, key=lambda shot: (shot.fix.taken_at or _NEVER, shot.order)), ()
    without = sum(shot.fix.taken_at is None for shot in shots)
    note = Interpretation(
        "order of pictures",
        "by their names",
        f"{without} of {len(shots)} do not say when they were taken",
        certain=False,
    )
    return shots, (note,)


def video_of(
    path: Path, settings: FlightSettings, tally: Tally, progress: Progress, at_seconds: float | None = None
) -> Taken:
    """Key frames of a video with its log's records; no picture is decoded. `at_seconds`: only the picture of this time.

    Raises:
        FlightError: no video, no log, a log without times, or one of another video.
    """
    video = VideoPictures(path)
    log = _log_of(path, settings)
    offset, remarks = _offset(path, video, log, settings)
    if at_seconds is None:
        moments = _thinned(video.key_moments(), settings.choice.seconds_between)
    else:
        moments = [KeyMoment(0, at_seconds)]  # nobody reads it: its place is asked, not its picture
    if not moments:
        raise FlightError(f"{shown(path)}: no key frame can be read: it is broken from its beginning, copy it again")
    track, lenses = Track(log.fixes), _Lenses(settings.lens)
    shots: list[Shot] = []
    progress.begins("reading", len(moments))
    for order, moment in enumerate(moments):
        progress.advances()
        name = f"{moment.seconds:09.3f}"
        at = track.at(moment.seconds + offset)
        if at is None:
            tally.add("the log has no record of its time", f"{name} s of the video")
            continue
        try:
            lens = lenses.of_video(video.width, video.height, at.fix)
        except LensError as error:
            tally.add("has no usable lens", f"{name} s: {error}")
            continue
        fix = _positioned(replace(at.fix, media_time=moment.seconds), settings)
        read = partial(video.read_bgr, moment)
        when = moment.seconds + offset
        shots.append(Shot(name, order, fix, lens, read, when, at.added_sigma_m, at.added_heading_degrees))
    beside = shown(Path(log.path).name)
    return Taken(
        "video",
        log.dialect,
        beside,
        len(moments),
        tuple(shots),
        log.fixes,
        log.interpretations,
        tuple((beside, each) for each in log.unread),
        (*remarks, *_sparse(moments)),
    )


def _log_of(path: Path, settings: FlightSettings) -> TelemetryLog:
    clues = _clues(settings)
    try:
        log = read_telemetry(path, near=clues.near, zone=clues.zone)
    except TelemetryError as error:
        raise FlightError(f"{shown(path)}: no log of this video can be used: {shown(error)}") from error
    if all(fix.media_time is None for fix in log.fixes):
        raise FlightError(
            f"{shown(log.path)}: its {len(log.fixes)} records do not say at which second of the video they are: add a "
            "column media_time_s, or give the log that the drone wrote with the video"
        )
    return log


def _offset(
    path: Path, video: VideoPictures, log: TelemetryLog, settings: FlightSettings
) -> tuple[float, tuple[str, ...]]:
    """Seconds of the log at the first picture, and what is odd about it."""
    if settings.log_offset_s is not None:
        return settings.log_offset_s, ()
    times = [fix.media_time for fix in log.fixes if fix.media_time is not None]
    lasts, log_lasts = video.seconds, max(times)
    if lasts is None:
        return 0.0, ()
    apart = max(_LENGTHS_APART_S, _LENGTHS_APART * lasts)
    if log_lasts > lasts + apart:
        raise FlightError(
            f"{shown(path)}: lasts {lasts:.0f} s, its log {shown(Path(log.path).name)} {log_lasts:.0f} s: is it the "
            "log of another video, or of the whole flight? Give this video's own, or state log_offset_s (seconds of "
            "the log at the first picture)"
        )
    if log_lasts < lasts - apart:
        return 0.0, (
            f"the log ends at {log_lasts:.0f} s, the video at {lasts:.0f} s: is it this video's log? What comes after "
            "it is not used",
        )
    return 0.0, ()


def _thinned(moments: Iterable[KeyMoment], seconds: float) -> list[KeyMoment]:
    """One in so many seconds. A tenth less, for key frames that come each second, or nearly."""
    kept: list[KeyMoment] = []
    for moment in sorted(moments, key=lambda each: each.seconds):
        if not kept or moment.seconds - kept[-1].seconds >= 0.9 * seconds:
            kept.append(moment)
    return kept


def _sparse(moments: Sequence[KeyMoment]) -> tuple[str, ...]:
    if len(moments) < 2:
        return ()
    between = (moments[-1].seconds - moments[0].seconds) / (len(moments) - 1)
    if between <= 4.0:
        return ()
    return (f"the video has a key frame every {between:.0f} s only: set the recorder to one a second, or take stills",)


def _clues(settings: FlightSettings) -> Clues:
    return Clues(settings.near, ZoneInfo(settings.zone) if settings.zone else None)


def _positioned(fix: Fix, settings: FlightSettings) -> Fix:
    if settings.positioning is None or fix.positioning is not Positioning.UNKNOWN:
        return fix
    return replace(fix, positioning=settings.positioning)


def _without_path(error: Exception, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")


class _Lenses:
    """Makes each lens once: a flight has one camera, mostly."""

    def __init__(self, settings: LensSettings) -> None:
        self._settings = settings
        self._made: dict[object, LensReading | LensError] = {}

    def of_still(self, hint: LensHint) -> LensReading:
        if not (hint.width and hint.height):
            raise LensError("the picture does not say how large it is")
        said = self._settings
        stated = said.focal_px is not None
        return self._made_once(
            width=hint.width,
            height=hint.height,
            model=said.model or hint.model or None,
            focal_px=said.focal_px if stated else hint.focal_px,
            focal_mm=said.focal_mm or hint.focal_mm,
            focal_35mm_mm=said.focal_35mm_mm or hint.focal_35mm_mm,
            sensor_width_mm=said.sensor_width_mm,
            centre_px=said.centre_px or (None if stated else hint.centre_px),
            distortion=said.distortion if stated or said.distortion is not None else hint.distortion,
            calibrated=said.calibrated if stated else hint.calibrated,
            straightened=hint.straightened,
            digital_zoom=hint.digital_zoom,
        )

    def of_video(self, width: int, height: int, fix: Fix) -> LensReading:
        said = self._settings
        # Between two records it changes by parts of a millimetre: not each of them is another lens.
        equivalent = said.focal_35mm_mm or (None if fix.focal_35mm_mm is None else round(fix.focal_35mm_mm, 2))
        return self._made_once(
            width=width,
            height=height,
            model=said.model,
            focal_px=said.focal_px,
            focal_mm=said.focal_mm or fix.focal_mm,
            focal_35mm_mm=equivalent,
            sensor_width_mm=said.sensor_width_mm,
            centre_px=said.centre_px,
            distortion=said.distortion,
            calibrated=said.calibrated,
            digital_zoom=fix.digital_zoom,
            is_video=True,
        )

    def _made_once(self, **said: object) -> LensReading:
        key = tuple(said.items())
        if key not in self._made:
            if len(self._made) > 1_000:
                raise LensError("pictures of over a thousand lenses: is it one flight?")
            try:
                self._made[key] = lens_of(**said)  # type: ignore[arg-type]
            except LensError as error:
                self._made[key] = error
        made = self._made[key]
        if isinstance(made, LensError):
            raise made
        return made
