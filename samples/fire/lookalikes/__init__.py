"""What looks like fire or smoke and is none: lights, things that move, and air that is not clear."""
