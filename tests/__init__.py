"""Tests; not part of the wheel."""
