"""What must happen before a subscription becomes active: the rules a client may send.

Source: handbook, subscriptions-and-invoices 1.3 and 1.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.kernel.validation import Reader

__all__ = ["ACTIVATION_RULE_STATUSES", "ACTIVATION_RULE_TYPES", "read_activation_rules"]

ACTIVATION_RULE_TYPES: Final = ("payment",)
ACTIVATION_RULE_STATUSES: Final = (
    "inactive", "pending", "satisfied", "declined", "failed", "expired", "not_applicable",
)  # fmt: skip
FIELD: Final = "activation_rules"
# A century keeps every expiry inside the calendar.
MOST_HOURS: Final = 876_000


def read_activation_rules(read: Reader, *, pending: bool = True) -> None:
    """Notes what is wrong with the field. pending: whether the subscription has not started.

    A rule that is well formed waits for a payment through the customer's payment provider. No customer is linked to
    one, so such a rule is refused as the interface has it for such customers; no rules at all are fine.
    """
    value = read.params.get(FIELD)
    if value is None or value == []:
        return
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        read.add(FIELD, "invalid_format")
        return
    if not pending:
        read.add(FIELD, "subscription_not_pending")
    types = [each.get("type") for each in value]
    wrong = any(each not in ACTIVATION_RULE_TYPES for each in types)
    if wrong:
        read.add(FIELD, "invalid_type")
    elif len(set(types)) < len(types):
        read.add(FIELD, "duplicated_type")
    hours = [_is_duration(each.get("timeout_hours")) for each in value]
    if not all(hours):
        read.add("timeout_hours", "value_must_be_positive_or_zero")
    if not wrong and all(hours) and pending:
        read.add("customer", "no_linked_payment_provider")


def _is_duration(value: Any) -> bool:
    """Hours, 0 for ever; absent is 0."""
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_HOURS)
