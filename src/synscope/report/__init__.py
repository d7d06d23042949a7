"""Reports: one ``Diagnosis``, several ways to write it down.

``formats`` lists the formats, ``writer`` says what each of them does. Formats for people are ``terminal``,
``markdown`` and ``html``; formats for programs share ``json_records``, whose shape ``schema`` publishes.
``explanation`` answers questions about the catalogue itself. Everything here returns text; only the command line
writes it. ``escape`` stands between captures and the terminal.
"""
