"""The program beside the cameras: source → stream → detector → episode → evidence → outbox → uplink."""
