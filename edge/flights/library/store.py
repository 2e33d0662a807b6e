"""Adds to the library and takes away from it. What is there is never written over."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import shapely
from pydantic import ValidationError
from shapely.geometry.base import BaseGeometry

from edge.flights.flight_settings import FlightSettings
from edge.flights.library.entries import (
    FLIGHT,
    MOSAIC,
    NAME,
    Entry,
    Kept,
    LibraryError,
    MosaicFacts,
    checked_area,
    checked_date,
    read_entry,
)
from edge.flights.material import Material, shown
from edge.flights.mosaic.manifest import NAME as MOSAIC_JSON
from edge.flights.mosaic.manifest import FileFacts, MosaicManifest, facts_of, software
from edge.flights.reading.sniff import LOG_SUFFIXES
from edge.flights.shots import NoProgress, Progress

_ADDING, _REMOVING = ".adding-", ".removing-"
_MOST_A_DAY = 999
_MOST_MANIFEST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Addition:
    """What is to be added."""

    area: str
    material: Material
    flight: str
    taken_at: datetime
    outline: BaseGeometry
    """In degrees."""
    gsd_m: float | None = None
    settings: FlightSettings = field(default_factory=FlightSettings)
    mosaic: Path | None = None
    """A folder that `gridsentry-edge mosaic` wrote: its files are copied."""
    copy: bool = False
    """The flight's files, too. Else the library knows where they are."""
    elsewhere: bool = False
    """It need not overlap the area's other flights."""


