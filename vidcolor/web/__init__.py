"""A small server for pages on this machine: who may ask, what is answered."""
