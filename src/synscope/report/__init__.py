"""Reports: one ``Diagnosis``, several ways to write it down.

``terminal`` is for people; ``json_report`` and ``jsonl`` are for programs and share ``records``, whose
shape ``schema`` publishes. ``explanation`` answers questions about the catalogue itself. Everything here
returns text; only the command line writes it. ``escape`` stands between captures and the terminal.
"""
