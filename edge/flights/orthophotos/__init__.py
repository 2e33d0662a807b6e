"""A city's orthophoto as the baseline of a survey, with or without a model of its surface.

Pieces of it are pictures of a camera so far up that its rays are parallel: they are looked at as a flight's are.
"""
