"""Networks that answer a lightness picture with color histograms."""
