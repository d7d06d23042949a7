"""Why can't my client connect to localhost:PORT? A packet-level answer."""
