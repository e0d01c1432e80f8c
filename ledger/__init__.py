"""What is kept: the store, its projections, queries and verification."""
