"""All scenarios."""

from __future__ import annotations

from typing import Final

from tests.scenarios.completed import COMPLETED
from tests.scenarios.programs import PROGRAMS
from tests.scenarios.refused import REFUSED
from tests.scenarios.scenario import Scenario
from tests.scenarios.silent import SILENCE

SCENARIOS: Final[tuple[Scenario, ...]] = (*REFUSED, *SILENCE, *COMPLETED, *PROGRAMS)
