"""Clips play: in Chromium what browsers play, with every picture clean from the first on; else by ffmpeg."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from playwright.sync_api import Browser, Page

from edge.evidence.clip import ClipError, plays_in_browsers, remuxed
from edge.evidence.transcode import MAX_HEIGHT, background, transcoded
from edge.streams.ring import PacketCut
from tests.e2e.browser import chromium
from tests.edge.evidence.streams import brightness, cut_of, encode, frames_of, joined, with_template
from tests.edge.video import record

OPEN_GOP = {"x264-params": "open-gop=1:bframes=3:b-adapt=0:scenecut=0:keyint=20:min-keyint=20"}
OPEN_GOP_HEVC = {"x265-params": "log-level=error:open-gop=1:keyint=20:min-keyint=20:scenecut=0"}
CLOSED = {"x264-params": "scenecut=0:keyint=20:min-keyint=20"}

PLAY = """clip => new Promise(done => {
    const video = document.createElement('video');
    const shown = [];
    const look = (_, frame) => {
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        const context = canvas.getContext('2d');
        context.drawImage(video, 0, 0);
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
        let sum = 0;
        for (let k = 0; k < pixels.length; k += 4) sum += pixels[k];
        shown.push([frame.mediaTime, video.videoWidth, sum * 4 / pixels.length]);
        video.requestVideoFrameCallback(look);
    };
    video.muted = true;
    video.playbackRate = 3;
    video.requestVideoFrameCallback(look);
    video.onerror = () => done({error: video.error.message, shown});
    video.onended = () => done({error: null, shown});
    video.src = 'data:video/mp4;base64,' + clip;
    video.play();
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto("about:blank")
    yield opened
    opened.close()


def played(page: Page, content: bytes) -> list[tuple[float, int, float]]:
    """(time, width, brightness) of every frame that Chromium showed while playing the clip to its end."""
    result: dict[str, Any] = page.evaluate(PLAY, base64.b64encode(content).decode())
    assert result["error"] is None
    return [tuple(frame) for frame in result["shown"]]


def assert_clean(shown: list[tuple[float, int, float]], first: int) -> None:
    """Every frame is as bright as it was filmed: picture `first` at time 0. A broken one would be grey or torn."""
    assert len(shown) >= 10, "a loaded machine leaves out frames, but not most of them"
    assert shown[0][0] < 0.2
    for time, _, found in shown:
        assert found == pytest.approx(brightness(first + round(time * 10)), abs=5), f"at {time} s"


# ---- what browsers play stays as it is


@pytest.mark.browser
@pytest.mark.parametrize(
    ("suffix", "options", "key"),
    [("mp4", CLOSED, 20), ("ts", CLOSED, 20), ("ts", OPEN_GOP, 20)],
    ids=["length-prefixed", "annex-b", "open-group"],
)
def test_h264_plays_from_its_first_picture(
    tmp_path: Path, page: Page, suffix: str, options: dict[str, str], key: int
) -> None:
    cut = cut_of(encode(tmp_path / f"c.{suffix}", options=options), 2.7, 4.5)
    assert plays_in_browsers(cut)
    clip = remuxed(cut)
    assert clip.media_type == 'video/mp4; codecs="avc1.64000a"'
    assert page.evaluate("type => document.createElement('video').canPlayType(type)", clip.media_type) == "probably"
    assert clip.start_media_time == pytest.approx(key / 10, abs=0.01)
    assert_clean(played(page, clip.content), first=key)


@pytest.mark.browser
@pytest.mark.parametrize(
    "changed",
    [{"size": (320, 240)}, {"options": {"profile": "baseline"}}],
    ids=["size", "profile"],
)
def test_parameters_that_change_in_the_middle(tmp_path: Path, page: Page, changed: dict[str, Any]) -> None:
    before = cut_of(encode(tmp_path / "a.ts", count=30), 0, 9)
    after = cut_of(encode(tmp_path / "b.ts", count=30, first=30, **changed), 0, 9)
    shown = played(page, remuxed(joined(before, after)).content)
    assert_clean(shown, first=0)
    assert shown[-1][0] > 4
    assert shown[-1][1] == changed.get("size", (160, 120))[0]


@pytest.mark.browser
def test_parameters_that_changed_before_the_clip_begins(tmp_path: Path, page: Page) -> None:
    old = cut_of(encode(tmp_path / "a.ts", count=10), 0, 9)
    now = cut_of(encode(tmp_path / "b.ts", count=30, size=(320, 240)), 0, 9)
    clip = remuxed(with_template(now, old.template))
    assert_clean(played(page, clip.content), first=0)
    with av.open(str(tmp_path / "b.ts")) as source:
        level = source.streams.video[0].codec_context.level
    assert clip.media_type.endswith(f'{level:02x}"'), "what is announced is what is inside"


@pytest.mark.parametrize("suffix", ["mp4", "ts"])
def test_h265_decodes_from_its_first_picture(tmp_path: Path, suffix: str) -> None:
    cut = cut_of(encode(tmp_path / f"c.{suffix}", "libx265", options=OPEN_GOP_HEVC), 2.7, 4.5)
    assert plays_in_browsers(cut), "kept as it is unless the settings say otherwise"
    assert not plays_in_browsers(cut, "transcode")
    clip = remuxed(cut)
    assert clip.media_type == 'video/mp4; codecs="hvc1.1.6.L30.90"'
    assert b"hvc1" in clip.content
    shown = frames_of(clip.content)
    assert [time for time, _ in shown] == pytest.approx([n / 10 for n in range(len(shown))])
    for time, found in shown:
        assert found == pytest.approx(brightness(20 + round(time * 10)), abs=4)


def test_h265_whose_parameters_change_keeps_them_inside(tmp_path: Path) -> None:
    quiet = {"x265-params": "log-level=error"}
    before = cut_of(encode(tmp_path / "a.ts", "libx265", count=20, options=quiet), 0, 9)
    after = cut_of(encode(tmp_path / "b.ts", "libx265", count=20, first=20, size=(320, 240), options=quiet), 0, 9)
    clip = remuxed(joined(before, after))
    assert b"hev1" in clip.content
    with av.open(str(write(tmp_path, clip.content))) as container:
        assert {frame.width for frame in container.decode(video=0)} == {160, 320}


def test_a_clip_is_the_same_bytes_every_time_with_its_index_in_front(tmp_path: Path) -> None:
    path = record(tmp_path / "wall.mp4")
    content = remuxed(cut_of(path, 0.5, 3)).content
    assert content == remuxed(cut_of(path, 0.5, 3)).content
    assert content[4:8] == b"ftyp"
    assert 0 < content.index(b"moov") < content.index(b"mdat")
    assert b"Lavf" not in content


def test_nothing_is_encoded_again(tmp_path: Path) -> None:
    cut = cut_of(record(tmp_path / "wall.mp4"), 1, 2)
    with av.open(str(write(tmp_path, remuxed(cut).content))) as clip:
        inside = [bytes(packet) for packet in clip.demux(video=0) if packet.size]
    assert inside == [packet.data for packet in cut.packets]


def test_a_clip_shows_the_asked_seconds_and_says_what_is_missing(tmp_path: Path) -> None:
    clip = remuxed(cut_of(record(tmp_path / "wall.mp4"), 1.5, 3.0))
    shown = frames_of(clip.content)
    assert [time for time, _ in shown] == pytest.approx([n / 10 for n in range(21)]), "from the key frame at 1.0 s"
    assert clip.short_of(1.5, 3.0) is None
    assert clip.short_of(1.5, 3.4) is None, "packets do not end where seconds do"
    assert clip.short_of(-2.0, 4.0) == pytest.approx(4.0), "three seconds in front, one behind"


def test_a_long_clip_has_room_for_its_index(tmp_path: Path) -> None:
    cut = cut_of(record(tmp_path / "long.mp4", seconds=60, fps=30, size=(64, 48), gop=7), 0, 60)
    assert len(frames_of(remuxed(cut).content)) == 1800


# ---- what they do not play is encoded once more


@pytest.mark.browser
@pytest.mark.parametrize(
    ("codec", "pixels", "suffix"),
    [
        ("mjpeg", "yuvj420p", "avi"),
        ("mpeg4", "yuv420p", "avi"),
        ("libx264", "yuv422p", "mp4"),
        ("libx264", "yuv420p10le", "ts"),
        ("libx264", "yuv444p", "mp4"),
    ],
    ids=["mjpeg", "mpeg4", "4:2:2", "10-bit", "4:4:4"],
)
def test_other_encodings_are_encoded_again_and_play(
    tmp_path: Path, page: Page, codec: str, pixels: str, suffix: str
) -> None:
    path = encode(tmp_path / f"c.{suffix}", codec, pixels, size=(1440, 1080) if codec == "mjpeg" else (160, 120))
    cut = cut_of(path, 0, 3)
    assert not plays_in_browsers(cut)
    clip = transcoded(cut)
    assert clip.media_type.startswith('video/mp4; codecs="avc1.64')
    assert transcoded(cut_of(path, 0, 3)).content == clip.content, "a replay makes the same bytes"
    shown = played(page, clip.content)
    assert_clean(shown, first=0)
    assert shown[0][1] == (960 if codec == "mjpeg" else 160), f"at most {MAX_HEIGHT} lines"


def test_transcoding_ends_in_time_and_says_so(tmp_path: Path) -> None:
    cut = cut_of(encode(tmp_path / "c.avi", "mjpeg", "yuvj420p"), 0, 5)
    answers = iter([False] * 12 + [True] * 100)
    clip = transcoded(cut, lambda: next(answers))
    assert len(frames_of(clip.content)) == 12
    assert clip.short_of(0, 5) == pytest.approx(3.9)


def test_transcoding_has_the_lowest_priority() -> None:
    def nice_of_this_thread() -> int:
        fields = Path(f"/proc/self/task/{threading.get_native_id()}/stat").read_text().rpartition(")")[2].split()
        return int(fields[16])

    assert background().submit(nice_of_this_thread).result() == 19
    assert nice_of_this_thread() < 19, "only that thread"


def test_packets_of_nothing_are_refused_in_words(tmp_path: Path) -> None:
    cut = cut_of(encode(tmp_path / "c.avi", "mpeg4"), 0, 5)
    broken = PacketCut(cut.packets[:1], cut.template, covers_start=True)
    broken = PacketCut(tuple(type(p)(b"\x00" * 40, *_rest(p)) for p in broken.packets), cut.template, True)
    with pytest.raises(ClipError, match="none of 1 packets of mpeg4 could be decoded"):
        transcoded(broken)


def test_real_footage_with_reordered_frames(shared_data: Path) -> None:
    path = shared_data / "thrown" / "office1.mp4"
    if not path.exists():
        pytest.skip(f"real data is not here: {path}")
    cut = cut_of(path, 5, 10)
    shown = frames_of(remuxed(cut).content)
    assert len(shown) == len(cut.packets)
    times = [time for time, _ in shown]
    assert times[0] == 0
    assert times == sorted(times)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "clip.mp4"
    path.write_bytes(content)
    return path


def _rest(packet: Any) -> list[Any]:
    return [getattr(packet, name) for name in packet.__slots__[1:]]
