"""Stills: where and how a picture was taken, and what it says of its lens, from EXIF and the makers' XMP."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.flights.reading.angles import from_belly, upright
from edge.flights.reading.logs import Clues, Collected, number_in, zone_of
from edge.flights.reading.picture_notes import Notes, notes_of
from edge.flights.reading.plausible import fault_of
from edge.flights.reading.xmp import DJI, PARROT, PIX4D, SENSEFLY, SKYDIO, XMP
from edge.flights.telemetry import Attitude, Fix, Interpretation, Positioning, TelemetryError, TelemetryLog, Unread

DIALECT = "still"
_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_DECIMAL = re.compile(r"[-+]?\d{1,10}(?:\.\d{0,18})?(?:[eE][-+]?\d{1,2})?")
_RTK = {0: Positioning.GNSS, 16: Positioning.GNSS, 34: Positioning.RTK_FLOAT, 50: Positioning.RTK_FIXED}
"""DJI's RtkFlag: none, single point, float, fixed."""
_STEEP = -20.0
"""`Camera:Pitch` below it cannot be counted from straight down: the camera would look backwards."""


@dataclass(frozen=True, slots=True)
class LensHint:
    """What a picture says of the lens that took it. None and 0 corrections: it does not say.

    `focal_px`, `centre_px` in pixels of `width` × `height`, the picture's size as it is stored; the centre counts as
    `edge.vision.lens` does. `distortion` is (k1, k2, p1, p2, k3) of Brown's model, from DJI's DewarpData.
    """

    width: int | None
    height: int | None
    make: str
    model: str
    focal_mm: float | None
    focal_35mm_mm: float | None
    digital_zoom: float | None
    focal_px: tuple[float, float] | None = None
    centre_px: tuple[float, float] | None = None
    distortion: tuple[float, float, float, float, float] | None = None
    calibrated: bool = False
    """`focal_px` is of this very lens, measured by its maker (DewarpData), not of its model."""
    straightened: bool = False
    """The camera has corrected the picture for its lens: `distortion` is then None."""


@dataclass(frozen=True, slots=True)
class Still:
    """One picture. `fix` is None if it has no position: `unread` says why."""

    path: str
    fix: Fix | None
    lens: LensHint
    taken_at: datetime | None
    interpretations: tuple[Interpretation, ...] = ()
    unread: tuple[Unread, ...] = ()


def read_still(path: Path, clues: Clues | None = None) -> Still:
    """A JPEG, TIFF or DNG.

    Raises:
        TelemetryError: it cannot be read, or is no such picture.
    """
    return _Reader(notes_of(path), path, clues or Clues()).read()


def read_still_log(path: Path, clues: Clues | None = None) -> TelemetryLog:
    """One still as a log of one fix.

    Raises:
        TelemetryError: it cannot be read, is no picture, or has no position.
    """
    still = read_still(path, clues)
    if still.fix is None:
        why = still.unread[0].why if still.unread else "has no position"
        raise TelemetryError(f"{path}: line 1 ({DIALECT}): {why}; give the flight's log beside the pictures")
    return TelemetryLog(still.path, DIALECT, (still.fix,), still.interpretations, still.unread)


