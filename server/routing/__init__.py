"""Routing: a hazard and a position find exactly one queue, and the decision explains itself."""
