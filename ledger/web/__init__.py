"""Pages of a ledger: the same functions and templates serve it live and write it as static files."""
