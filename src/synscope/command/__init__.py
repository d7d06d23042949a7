"""What a command line says: its targets and hosts, its kind of client, and what in it is secret."""
