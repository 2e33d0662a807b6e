"""The library of baselines: flights of an area by date, so that the next one finds what to be compared with.

A folder, `LIBRARY/AREA/DATE/`, with `entry.json` in each: nothing else is needed to read it, and a plain copy is a
backup.
`entries` says what it holds, `store` adds and removes, `resolving` finds the flight that is meant.
"""
