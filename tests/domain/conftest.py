"""Hypothesis on machines that do other work as well: how long an example takes says nothing about a rule."""

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
