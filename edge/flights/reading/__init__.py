"""Files of a flight turned into telemetry: DJI's subtitles and captions, MISB KLV, CSV logs, stills' own notes.

`sniff.read_telemetry` takes any of them. Nothing is guessed silently: what can be read in two ways is told as an
`Interpretation`, what cannot be used as `Unread`. See docs/edge/telemetry.md.
"""
