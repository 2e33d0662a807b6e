"""Matters: the three lists that say what a hazard is in law, whose it is, and who must never receive it."""
