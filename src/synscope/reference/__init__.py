"""Facts that look at nothing: ports, error texts, programs, the names and addresses of this machine's loopback."""
