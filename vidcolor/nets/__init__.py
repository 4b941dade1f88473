"""The networks: one net a file, torch and color mathematics only, no weights, no files."""
