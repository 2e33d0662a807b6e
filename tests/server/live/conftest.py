"""The small city for the tests of the live feed."""

from tests.server.small_city import city

__all__ = ["city"]
