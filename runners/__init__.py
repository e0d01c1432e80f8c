"""What happens: sandboxes, agents, the model proxy, tasks, cells and sweeps."""
