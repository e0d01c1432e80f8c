"""Places in which agents run: one port, one table, a module each."""
