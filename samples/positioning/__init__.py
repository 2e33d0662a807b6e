"""What the places of a drone's pixels are worth, drawn: `python -m samples.positioning`."""
