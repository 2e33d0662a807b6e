"""Most of it cannot be decoded."""

from __future__ import annotations

from edge.streams.broken import WINDOW_SECONDS, BrokenWatch


def said(share: float, seconds: float = 30, fps: int = 10) -> list[str]:
    """What the watch says of a camera of whose packets this share is broken."""
    watch = BrokenWatch()
    return [watch.saw(n, int(share * n), n / fps) for n in range(int(seconds * fps) + 1)]


def test_garbage_is_named_once_a_window() -> None:
    found = [text for text in said(0.9) if text]
    assert found == ["90 of 100 packets in 10 s could not be decoded"] * 3
    assert not any(said(0.9, seconds=WINDOW_SECONDS - 0.1))


def test_a_poor_link_and_a_spoilt_group_are_none() -> None:
    assert not any(said(0.05))
    watch = BrokenWatch()
    spoilt_group = [watch.saw(n, max(0, min(n - 40, 20)), n / 10) for n in range(300)]
    assert not any(spoilt_group)


def test_key_frames_alone_are_too_few_to_judge() -> None:
    assert not any(said(1.0, seconds=60, fps=1))
