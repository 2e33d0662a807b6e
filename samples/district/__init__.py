"""A fictional district: its grids, its three lists and places in it. It follows from a seed; nothing in it is real."""
