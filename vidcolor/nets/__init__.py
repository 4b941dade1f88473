"""One net a file: torch and color only, no weights and no files."""
