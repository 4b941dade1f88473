"""Where a film's shots begin, what they show, and what the network sees of each frame."""
