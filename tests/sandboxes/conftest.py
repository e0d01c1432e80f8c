"""A real Docker engine and a base image, or a skip that says what to do."""

from tests.engine import client, image

__all__ = ["client", "image"]
