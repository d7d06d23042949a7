"""Questions that the first bytes of a connection answer, and how these bytes are recognised."""
