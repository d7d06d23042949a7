"""Questions that looks at the host answer, from one snapshot or several. Nothing here looks itself."""

from synscope.evidence.host.observe import observe_host

__all__ = ["observe_host"]
