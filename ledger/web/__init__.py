"""The pages of a ledger: what they say, how it is drawn, and the two ways to hand it out."""
