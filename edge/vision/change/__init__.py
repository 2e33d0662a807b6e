"""What has changed between two flights: pure functions on pairs of pictures of one place.

A key frame of the new flight is compared with the baseline's frame taken from nearly the same spot (`comparing`); what
the pairs say is put together on the ground (`fusing`). Pictures are BGR, without the lens's bending, at one scale.
"""
