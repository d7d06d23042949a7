"""The corpus: what was known of every played scenario, so that a change of the ranking is scored without playing.

``record`` is the format of its lines, ``score`` ranks them and counts the right answers, ``background`` measures the
rates of the answers. ``python -m tests.corpus`` prints the figures, ``python -m tests.scenarios --record SET`` adds
lines. One file a set: ``SET.jsonl``.
"""
