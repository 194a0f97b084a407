"""How long hypothesis looks: ``HYPOTHESIS_PROFILE=thorough`` looks a hundred times longer."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A noisy machine may stop for a second at any moment: no example has a deadline.
settings.register_profile(
    "steady", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("steady"), max_examples=6000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))
