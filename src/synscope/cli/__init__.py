"""The command line: one file a command, wiring only. Nothing else in the package writes or exits."""
