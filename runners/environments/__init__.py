"""What a task needs beside its files: made once, with a network, before any agent."""
