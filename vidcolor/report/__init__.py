"""What a finished film says of itself: figures over time, remarks, sidecar, plot."""
