"""Opening a camera: one stream or two, and what is done where one of the two is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.config.inputs import CameraInput
from edge.config.sources import CameraSource
from edge.config.telemetry import KlvTelemetry
from edge.detectors.registry import FrameNeeds, PictureSize
from edge.sources.errors import SourceError
from edge.sources.opening import MAIN, SUB, open_video, roles_of
from edge.sources.video import VideoSource
from edge.streams.needs import needs_of
from edge.streams.plan import decode_plan
from edge.streams.rhythm import StreamFacts


@dataclass(slots=True)
class OpenedCamera:
    """What is open of a camera. `kept` is its main stream, if that is not what is decoded."""

    decoded: VideoSource
    role: str
    main_size: PictureSize
    """What the settings' pixels mean."""
    needs: Sequence[FrameNeeds]
    kept: VideoSource | None = None
    keeps_main: bool = False
    """Whether the main stream's packets are evidence beside what is decoded; it may be away just now."""
    wanted_role: str = ""
    """The stream that would serve better, and is away."""
    missing: str = ""
    """Why a stream is away."""
    lent: bool = False
    """The main stream is decoded for what was needed beside the detectors, which would do with the sub stream."""

    @property
    def size(self) -> PictureSize:
        """Of the decoded pictures."""
        return PictureSize(self.decoded.width, self.decoded.height)

    def close(self) -> None:
        """Closes what is open."""
        self.decoded.close()
        if self.kept is not None:
            self.kept.close()


def open_camera(
    settings: CameraSource,
    main_size: PictureSize | None,
    *,
    also_needs: Sequence[FrameNeeds] = (),
    software_only: bool = False,
) -> OpenedCamera:
    """Opens what is needed of a camera; the caller closes it. `main_size`: of its main stream when it was last seen.
    `also_needs`: for a while, beside the detectors.

    Raises:
        SourceError: nothing of it can be opened.
    """
    assert settings.input is not None, "only sources with an input are run"
    if roles_of(settings.input) == (MAIN,):
        with_data = isinstance(settings.telemetry, KlvTelemetry)
        source = open_video(settings.input, software_only=software_only, with_data=with_data)
        size = PictureSize(source.width, source.height)
        return OpenedCamera(source, MAIN, size, needs_of(settings, size))
    return _open_twin(settings, settings.input, main_size, also_needs, software_only)


def _open_twin(
    settings: CameraSource,
    address: CameraInput,
    main_size: PictureSize | None,
    also_needs: Sequence[FrameNeeds],
    software_only: bool,
) -> OpenedCamera:
    main, main_problem = _try(address, MAIN, software_only)
    try:
        sub, sub_problem = _try(address, SUB, software_only)
    except BaseException:
        if main is not None:
            main.close()
        raise
    if main is None and sub is None:
        assert main_problem is not None, "what is not open has failed"
        raise main_problem
    if main is None:
        assert sub is not None, "one of them is open"
        sub_size = PictureSize(sub.width, sub.height)
        size = main_size or sub_size
        needs = needs_of(settings, size, sub_size)
        return OpenedCamera(sub, SUB, size, needs, keeps_main=True, missing=str(main_problem))
    size = PictureSize(main.width, main.height)
    if sub is None:
        # Whether the sub stream would have served is not known without its size; if not, coming back to it ends here.
        needs = needs_of(settings, size)
        return OpenedCamera(main, MAIN, size, needs, wanted_role=SUB, missing=str(sub_problem))
    needs = needs_of(settings, size, PictureSize(sub.width, sub.height))
    streams = [StreamFacts(MAIN, main.width, main.height), StreamFacts(SUB, sub.width, sub.height)]
    if decode_plan([*needs, *also_needs], streams).role == MAIN:
        sub.close()
        return OpenedCamera(main, MAIN, size, needs, lent=decode_plan(needs, streams).role != MAIN)
    return OpenedCamera(sub, SUB, size, needs, kept=main, keeps_main=True)


def _try(address: CameraInput, role: str, software_only: bool) -> tuple[VideoSource | None, SourceError | None]:
    try:
        return open_video(address, role=role, software_only=software_only), None
    except SourceError as error:
        return None, error
