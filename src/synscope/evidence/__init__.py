"""What is known about a target: questions, each one thing with the function that answers it.

``question`` makes them one thing, and ``vocabulary`` is the collection of all. ``target_number`` asks the target as
it is written, ``packets`` its attempts, with ``payload`` reading first bytes, ``host`` the looks at a machine,
``command`` the watched command, ``kernel`` the trace. ``agreement`` says which of several observers stands.
Everything is pure: it reads no file, no clock and no host.
"""
