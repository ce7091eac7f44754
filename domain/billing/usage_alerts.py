"""The figures of usage alerts on subscriptions. Source: handbook, metering 19.1 and 19.3."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from domain.billing.lifetime_usage import Lifetime
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.current_usage import ChargeFilters, CurrentUsage, UsageOptions, usages_of
from domain.metering.evaluate_alerts import RowOf, compare, locked_alerts
from domain.metering.priced_usage import ChargeUsage

__all__ = ["evaluate_usage_alerts"]

LIFETIME_UNITS = "billable_metric_lifetime_usage_units"


async def evaluate_usage_alerts(work: UnitOfWork, lifetimes: Mapping[UUID, Lifetime]) -> None:
    """Compares the alerts of these locked, active subscriptions with their usage; a fixed number of statements, and a
    few for each metric whose units since the start are watched."""
    by_external_id = {each.external_subscription_id: each for each in lifetimes.values()}
    alerts = await locked_alerts(work, external_ids=sorted(by_external_id))
    if not alerts:
        return
    since_start = await _units_since_start(work, alerts, by_external_id)

    def value_of(alert: RowOf) -> Decimal | int | None:
        if alert.alert_type == LIFETIME_UNITS:
            return since_start.get((alert.subscription_external_id, alert.billable_metric_id))
        return _value(alert, by_external_id[alert.subscription_external_id])

    await compare(work, alerts, value_of, {key: each.subscription_id for key, each in by_external_id.items()})


def _value(alert: RowOf, lifetime: Lifetime) -> Decimal | int | None:
    assert lifetime.current is not None, "the subscription is active"
    match alert.alert_type:
        case "current_usage_amount":
            return lifetime.current_cents
        case "lifetime_usage_amount":
            return lifetime.total_cents
    fees = [fee for charge in _charges(lifetime.current, alert.billable_metric_id) for fee in charge.fees]
    if alert.alert_type == "billable_metric_current_usage_amount":
        return max((fee.amount_cents for fee in fees), default=None)
    return max((fee.units for fee in fees), default=None)


def _charges(usage: CurrentUsage, metric_id: UUID | None) -> list[ChargeUsage]:
    return [each for each in usage.charges if each.charge.metric_id == metric_id]


async def _units_since_start(
    work: UnitOfWork, alerts: Sequence[RowOf], by_external_id: Mapping[str, Lifetime]
) -> dict[tuple[str, UUID], Decimal]:
    """The largest units of a fee of a metric since the subscription's start; prorated charges have none."""
    asked: dict[tuple[UUID, str], list[Lifetime]] = defaultdict(list)
    for alert in alerts:
        lifetime = by_external_id[alert.subscription_external_id]
        if alert.alert_type != LIFETIME_UNITS or lifetime.current is None:
            continue
        charges = _charges(lifetime.current, alert.billable_metric_id)
        if charges and not any(each.charge.prorated for each in charges):
            asked[alert.billable_metric_id, charges[0].charge.metric_code].append(lifetime)
    found: dict[tuple[str, UUID], Decimal] = {}
    for (metric_id, code), some in asked.items():
        options = UsageOptions(charges=ChargeFilters(billable_metric_code=code), full_usage=True)
        usages = await usages_of(work, [each.subscription_id for each in some], apply_taxes=False, options=options)
        for lifetime, usage in zip(some, usages, strict=True):
            units = [fee.units for charge in usage.charges for fee in charge.fees]
            if units:
                found[lifetime.external_subscription_id, metric_id] = max(units)
    return found
