"""What is known about a target: observations from its packets, its first bytes and the request itself.

``vocabulary`` names every observation; ``packets`` and ``request`` answer them for one target, with
``payload`` reading first bytes. Only ``host`` and ``kernel`` look at the machine; everything else reads no file, no
clock and no host.
"""
