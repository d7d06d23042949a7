"""What this machine says about a target: listeners, firewall, names, proxies, limits, policies, containers.

Two layers. ``collect`` looks at the host within a second and returns a ``Snapshot``, which is plain data and
travels as JSON. ``observe_host`` answers the vocabulary's questions about the host from one or several snapshots,
and touches nothing. A snapshot holds no secrets: see ``docs/host-evidence.md``.
"""

from synscope.evidence.host.collect import collect
from synscope.evidence.host.document import SnapshotError, from_json, snapshot_document, to_json
from synscope.evidence.host.observe import observe_host
from synscope.evidence.host.records import Snapshot

__all__ = [
    "Snapshot",
    "SnapshotError",
    "collect",
    "from_json",
    "observe_host",
    "snapshot_document",
    "to_json",
]
