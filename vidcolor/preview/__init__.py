"""What a film will look like, in seconds: some of its frames in color, before any film is made."""
