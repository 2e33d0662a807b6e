"""What the authorities know of the ground: approved buildings, permits, roads, green, water, demolition orders.

files of any coordinate system → outlines in metres of the flight's plane → what lies near a place. What follows from it
is judged by `edge.detectors.illegal_structure`.
"""
