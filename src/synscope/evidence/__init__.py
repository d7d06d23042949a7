"""What is known about a target: observations from its packets, its first bytes and the request itself.

``vocabulary`` names every observation; ``packets`` and ``request`` answer them for one target, with
``payload`` reading first bytes. Nothing here reads a file, a clock or the host.
"""
