"""Photographs: one picture in, the same picture in color out. No film, no container, no time."""
