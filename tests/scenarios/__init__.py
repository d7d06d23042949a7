"""Failures as they happen, one by one, and what the program says of them.

``table`` lists them, ``stage`` sets one up in a network namespace of its own, ``play`` runs ``synscope run`` in
it and analyses the same packets from a file, ``accuracy`` counts how often the answer was right.
``python -m tests.scenarios`` prints that.
"""
