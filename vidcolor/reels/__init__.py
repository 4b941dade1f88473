"""Many films: found, planned, colorized, recorded in a ledger."""
