"""Asking people: which of these pictures is real? Nothing here needs a network or a model."""
