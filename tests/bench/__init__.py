"""Benches: each prints a table and writes rows to var/bench/<name>.json."""
