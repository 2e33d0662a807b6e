"""What detectors show themselves: pictures and documents of what they remember, as files of an episode's evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contract.base import ContractModel
from contract.canonical import CanonicalError
from contract.evidence import Evidence, EvidenceKind
from contract.timeline import MAX_TIMELINE_BYTES
from edge.detectors.interface import Exhibit, Observation
from edge.episodes.episode import Episode, Place
from edge.evidence.documents import JSON_MEDIA_TYPE, exhibit_document
from edge.evidence.pictures import PictureError, jpeg

JPEG_MEDIA_TYPE = "image/jpeg"
MAX_EXHIBITS = 56
"""Of one episode: an event lists 64 files, and the pipeline's own (snapshot, track, overlay, clip) must have room."""
MAX_DOCUMENT_BYTES = MAX_TIMELINE_BYTES
"""No console would draw more."""
MAX_UNPLACED = 16
"""Observations whose exhibits wait for an episode. A few stills of a lamp each: 1 MB."""
_OWN_KINDS = frozenset({EvidenceKind.SNAPSHOT, EvidenceKind.TRACK, EvidenceKind.OVERLAY, EvidenceKind.CLIP})


class ExhibitError(ValueError):
    """A detector showed something that no file can be made of."""


def content_of(exhibit: Exhibit, episode: Episode, jpeg_quality: int) -> tuple[bytes, str]:
    """A file's bytes and media type: pictures as JPEG, documents as JSON.

    Raises:
        ExhibitError: the picture is empty, or no picture; the document is too large or holds what JSON cannot.
    """
    try:
        if isinstance(exhibit.content, ContractModel):
            return _document(episode, exhibit.content), JSON_MEDIA_TYPE
        return jpeg(exhibit.content, jpeg_quality), JPEG_MEDIA_TYPE
    except (PictureError, CanonicalError) as error:
        raise ExhibitError(f"{exhibit.kind}: {error}") from error


def _document(episode: Episode, content: ContractModel) -> bytes:
    document = exhibit_document(episode, content)
    if len(document) > MAX_DOCUMENT_BYTES:
        raise ExhibitError(f"a document of {len(document)} bytes, expected at most {MAX_DOCUMENT_BYTES}")
    return document


def count_exhibits(evidence: Iterable[Evidence]) -> int:
    """How many of an episode's files a detector has shown."""
    return sum(item.kind not in _OWN_KINDS for item in evidence)


def best_of(exhibits: Sequence[Exhibit], room: int) -> Sequence[Exhibit]:
    """As many as there is room for: documents before pictures, for one of them tells of all heads."""
    if len(exhibits) <= room:
        return exhibits
    return sorted(exhibits, key=lambda exhibit: not isinstance(exhibit.content, ContractModel))[: max(room, 0)]


class Unplaced:
    """Exhibits of observations that had no episode when they were made: it was inhibited, or must dwell.

    A detector shows them once, with the picture that made it certain; the episode may open seconds later.
    """

    def __init__(self) -> None:
        self._waiting: dict[Place, tuple[Exhibit, ...]] = {}

    def keep(self, observation: Observation) -> None:
        """The newest of a place are the ones that count."""
        if not observation.exhibits:
            return
        place = (observation.hazard, observation.key)
        self._waiting.pop(place, None)
        self._waiting[place] = observation.exhibits
        if len(self._waiting) > MAX_UNPLACED:
            del self._waiting[next(iter(self._waiting))]

    def take(self, observation: Observation) -> tuple[Exhibit, ...]:
        """Those of the observation's place."""
        return self._waiting.pop((observation.hazard, observation.key), ())
