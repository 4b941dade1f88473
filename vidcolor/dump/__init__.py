"""Frame-level dumps: what each stage made of chosen frames."""
