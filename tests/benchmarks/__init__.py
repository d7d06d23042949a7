"""Speed and memory of synscope beside its peers: ``python -m tests.benchmarks``."""
