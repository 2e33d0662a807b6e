"""A fictional district: its grids, its three lists and places in it. Everything follows from a seed; nothing is real."""
