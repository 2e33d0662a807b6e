"""The small city for the tests of alerts."""

from tests.server.small_city import city

__all__ = ["city"]