class Library:
    """`LIBRARY/AREA/DATE/`. Reads anew with every question: another program may add at any time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def areas(self) -> list[str]:
        """In the order of their names."""
        return sorted(each.name for each in _folders(self.root))

    def entries(self, area: str | None = None) -> tuple[list[Kept], list[str]]:
        """Of one area or of all, the newest first; and what cannot be read, in words for people."""
        found: list[Kept] = []
        problems: list[str] = []
        for one in [area] if area is not None else self.areas():
            for folder in _folders(self.root / one):
                try:
                    found.append(read_entry(folder))
                except LibraryError as error:
                    problems.append(str(error))
        found.sort(key=lambda each: (each.entry.taken_at, each.name), reverse=True)
        return found, sorted(problems)

    def one(self, name: str) -> Kept:
        """By `AREA@DATE`.

        Raises:
            LibraryError: no such entry, or it cannot be read.
        """
        area, at, date = name.partition("@")
        if not at:
            raise LibraryError(f"found {shown(name)!r}, expected AREA@DATE, as park@2026-11-20")
        folder = self.root / checked_area(area) / checked_date(date)
        if not folder.is_dir():
            raise LibraryError(f"{self.root}: holds no flight {name!r}")
        return read_entry(folder)

    def add(self, addition: Addition, progress: Progress | None = None) -> Kept:
        """All of it, or nothing.

        Raises:
            LibraryError: it is there already, does not belong to the area, or cannot be read or written.
        """
        progress = progress or NoProgress()
        area = checked_area(addition.area)
        sources = files_of(addition.material)
        for path in sources:
            try:
                str(path.absolute()).encode()
            except UnicodeEncodeError:
                raise LibraryError(f"{shown(path)}: has a name that is not UTF-8: rename it") from None
        mosaic = None if addition.mosaic is None else mosaic_of(addition.mosaic)
        self._check_place(area, addition)
        try:
            (self.root / area).mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=_ADDING, dir=self.root / area))
            try:
                return self._added(area, addition, sources, mosaic, work, progress)
            finally:
                shutil.rmtree(work, ignore_errors=True)
        except OSError as error:
            raise LibraryError(f"{self.root}: cannot be written: {error.strerror or error}") from error

    def remove(self, name: str) -> Kept:
        """Takes an entry away, with what was copied for it. Files that the library only knows of stay.

        Raises:
            LibraryError: no such entry; it holds files of somebody else; it cannot be removed.
        """
        kept = self.one(name)
        known = {NAME, FLIGHT, MOSAIC}
        try:
            if kept.folder.is_symlink():
                raise LibraryError(f"{kept.folder}: is a link to another place: remove it by hand")
            strange = sorted(each.name for each in kept.folder.iterdir() if each.name not in known)
            if strange:
                raise LibraryError(
                    f"{kept.folder}: holds {shown(strange[0])}, which is none of the library's: move it away first"
                )
            gone = kept.folder.with_name(f"{_REMOVING}{kept.folder.name}-{os.getpid()}")
            kept.folder.rename(gone)  # from here on nobody finds half of it
            shutil.rmtree(gone)
        except OSError as error:
            raise LibraryError(f"{kept.folder}: cannot be removed: {error.strerror or error}") from error
        return kept

    def _check_place(self, area: str, addition: Addition) -> None:
        others, _ = self.entries(area)
        if others and not addition.elsewhere and not any(each.outline.intersects(addition.outline) for each in others):
            raise LibraryError(
                f"{addition.flight}: shows nothing of what the {len(others)} flights of {area!r} show: give its own "
                "area, or say that it is elsewhere"
            )

    def _added(
        self,
        area: str,
        addition: Addition,
        sources: Sequence[Path],
        mosaic: MosaicManifest | None,
        work: Path,
        progress: Progress,
    ) -> Kept:
        files = _hashed(sources, progress)
        self._check_new(area, addition, files)
        place = addition.material.video or addition.material.path
        if addition.copy:
            copied = _copied(sources, files, work / FLIGHT, progress)
            place = copied / place.name if place.is_file() else copied
        entry = Entry(
            area=area,
            flight=addition.flight,
            taken_at=addition.taken_at,
            outline=shapely.geometry.mapping(addition.outline),
            gsd_m=addition.gsd_m,
            place=str(place.relative_to(work)) if addition.copy else str(place.absolute()),
            copied=addition.copy,
            files=files,
            settings=_absolute(addition.settings),
            mosaic=None if mosaic is None else _facts(mosaic),
            added_at=datetime.now(UTC).replace(microsecond=0),
            software=software(),
        )
        if mosaic is not None:
            assert addition.mosaic is not None
            parts = [addition.mosaic / each.path for each in (mosaic.geotiff, mosaic.pmtiles)]
            _copied(parts, (mosaic.geotiff, mosaic.pmtiles), work / MOSAIC, progress)
            shutil.copyfile(addition.mosaic / MOSAIC_JSON, work / MOSAIC / MOSAIC_JSON)
        (work / NAME).write_text(entry.model_dump_json(indent=1) + "\n", encoding="utf-8")
        work.chmod(0o755)
        return Kept(_in_place(work, self.root / area, addition.taken_at.date().isoformat()), entry)

    def _check_new(self, area: str, addition: Addition, files: Sequence[FileFacts]) -> None:
        mine = {each.sha256 for each in files}
        for each in self.entries(area)[0]:
            if mine & {other.sha256 for other in each.entry.files}:
                raise LibraryError(f"{addition.flight}: is in the library already, as {each.name}: remove that first")


def files_of(material: Material) -> tuple[Path, ...]:
    """Pictures and logs of a flight: of a folder its stills and what may belong to them; of a video its namesakes."""
    if material.video is None:
        if not material.path.is_dir():
            return (material.path,)
        logs = [each for each in material.path.iterdir() if each.suffix.lower() in LOG_SUFFIXES and each.is_file()]
        return tuple(sorted({*material.stills, *logs}))
    video = material.video
    beside = [
        each
        for each in video.parent.iterdir()
        if each.stem == video.stem and each.suffix.lower() in LOG_SUFFIXES and each.is_file()
    ]
    return tuple(sorted({video, *beside}))


def _absolute(settings: FlightSettings) -> FlightSettings:
    """Who reads the entry runs somewhere else."""
    ground = settings.ground
    if ground.elevation is None:
        return settings
    there = ground.model_copy(update={"elevation": ground.elevation.absolute()})
    return settings.model_copy(update={"ground": there})


def _folders(path: Path) -> list[Path]:
    """Without what is being added or removed."""
    try:
        return sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError:
        return []


def _hashed(sources: Sequence[Path], progress: Progress) -> tuple[FileFacts, ...]:
    progress.begins("hashed", len(sources))
    found = []
    for path in sources:
        progress.advances()
        try:
            found.append(facts_of(path))
        except OSError as error:
            raise LibraryError(f"{shown(path)}: cannot be read: {error.strerror or error}") from None
    return tuple(found)


def _copied(sources: Sequence[Path], files: Sequence[FileFacts], folder: Path, progress: Progress) -> Path:
    """Into a new folder, read back: what is in the library is what was to be in it."""
    folder.mkdir()
    progress.begins("copied", len(sources))
    for path, facts in zip(sources, files, strict=True):
        progress.advances()
        target = folder / path.name
        shutil.copyfile(path, target)
        if facts_of(target, facts.path) != facts:
            raise LibraryError(f"{path}: is not what it was: it changed while it was copied, or its mosaic.json is "
                               "of another one")  # fmt: skip
    return folder


def mosaic_of(folder: Path) -> MosaicManifest:
    """What `gridsentry-edge mosaic` wrote of a folder.

    Raises:
        LibraryError: it describes no mosaic.
    """
    path = folder / MOSAIC_JSON
    try:
        if path.stat().st_size > _MOST_MANIFEST_BYTES:
            raise LibraryError(f"{path}: is too large for a mosaic's description")
        found = MosaicManifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LibraryError(f"{path}: cannot be read: {error.strerror or error}; give a mosaic's folder") from None
    except (ValidationError, RecursionError):
        raise LibraryError(f"{path}: does not describe a mosaic: make it again") from None
    for each in (found.geotiff, found.pmtiles):
        if Path(each.path).name != each.path:
            raise LibraryError(f"{path}: names {shown(each.path)}, expected a file beside it")
    return found


def _facts(mosaic: MosaicManifest) -> MosaicFacts:
    return MosaicFacts(
        epsg=mosaic.epsg,
        gsd_m=mosaic.gsd_m,
        geotiff=mosaic.geotiff,
        pmtiles=mosaic.pmtiles,
        tiles=mosaic.tiles,
        attribution=mosaic.attribution,
    )


def _in_place(work: Path, area: Path, date: str) -> Path:
    """Under the first name that is free: a folder that holds something cannot be renamed over."""
    for number in range(1, _MOST_A_DAY + 1):
        target = area / (date if number == 1 else f"{date}.{number}")
        if target.exists():
            continue
        try:
            return work.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    raise LibraryError(f"{area}: holds {_MOST_A_DAY} flights of {date}: give another area")
