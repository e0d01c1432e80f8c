"""Badges and frames, by which other sites show a result."""
