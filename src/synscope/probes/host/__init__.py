"""What this machine shows: listeners, firewall, names, proxies, limits, policies, containers.

``collect.collect`` looks at the host within a second and returns a ``snapshot.Snapshot``, which is plain data;
``snapshot_json`` writes it as JSON and reads it back. A snapshot holds no secrets: see ``docs/host-evidence.md``.

A new collector is a record and a field of ``Snapshot``, a file of its own, and a line in ``collect``'s list.
"""
