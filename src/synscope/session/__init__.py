"""One live session, from its plan to its diagnosis: start, capture, what is known around it, what is saved."""
