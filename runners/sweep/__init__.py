"""Sweeps: many cells in a recorded order, by workers that may die, past endpoints that may fail.

    plan.toml -> SweepFile -> matrix (arms x tasks x runs) -> order (seeded) -> shard
        -> Board (what is left to do, who has it, which place is paused)
        -> Engine.submit(Order) … Engine.next() -> Told -> Board

A sweep knows no ledger: which attempts there are is told to it, and each cell is claimed by whoever runs it.
"""
