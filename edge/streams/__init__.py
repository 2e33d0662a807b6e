"""From packets to frames: decoding, and the ring of packets that clips are cut from."""
