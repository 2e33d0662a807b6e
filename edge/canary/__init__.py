"""Drills: a made-up hazard sent the real way, marked as one to the end, to prove that the way holds."""
