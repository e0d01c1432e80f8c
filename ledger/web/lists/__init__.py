"""Pages beside leaderboard and cell: of agents, tasks, sweeps, pairs, events and the ledger itself."""
