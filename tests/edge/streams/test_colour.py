"""Colour of a picture that several threads look at: evidence, a model, the local page."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np

from edge.streams.colour import bgr_reader


def test_many_threads_convert_one_picture(root: Path) -> None:
    """A picture's own converter is not made for two threads: this killed the process."""
    with av.open(str(root / "samples/clips/gate-3.mp4")) as container:
        picture = next(container.decode(video=0))
        read = bgr_reader(picture)
        expected = picture.to_ndarray(format="bgr24")
        wrong: list[int] = []

        def convert(number: int) -> None:
            for _ in range(60):
                if not np.array_equal(read(), expected):
                    wrong.append(number)

        threads = [threading.Thread(target=convert, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []
