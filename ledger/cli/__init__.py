"""The command line: the only layer that speaks to people."""
