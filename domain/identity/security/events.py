"""What the security log tells: names of events, the part before the dot is the log's type. Source: handbook,
platform 15.3."""

from __future__ import annotations

from typing import Final

__all__ = ["LOG_EVENTS", "LOG_TYPES"]

LOG_EVENTS: Final = (
    "api_key.created", "api_key.deleted", "api_key.rotated", "api_key.updated",
    "billing_entity.created", "billing_entity.updated",
    "export.created",
    "integration.created", "integration.deleted", "integration.updated",
    "role.created", "role.deleted", "role.updated",
    "user.deleted", "user.invited", "user.new_device_logged_in", "user.password_edited",
    "user.password_reset_requested", "user.role_edited", "user.signed_up",
    "webhook_endpoint.created", "webhook_endpoint.deleted", "webhook_endpoint.updated",
)  # fmt: skip
LOG_TYPES: Final = tuple(dict.fromkeys(event.partition(".")[0] for event in LOG_EVENTS))
