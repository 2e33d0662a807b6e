"""A drone that is watched while it flies: where its camera is and how it is turned at the time of a picture.

`channels` bring records (out of the stream, from a broker, from a log), `track` keeps the latest of them and says where
the drone was at a time, `ground` makes places of pixels by it, and `following` puts these together for one source.
"""
