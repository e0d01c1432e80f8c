"""Importers: foreign run records turned into events."""
