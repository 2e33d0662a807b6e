"""The surface that a flight shows, by stereo of its own pictures, and where that surface has risen or sunk since.

Pictures of one day agree about seasons, shadows and paint; heights of two days are compared, not colours.
"""
