"""Whether the library still holds what was put into it."""

from __future__ import annotations

from edge.flights.library.entries import MOSAIC, Kept
from edge.flights.mosaic.manifest import facts_of
from edge.flights.shots import Progress


def damaged(kept: Kept, progress: Progress) -> tuple[str, ...]:
    """Names of files whose contents are not those that were added; all files are read."""
    files = [(kept.file(each), each) for each in kept.entry.files]
    mosaic = kept.entry.mosaic
    if mosaic is not None:
        files += [(kept.folder / MOSAIC / each.path, each) for each in (mosaic.geotiff, mosaic.pmtiles)]
    progress.begins("verified", len(files))
    wrong = []
    for path, facts in files:
        progress.advances()
        try:
            found = facts_of(path, facts.path)
        except OSError:
            found = None
        if found != facts:
            wrong.append(facts.path)
    return tuple(wrong)
