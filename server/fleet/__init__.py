"""Devices, their tokens and keys, and the sources they own."""
