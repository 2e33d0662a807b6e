"""Survey flights: what a drone brought home, where its pixels lie, and what has changed since the flight before.

`reading/` turns files into telemetry, `local` and `locating` turn pixels into places. What pictures show is
`edge.vision`'s affair, what it means is judged by `edge.detectors.illegal_structure`.
"""