class _Reader:
    def __init__(self, notes: Notes, path: Path, clues: Clues) -> None:
        self._notes = notes
        self._path = path
        self._clues = clues
        self._collected = Collected()

    def read(self) -> Still:
        for fault in self._notes.faults:
            self._collected.refuse(1, fault)
        taken = self._taken()
        fix = self._fix(taken)
        why = "has no position, neither in EXIF nor in XMP" if fix is None else fault_of(fix)
        if why is not None:
            self._collected.refuse(1, why)
            fix = None
        orientation = self._notes.number("Image Orientation")
        if orientation not in (None, 0, 1):
            because = f"EXIF orientation {orientation:g} turns it for showing"
            self._collected.read("orientation", "pixels as they are stored", because, certain=False)
        lens = self._lens()
        log = self._collected.log(self._path, DIALECT)
        return Still(log.path, fix, lens, taken, log.interpretations, log.unread)

    def _dji(self, name: str) -> float | None:
        return self._xmp(DJI, name)

    def _xmp(self, space: str, name: str) -> float | None:
        """A number; Pix4D also writes ratios, DJI a plus sign."""
        text = self._notes.xmp.get((space.rstrip("/"), name), "").strip()
        over, _, under = text.partition("/")
        value, by = number_in(over), number_in(under) if under else 1.0
        return None if value is None or not by else value / by

    # ---- place

    def _fix(self, taken: datetime | None) -> Fix | None:
        place = self._place()
        if place is None:
            return None
        positioning, horizontal, vertical = self._positioning()
        sea, ellipsoid = self._heights(positioning)
        takeoff = self._dji("RelativeAltitude")
        if takeoff is not None:
            self._collected.read("RelativeAltitude", "height above take-off", "DJI's name for it")
        notes = self._notes
        return Fix(
            1,
            place[0],
            place[1],
            taken_at=taken,
            above_takeoff_m=takeoff,
            above_sea_m=sea,
            above_ellipsoid_m=ellipsoid,
            gimbal=self._gimbal(),
            platform=self._angles(DJI, "FlightYawDegree", "FlightPitchDegree", "FlightRollDegree"),
            focal_mm=_positive(notes.number("EXIF FocalLength")),
            focal_35mm_mm=_positive(notes.number("EXIF FocalLengthIn35mmFilm")),
            digital_zoom=_positive(notes.number("EXIF DigitalZoomRatio")),
            positioning=positioning,
            horizontal_sigma_m=horizontal,
            vertical_sigma_m=vertical,
        )

    def _place(self) -> tuple[float, float] | None:
        """Latitude and longitude: EXIF's, else DJI's own."""
        found = []
        for name, plus, minus in (("Latitude", "N", "S"), ("Longitude", "E", "W")):
            parts = self._notes.numbers(f"GPS GPS{name}")
            reference = self._notes.text(f"GPS GPS{name}Ref").upper()[:1]
            if len(parts) != 3 or min(parts) < 0:
                break
            if reference not in (plus, minus):
                self._collected.read(f"GPS{name}Ref", plus, "missing", certain=False)
            degrees = parts[0] + parts[1] / 60 + parts[2] / 3600
            found.append(-degrees if reference == minus else degrees)
        if len(found) == 2 and found != [0.0, 0.0]:
            return found[0], found[1]
        latitude, longitude = self._dji("GpsLatitude"), self._dji("GpsLongitude")
        longitude = self._dji("GpsLongtitude") if longitude is None else longitude
        if latitude is not None and longitude is not None:
            return latitude, longitude
        return (0.0, 0.0) if len(found) == 2 else None

    def _heights(self, positioning: Positioning) -> tuple[float | None, float | None]:
        """Above the sea, above the ellipsoid."""
        read, notes = self._collected.read, self._notes
        absolute, name = self._dji("AbsoluteAltitude"), "AbsoluteAltitude"
        if absolute is None:
            absolute, name = notes.number("GPS GPSAltitude"), "GPSAltitude"
            reference = notes.number("GPS GPSAltitudeRef")
            if absolute is not None and reference in (1, 3):
                absolute = -absolute
            if absolute is not None and reference in (2, 3):
                read(name, "height above the ellipsoid", "GPSAltitudeRef of EXIF 3.0")
                return None, absolute
        if absolute is None:
            return None, None
        kind = notes.xmp.get((DJI.rstrip("/"), "AltitudeType"), "")
        if kind.lower() == "rtkalt" or positioning in (Positioning.RTK_FIXED, Positioning.RTK_FLOAT):
            certain = notes.text("Image Make").upper().startswith("DJI")
            read(name, "height above the ellipsoid", "DJI's drones with RTK mean it so", certain=certain)
            return None, absolute
        because = "as EXIF has it; makers write heights of barometers and above the ellipsoid there too"
        read(name, "height above the sea", because, certain=False)
        return absolute, None

    def _positioning(self) -> tuple[Positioning, float | None, float | None]:
        """How the place was found, and its standard deviations where they are stated."""
        flag = self._dji("RtkFlag")
        if flag is None:
            across, up = self._xmp(PIX4D, "GPSXYAccuracy"), self._xmp(PIX4D, "GPSZAccuracy")
            if across:
                read = self._collected.read
                read("GPSXYAccuracy", "one standard deviation", "Pix4D does not say of what share", certain=False)
            return Positioning.UNKNOWN, _positive(across), _positive(up)
        how = _RTK.get(int(flag), Positioning.UNKNOWN)
        east, north, up = (_positive(self._dji(f"RtkStd{axis}")) for axis in ("Lon", "Lat", "Hgt"))
        across = None if east is None or north is None else math.sqrt((east * east + north * north) / 2)
        return how, across, up

    # ---- turn

    def _gimbal(self) -> Attitude | None:
        found = self._angles(DJI, "GimbalYawDegree", "GimbalPitchDegree", "GimbalRollDegree")
        if found is not None:
            return found
        found = self._angles(PARROT, "CameraYawDegree", "CameraPitchDegree", "CameraRollDegree")
        return found or self._skydio() or self._belly()

    def _angles(self, space: str, *names: str) -> Attitude | None:
        yaw, pitch, roll = (self._xmp(space, name) for name in names)
        if yaw is None or pitch is None:
            return None
        if roll is None:
            self._collected.read(names[2], "0", "missing; a gimbal keeps level", certain=False)
            roll = 0.0
        if max(abs(yaw), abs(pitch), abs(roll)) > 360:
            return Attitude(yaw, pitch, roll)  # refused later, with its number
        if abs(roll) > 90:
            because = "DJI rolls a camera over that looks straight down"
            self._collected.read(names[2], f"{roll:g}, turned upright with yaw and pitch", because)
        return upright(Attitude(yaw, pitch, roll))

    def _skydio(self) -> Attitude | None:
        """`CameraOrientationNED`: a structure, in older pictures roll, pitch and yaw between commas."""
        name = "CameraOrientationNED"
        found = self._angles(SKYDIO, *(f"{name}/{angle}" for angle in ("Yaw", "Pitch", "Roll")))
        parts = _numbers(self._notes.xmp.get((SKYDIO, name), ""))
        if found is not None or len(parts) != 3 or max(map(abs, parts)) > 360:
            return found
        return upright(Attitude(parts[2], parts[1], parts[0]))

    def _belly(self) -> Attitude | None:
        """`Camera:Yaw`, `Pitch`, `Roll` as Pix4D defines them and Autel, Parrot, senseFly write them."""
        for space in (PIX4D, SENSEFLY):
            yaw, pitch, roll = (self._xmp(space, name) for name in ("Yaw", "Pitch", "Roll"))
            if yaw is None or pitch is None or roll is None or max(abs(yaw), abs(pitch), abs(roll)) > 360:
                continue
            if pitch < _STEEP:
                because = "so far below it cannot be counted from straight down, as Pix4D defines it"
                self._collected.read("Camera:Pitch", "above the horizon", because, certain=False)
                return upright(Attitude(yaw, pitch, roll))
            self._collected.read("Camera:Pitch", "from straight down", "as Pix4D defines it", certain=False)
            return from_belly(yaw, pitch, roll)
        return None

    # ---- time

    def _taken(self) -> datetime | None:
        """EXIF's time with its offset, else DJI's or XMP's own, else the satellites', else a clock without zone."""
        notes = self._notes
        local = _moment(notes.text("EXIF DateTimeOriginal"), notes.text("EXIF SubSecTimeOriginal"))
        offset = _offset(notes.text("EXIF OffsetTimeOriginal") or notes.text("EXIF OffsetTime"))
        if local is not None and offset is not None:
            return _zoned(local, offset)
        exposed = _moment(notes.xmp.get((DJI.rstrip("/"), "UTCAtExposure"), ""))
        if exposed is not None:
            because = "its name; in some pictures it is 20 s off the camera's own clock"
            self._collected.read("UTCAtExposure", "UTC", because, certain=False)
            return exposed.replace(tzinfo=UTC)
        made = notes.xmp.get((XMP.rstrip("/"), "CreateDate"), "")
        moment, offset = _moment(made), _offset(made[19:])
        if moment is not None and offset is not None:
            return _zoned(moment, offset)
        satellites = self._satellite_time()
        if satellites is not None:
            return satellites
        return None if local is None else local.replace(tzinfo=zone_of(self._clues, self._collected))

    def _satellite_time(self) -> datetime | None:
        date = self._notes.text("GPS GPSDate") or self._notes.text("GPS GPSDateStamp")
        clock = self._notes.numbers("GPS GPSTimeStamp")
        start = _moment(f"{date} 00:00:00")
        if start is None or len(clock) != 3 or not all(0 <= part <= 60 for part in clock):
            return None
        return start.replace(tzinfo=UTC) + timedelta(hours=clock[0], minutes=clock[1], seconds=clock[2])

    # ---- lens

    def _lens(self) -> LensHint:
        notes = self._notes
        width = notes.width or int(_positive(notes.number("EXIF ExifImageWidth")) or 0) or None
        height = notes.height or int(_positive(notes.number("EXIF ExifImageLength")) or 0) or None
        hint = LensHint(
            width,
            height,
            notes.text("Image Make"),
            notes.text("Image Model"),
            _positive(notes.number("EXIF FocalLength")),
            _positive(notes.number("EXIF FocalLengthIn35mmFilm")),
            _positive(notes.number("EXIF DigitalZoomRatio")),
        )
        return self._measured(hint) if width and height else hint

    def _measured(self, hint: LensHint) -> LensHint:
        """With DJI's calibration, where the picture has one."""
        assert hint.width and hint.height
        straight = self._dji("DewarpFlag") == 1
        written = self._notes.xmp.get((DJI.rstrip("/"), "DewarpData"), "")
        dewarp = _numbers(written.rpartition(";")[2])
        if len(dewarp) == 9 and min(dewarp[:2]) > 0:
            centre = (hint.width / 2 + dewarp[2], hint.height / 2 + dewarp[3])
            bend = (dewarp[4], dewarp[5], dewarp[6], dewarp[7], dewarp[8])
            return _with(hint, (dewarp[0], dewarp[1]), centre, bend, straight)
        if written:
            why = f"DewarpData is {written[:60]!r}, expected date;fx,fy,cx,cy,k1,k2,p1,p2,k3"
            self._collected.refuse(1, why)
        focal = _positive(self._dji("CalibratedFocalLength"))
        across, down = self._dji("CalibratedOpticalCenterX"), self._dji("CalibratedOpticalCenterY")
        if focal is None:
            return hint
        middle = None if across is None or down is None else (across, down)
        return _with(hint, (focal, focal), middle, None, straight)


