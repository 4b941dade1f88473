"""One film, from its source to the finished file."""
