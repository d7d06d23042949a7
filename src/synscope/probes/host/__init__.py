"""What this machine shows: listeners, firewall, names, proxies, limits, policies, containers.

``collect`` looks at the host within a second and returns a ``Snapshot``, which is plain data and travels as JSON.
A snapshot holds no secrets: see ``docs/host-evidence.md``.
"""

from synscope.probes.host.collect import collect
from synscope.probes.host.snapshot import Snapshot
from synscope.probes.host.snapshot_json import SnapshotError, from_json, snapshot_document, to_json

__all__ = [
    "Snapshot",
    "SnapshotError",
    "collect",
    "from_json",
    "snapshot_document",
    "to_json",
]
