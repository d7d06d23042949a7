"""Live captures on the real kernel, through the command line."""
