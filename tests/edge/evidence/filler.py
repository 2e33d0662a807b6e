"""A box in one process that makes more evidence than its disk holds, and keeps within it; to be killed."""

from __future__ import annotations

import sys
from pathlib import Path

from contract.events import Severity, Tier
from contract.evidence import EvidenceKind
from edge.config.evidence import EvidenceSettings
from edge.evidence.keeper import EvidenceKeeper
from edge.evidence.store import EvidenceStore, NoRoomError
from edge.outbox.store import Outbox
from tests.edge.evidence.storm import Storm


def main() -> None:
    state_dir = Path(sys.argv[1])
    outbox = Outbox(state_dir, "box-1")
    files = EvidenceStore(state_dir / "evidence")
    settings = EvidenceSettings(min_free_share=0.3)
    keeper = EvidenceKeeper(outbox, files, settings, state_dir)
    storm = Storm(outbox, files)
    severities = list(Severity)
    for number in range(100_000):
        try:
            storm.episode("e", severities[number % 3], Tier.ALARM, (EvidenceKind.SNAPSHOT, EvidenceKind.CLIP))
        except NoRoomError:
            print("full", flush=True)
        keeper.step()
        print(number, flush=True)


if __name__ == "__main__":
    main()
