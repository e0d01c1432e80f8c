"""Coding-agent CLIs under test: one TOML file each, their installation and their launch."""
