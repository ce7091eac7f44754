"""What a client may say of an alert, and what is wrong with it. Source: handbook, metering 19.1 and 19.2."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from domain.kernel.validation import INVALID, MANDATORY, Params, Reader

__all__ = ["METRIC_TYPES", "SUBSCRIPTION_TYPES", "WALLET_TYPES", "ThresholdTerms", "read_thresholds", "read_type"]

METRIC_TYPES: Final = frozenset(
    {
        "billable_metric_current_usage_amount",
        "billable_metric_current_usage_units",
        "billable_metric_lifetime_usage_units",
    }
)
SUBSCRIPTION_TYPES: Final = METRIC_TYPES | {"current_usage_amount", "lifetime_usage_amount"}
WALLET_TYPES: Final = frozenset(
    {
        "wallet_balance_amount",
        "wallet_credits_balance",
        "wallet_ongoing_balance_amount",
        "wallet_credits_ongoing_balance",
    }
)
MAX_THRESHOLDS: Final = 20
MAX_CODE: Final = 255
BIGGEST: Final = Decimal(10) ** 24
STEP: Final = Decimal("0.00001")
THRESHOLDS, VALUE = "thresholds", "thresholds:value"


@dataclass(frozen=True, slots=True)
class ThresholdTerms:
    value: Decimal
    code: str | None
    recurring: bool


def read_type(read: Reader, types: Collection[str]) -> str | None:
    """The field `alert_type`, one of those that what is watched has."""
    sent = read.params.get("alert_type")
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        read.add("alert_type", MANDATORY)
        read.add("alert_type", INVALID)
        return None
    if not isinstance(sent, str) or sent not in types:
        read.add("alert_type", "invalid_type")
        return None
    return sent


def read_thresholds(read: Reader) -> list[ThresholdTerms]:
    """The field `thresholds`; notes on `read` what is wrong with it. Values are kept with five decimals."""
    sent = read.params.get(THRESHOLDS)
    if sent is None or sent == []:
        read.add(THRESHOLDS, MANDATORY)
        return []
    if not isinstance(sent, list) or not all(isinstance(each, dict) for each in sent):
        read.add(THRESHOLDS, INVALID)
        return []
    if len(sent) > MAX_THRESHOLDS:
        read.add(THRESHOLDS, "too_many_thresholds")
        return []
    found = [terms for each in sent if (terms := _terms(read, each)) is not None]
    _refuse_alike(read, found)
    return found


def _terms(read: Reader, sent: Params) -> ThresholdTerms | None:
    own = Reader(sent)
    recurring = own.boolean("recurring", default=False)
    code = own.text("code", longest=MAX_CODE)
    if own.errors:
        read.add(THRESHOLDS, INVALID)
    value = _value(own, sent.get("value"), read)
    if value is None:
        return None
    if recurring and value <= 0:
        read.add(VALUE, "recurring_value_is_negative")
    return ThresholdTerms(value, code, bool(recurring))


def _value(own: Reader, sent: Any, read: Reader) -> Decimal | None:
    if sent is None or (isinstance(sent, str) and not sent.strip()):
        read.add(VALUE, MANDATORY)
        return None
    value = own.decimal("value", most=BIGGEST)
    if value is None:
        read.add(VALUE, INVALID)
        return None
    return value.quantize(STEP)


def _refuse_alike(read: Reader, terms: Sequence[ThresholdTerms]) -> None:
    if len({(each.value, each.recurring) for each in terms}) < len(terms):
        read.add(THRESHOLDS, "duplicate_threshold_values")
    if sum(each.recurring for each in terms) > 1:
        read.add(THRESHOLDS, "multiple_recurring_thresholds")
