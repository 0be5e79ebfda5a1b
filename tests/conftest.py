"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# How fast a machine makes examples proves nothing. Where CI is set, hypothesis's own profile says the same and more.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if not os.environ.get("CI"):
    settings.load_profile("here")
