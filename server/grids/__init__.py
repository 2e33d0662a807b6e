"""Grids: the tree of areas, the special grids laid over it, and which of them a position lies in."""
