"""Mosaics of survey flights as a layer of the console's map: out of a library of baselines, which the edge writes."""
