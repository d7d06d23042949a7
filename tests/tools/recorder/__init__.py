"""Makes the captures in ``fixtures/`` and says what each of them must be read as.

How the rooms hang together::

    cli ─► table ─► scenes_* (recorded), crafted, containers   one row per capture
     │               └─► stage (namespace, tcpdump, sockets), talk (frames), wire (file bytes)
     └─► manifest   looks at each finished capture with tshark, writes manifest.json and README.md

A row states what must be seen (ports, outcomes, cause) *before* anything is recorded;
frame numbers and SYN counts are then read from the capture, and a capture that
contradicts its row is an error, never a new expectation.
"""
