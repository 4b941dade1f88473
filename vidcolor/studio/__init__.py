"""The studio: a film looked at, judged, steered and rendered again in a browser."""
