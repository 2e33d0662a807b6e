"""A light orthomosaic of a flight: one picture of the ground, to be looked at on a map.

`agreeing` makes poses agree, `framing` says where pictures lie, `gains` evens out their colours, `blending` makes one
block of the ground at a time, `rasters` and `pyramid` write it, `making` puts it together.
"""
