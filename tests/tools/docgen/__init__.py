"""Turns the tables of ``src/synscope`` into the generated pages of ``docs/``: one module a kind of page.

``build`` knows which files there are; ``blocks`` refreshes marked parts of hand-written pages.
"""
