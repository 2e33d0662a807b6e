"""Upward-looking façade clips with ground truth: what a camera sees when something falls, and what only looks so."""
