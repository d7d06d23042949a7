"""The tests: they mirror ``src/synscope``; helpers shared by several rooms lie here."""
