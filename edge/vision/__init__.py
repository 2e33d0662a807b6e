"""Pure functions and small state machines on arrays. No I/O, no settings objects, nothing of ours imported."""
