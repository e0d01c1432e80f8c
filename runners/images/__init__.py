"""Container images of agents, made without a registry."""
