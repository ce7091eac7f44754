"""What an API key may do: for each of 38 resources, read or write. Source: handbook, platform 8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.kernel.errors import ValidationFailed
from domain.kernel.validation import MANDATORY

__all__ = ["ALL_PERMISSIONS", "MODES", "RESOURCES", "checked_permissions"]

MODES: Final = ("read", "write")
_NAMES: Final = (
    "activity_log add_on analytic api_log billable_metric coupon applied_coupon credit_note customer_usage customer "
    "event fee invoice organization order order_form payment payment_receipt payment_request payment_method plan "
    "subscription lifetime_usage tax wallet wallet_transaction webhook_endpoint webhook_jwt_public_key "
    "invoice_custom_section billing_entity alert feature security_log quote product_category product rate_card "
    "plan_rate_card"
)
RESOURCES: Final = tuple(_NAMES.split())
ALL_PERMISSIONS: Final[Mapping[str, list[str]]] = {resource: list(MODES) for resource in RESOURCES}


def checked_permissions(given: Any) -> dict[str, list[str]]:
    """The permissions as stored. Raises ValidationFailed on `permissions` for an empty map, an unknown resource or
    mode."""
    if given is None or given == {}:
        raise ValidationFailed({"permissions": [MANDATORY]})
    if not isinstance(given, Mapping):
        raise ValidationFailed({"permissions": ["value_is_invalid"]})
    known = all(
        resource in ALL_PERMISSIONS and isinstance(modes, list) and all(mode in MODES for mode in modes)
        for resource, modes in given.items()
    )
    if not known:
        raise ValidationFailed({"permissions": ["value_is_invalid"]})
    return {resource: [mode for mode in MODES if mode in modes] for resource, modes in given.items()}
