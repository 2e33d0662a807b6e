"""Two pictures of one place, and what may be told from them: pure functions.

Surveys (`edge.vision.surface`) take roofs, plants, outlines and points from here. What changed between two pictures
(`comparing`) they do not ask. Pictures are BGR, without the lens's bending, at one scale.
"""
