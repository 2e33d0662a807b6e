"""Junctions made by the project: controllers, their faults, rendered pictures, and the evaluation set of the detector
`traffic_signal`. Nothing here is a recording of a real place."""
