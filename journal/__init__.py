"""The durable truth: an append-only log of events per run, and everything that is folded from it."""
