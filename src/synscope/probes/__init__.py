"""Everything that looks at the machine: it does I/O and starts programs, and each look is bounded in time."""
