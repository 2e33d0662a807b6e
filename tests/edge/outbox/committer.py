"""A process that commits episodes with evidence as fast as it can, to be killed. Says each acknowledged event's seq."""

from __future__ import annotations

import sys
from pathlib import Path

from edge.evidence.store import EvidenceStore
from edge.outbox.lock import StateLock
from edge.outbox.store import Outbox
from tests.edge.parts import episodes_of


def main() -> None:
    state_dir = Path(sys.argv[1])
    lock = StateLock(state_dir)
    outbox = Outbox(state_dir, "box-1")
    files = EvidenceStore(state_dir / "evidence")
    files.remove_unlisted(outbox.kept_evidence())
    for commit in episodes_of(1_000_000, evidence=files, size=3000):
        outbox.commit(commit)
        print(outbox.position.seq, flush=True)
    lock.release()


if __name__ == "__main__":
    main()