def _with(
    hint: LensHint,
    focal: tuple[float, float],
    centre: tuple[float, float] | None,
    bend: tuple[float, float, float, float, float] | None,
    straight: bool,
) -> LensHint:
    """The hint with a calibration. DJI counts the centre from the picture's corner, we from a pixel's centre."""
    return LensHint(
        hint.width,
        hint.height,
        hint.make,
        hint.model,
        hint.focal_mm,
        hint.focal_35mm_mm,
        hint.digital_zoom,
        focal,
        None if centre is None else (centre[0] - 0.5, centre[1] - 0.5),
        None if straight else bend,
        calibrated=bend is not None,
        straightened=straight,
    )


def _numbers(text: str) -> tuple[float, ...]:
    """Decimals between commas, also with small exponents; empty if one is none."""
    parts = [part.strip() for part in text.split(",")[:32]]
    return tuple(map(float, parts)) if all(map(_DECIMAL.fullmatch, parts)) else ()


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None


def _moment(text: str, fraction: str = "") -> datetime | None:
    """A time without zone (as if UTC)."""
    found = _DATE.match(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    digits = (found[7] or (fraction if fraction.isdecimal() else "")).ljust(6, "0")[:6]
    try:
        return datetime(year, month, day, hour, minute, second, int(digits), UTC)
    except ValueError:
        return None


def _offset(text: str) -> timedelta | None:
    if text.strip().upper() == "Z":
        return timedelta()
    found = _OFFSET.search(text)
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        return None
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return ahead if found[1] == "+" else -ahead


def _zoned(local: datetime, offset: timedelta) -> datetime | None:
    try:
        return local - offset
    except OverflowError:
        return None
