"""Questions that the packets of a capture answer."""
