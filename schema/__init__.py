"""What is said: frozen models, canonical bytes, ids, errors and ports."""
