"""Leaderboards: rows, charts, and the data with which a browser weighs them anew."""
