"""What other programs use: ``synscope``'s public names lead here. Nothing in it prints or ends the process.

``analyzer`` reads captures, ``live`` makes one in another process (``live_child``), ``wire`` is what the two say to
each other, ``expectation`` turns a diagnosis into an assertion.
"""
