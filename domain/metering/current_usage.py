"""What subscriptions have used in their current period, priced as an invoice would. Source: handbook, metering 13.

Nothing is stored: units are measured (or found in the cache) and priced with the pure functions of domain.pricing, so
an amount here and the fee of the period's invoice come from the same code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from domain.customers.models import Customer
from domain.kernel import clock
from domain.kernel.errors import NotAllowed, NotFound
from domain.kernel.ids import parse_id
from domain.kernel.money import HUNDRED, ZERO, round_cents
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charge_questions import UsageWindow
from domain.metering.charges import charges_of_plans
from domain.metering.measured_charges import Measured, measured_charges, questions_of
from domain.metering.priced_usage import ChargeUsage
from domain.metering.usage import UsageQuestion
from domain.metering.usage_options import ChargeFilters, UsageOptions
from domain.metering.usage_taxes import charge_tax_rates
from domain.subscriptions.facts import terms_of
from domain.subscriptions.instants import local_date
from domain.subscriptions.models import Subscription
from domain.subscriptions.queries import rows_by_ids
from domain.subscriptions.windows import windows

__all__ = ["ChargeFilters", "ChargeUsage", "CurrentUsage", "UsageOptions", "current_usage", "usages_of"]

_c, _s = table(Customer), table(Subscription)


@dataclass(frozen=True, slots=True)
class CurrentUsage:
    """from_datetime, to_datetime: the charges' window, both included. issuing_date: the local date it ends on."""

    subscription_id: UUID
    from_datetime: datetime
    to_datetime: datetime
    issuing_date: date
    zone: ZoneInfo
    currency: str
    charges: Sequence[ChargeUsage]
    taxes_amount_cents: int
    amount_cents: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount_cents", sum(fee.amount_cents for each in self.charges for fee in each.fees))

    @property
    def total_amount_cents(self) -> int:
        return self.amount_cents + self.taxes_amount_cents

    @property
    def projected_amount_cents(self) -> int:
        return sum(fee.projected_amount_cents for each in self.charges for fee in each.fees)


async def current_usage(
    work: UnitOfWork,
    *,
    subscription_external_id: str | None = None,
    subscription_id: str | None = None,
    customer_external_id: str | None = None,
    customer_id: str | None = None,
    apply_taxes: bool = True,
    options: UsageOptions | None = None,
) -> CurrentUsage:
    """The usage of one active subscription, named by ids or by external ids; without a customer, of whichever it is.

    Raises NotFound("customer"), NotAllowed("no_active_subscription"), NotFound("charge") when a filter finds none,
    NotAllowed("full_usage_not_allowed").
    """
    found = sa.select(_s.c.id).where(
        _s.c.organization_id == work.organization_id,
        _s.c.status == "active",
        _s.c.external_id == subscription_external_id
        if subscription_external_id is not None
        else _s.c.id == parse_id(subscription_id),
    )
    if customer_id is not None or customer_external_id is not None:
        found = found.where(_s.c.customer_id == await _customer(work, customer_id, customer_external_id))
    active = (await work.session.execute(found)).scalar_one_or_none()
    if active is None:
        raise NotAllowed("no_active_subscription")
    (usage,) = await usages_of(work, [active], apply_taxes=apply_taxes, options=options)
    return usage


async def usages_of(
    work: UnitOfWork,
    subscription_ids: Sequence[UUID],
    *,
    apply_taxes: bool = True,
    options: UsageOptions | None = None,
) -> list[CurrentUsage]:
    """The usage of each of these active subscriptions, in order; a fixed number of statements for any number of them.

    Raises NotFound("charge") when a filter finds none on a plan, NotAllowed("full_usage_not_allowed").
    """
    options = options or UsageOptions()
    rows, asked = await _asked(work, subscription_ids, options)
    fees = await measured_charges(work, asked, options)
    rates: Mapping[tuple[UUID, UUID], Decimal] = {}
    if apply_taxes:
        pairs = [(row.customer_id, each.id) for row, one in zip(rows, asked, strict=True) for each in one.charges]
        rates = await charge_tax_rates(work, pairs)
    return [
        CurrentUsage(
            subscription_id=row.id,
            from_datetime=one.window.from_,
            to_datetime=one.window.to,
            issuing_date=local_date(one.window.to, one.window.zone),
            zone=one.window.zone,
            currency=row.amount_currency,
            charges=fees[row.id],
            taxes_amount_cents=_taxes(fees[row.id], row.customer_id, rates),
        )
        for row, one in zip(rows, asked, strict=True)
    ]


async def usage_questions(work: UnitOfWork, external_id: str) -> list[UsageQuestion]:
    """What the event store is asked for the current usage of an active subscription; [] without one."""
    query = sa.select(_s.c.id).where(
        _s.c.organization_id == work.organization_id, _s.c.external_id == external_id, _s.c.status == "active"
    )
    active = list((await work.session.execute(query)).scalars())
    if not active:
        return []
    _, asked = await _asked(work, active, UsageOptions())
    return await questions_of(work, asked, UsageOptions())


async def _asked(
    work: UnitOfWork, subscription_ids: Sequence[UUID], options: UsageOptions
) -> tuple[Sequence[sa.Row[Any]], list[Measured]]:
    """The rows of the subscriptions, and what of each is to be measured."""
    rows = await rows_by_ids(work.session, list(subscription_ids))
    plans = await charges_of_plans(work.session, work.organization_id, sorted({row.plan_id for row in rows}))
    asked = []
    for row in rows:
        charges = options.charges.take(plans.get(row.plan_id, ()))
        if options.charges and not charges:
            raise NotFound("charge")
        options.check(charges)
        window = _window(row, from_start=options.full_usage)
        asked.append(Measured(row.id, window, row.amount_currency, charges))
    return rows, asked


def _taxes(charges: Sequence[ChargeUsage], customer_id: UUID, rates: Mapping[tuple[UUID, UUID], Decimal]) -> int:
    """Each fee's taxes are rounded, then summed (handbook, pricing 13)."""
    return sum(
        round_cents(fee.amount_cents * rates.get((customer_id, each.charge.id), ZERO) / HUNDRED)
        for each in charges
        for fee in each.fees
    )


def _window(row: sa.Row[Any], *, from_start: bool) -> UsageWindow:
    terms = terms_of(row)
    window = windows(terms, clock.now(), current_usage=True)
    start, end, days = window.charges_from_datetime, window.charges_to_datetime, window.charges_duration
    assert start is not None, "a current window has charges"
    assert end is not None, "a current window has charges"
    assert days is not None, "a current window has charges"
    return UsageWindow(
        external_subscription_id=row.external_id,
        from_=terms.started_at if from_start else start,
        to=end,
        zone=terms.zone,
        charges_duration=days,
        has_predecessor=row.previous_subscription_id is not None,
    )


async def _customer(work: UnitOfWork, customer_id: str | None, external_id: str | None) -> UUID:
    wanted = _c.c.external_id == external_id if external_id is not None else _c.c.id == parse_id(customer_id)
    query = sa.select(_c.c.id).where(_c.c.organization_id == work.organization_id, wanted, _c.c.deleted_at.is_(None))
    found: UUID | None = (await work.session.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound("customer")
    return found
