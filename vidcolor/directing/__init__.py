"""What a person knows of a film's colors: the color script, and what it does to the colors."""
