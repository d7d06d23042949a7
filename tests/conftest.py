"""Settings for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile("ci", deadline=None, max_examples=60, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=2000)
# A developer's own configuration must not change what the tests see.
os.environ["SYNSCOPE_CONFIG"] = os.devnull
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
