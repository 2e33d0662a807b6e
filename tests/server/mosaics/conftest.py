"""The small city for the tests of mosaics."""

from tests.server.small_city import city

__all__ = ["city"]
