"""Observations to episodes: one continuous occurrence of one hazard at one source, and what is said of it."""
