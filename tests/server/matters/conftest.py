"""The small city for the tests of lists."""

from tests.server.small_city import city

__all__ = ["city"]
