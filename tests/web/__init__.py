"""The page of a live capture: its server, its events, and the page in a browser."""
