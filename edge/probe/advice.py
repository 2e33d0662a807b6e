"""What a person should know of a stream before it is watched for years. Pure: samples in, sentences out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.probe.sample import Sample
from edge.sources.decoding import DecodeMode

LONG_GROUP_SECONDS = 4.0
"""Above it a clip begins long before its event, a reconnect is blind for long, and health sees a picture too rarely."""
UNSTEADY = 0.2
CLOCK_SECONDS = 2.0
SLOW_FPS = 8.0
HUGE_BITS_PER_SECOND = 16e6
MUCH_OF_A_CORE = 0.5


@dataclass(frozen=True, slots=True)
class Advice:
    """Something that is not as it should be, and what to do."""

    found: str
    remedy: str


def advice_on(sample: Sample, *, has_sub_stream: bool, password_was_shown: bool = False) -> list[Advice]:
    """Everything worth saying, gravest first."""
    said = [*_of_encoding(sample), *_of_rhythm(sample), *_of_clock(sample), *_of_cost(sample, has_sub_stream)]
    if password_was_shown:
        said.append(
            Advice(
                "the password stood on the command line, where every user of this machine can read it",
                "use --user and --password-file, and in the configuration username and password_file",
            )
        )
    return said


def _of_encoding(sample: Sample) -> Iterator[Advice]:
    if sample.codec == "hevc":
        yield Advice(
            "H.265: many browsers cannot play its clips, and encoding them again costs a core for a minute",
            "set the camera's main stream to H.264, or evidence.hevc_clips: transcode",
        )
    if sample.codec == "mjpeg" and sample.transport != "images":
        yield Advice(
            "MJPEG: ten times the network and memory of H.264, and clips are encoded again",
            "use the camera's RTSP address if it has one",
        )
    if sample.reordered:
        yield Advice(
            "B-frames: pictures come some frames late, and what was lost of one spoils others",
            "set the encoder to baseline or main profile without B-frames, or to low latency",
        )
    if sample.bits_per_second is not None and sample.bits_per_second > HUGE_BITS_PER_SECOND:
        yield Advice(
            f"{sample.bits_per_second / 1e6:.0f} Mbit/s: the memory kept for clips holds few seconds of it",
            "lower the bit rate, or raise evidence.ring_bytes",
        )


def _of_rhythm(sample: Sample) -> Iterator[Advice]:
    if sample.group_seconds is None and sample.codec != "mjpeg":
        yield Advice(
            f"only one key frame in {sample.watched_seconds:.0f} s: a reconnect would be blind for long",
            "set the camera's I-frame interval to twice its frame rate (2 s), and look again with --seconds 30",
        )
    elif sample.group_seconds is not None and sample.group_seconds > LONG_GROUP_SECONDS:
        yield Advice(
            f"a key frame only every {sample.group_seconds:.1f} s: clips begin that much early, a reconnect is blind",
            "set the camera's I-frame interval to 1-2 s; turn off 'smart' codecs (H.264+, H.265+, Zipstream)",
        )
    if sample.interval_spread is not None and sample.interval_spread > UNSTEADY:
        yield Advice(
            f"pictures come unevenly (intervals vary by {sample.interval_spread:.0%}): motion is judged worse",
            "set a constant frame rate, and turn off what lowers it in the dark (slow shutter)",
        )
    if sample.fps is not None and sample.fps < SLOW_FPS and sample.transport != "images":
        yield Advice(
            f"{sample.fps:.1f} pictures a second: too few to follow what falls or runs",
            "set at least 15 a second where moving things are to be found",
        )


def _of_clock(sample: Sample) -> Iterator[Advice]:
    if sample.clock is not None and abs(sample.clock.ahead_seconds) > CLOCK_SECONDS:
        ahead = sample.clock.ahead_seconds
        way = "ahead of" if ahead > 0 else "behind"
        yield Advice(
            f"the camera's clock is {abs(ahead):.1f} s {way} this machine's",
            "give camera and box the same NTP server; what the camera writes into its picture is wrong meanwhile",
        )


def _of_cost(sample: Sample, has_sub_stream: bool) -> Iterator[Advice]:
    full = next((cost for cost in sample.costs if cost.mode is DecodeMode.FULL), None)
    if full is not None and full.core_share > MUCH_OF_A_CORE and not has_sub_stream:
        yield Advice(
            f"decoding it takes {full.core_share:.0%} of a core, and there is no smaller stream",
            "turn on the camera's sub stream, and give both: streams: {main: …, sub: …}",
        )
