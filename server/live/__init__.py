"""Live: a feed of alert changes, written with them, and a hub that passes it on to browsers."""
