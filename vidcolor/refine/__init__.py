"""Optional last word on a shot's colors, for line art, animation and flat pictures."""
