"""As for the tests of what is made of the trace."""

from tests.evidence.kernel.conftest import _no_instance_stays

__all__ = ["_no_instance_stays"]
