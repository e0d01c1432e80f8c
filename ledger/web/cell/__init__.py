"""The page of a cell: one attempt with its evidence, section by section."""
