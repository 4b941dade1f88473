"""What is in a film, and its frames, decoded."""
