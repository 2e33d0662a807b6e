"""Set-up of a junction camera: heads proposed, lamps found, phase groups and conflicts learned."""
