"""Many films: found, planned, kept account of, colorized."""
