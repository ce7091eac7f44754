"""What subscriptions used in periods that were invoiced. Source: handbook, metering 15."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.models import BillableMetric
from domain.customers.models import Customer
from domain.invoicing.models import Fee, FeePricingUnit, Invoice, InvoiceSubscription
from domain.invoicing.queries import VISIBLE
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.format import instant
from domain.kernel.pagination import Page, PageRequest
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charges import PlanCharge, charges_by_ids
from domain.metering.priced_usage import Breakdown, ChargeUsage, UsageFee
from domain.metering.usage_payloads import charge_usage_payload
from domain.subscriptions.models import Subscription

__all__ = ["PastUsageFilter", "past_usage"]

MANDATORY = "value_is_mandatory"
_i, _x, _f = table(Invoice), table(InvoiceSubscription), table(Fee)
_s, _c, _m, _u = table(Subscription), table(Customer), table(BillableMetric), table(FeePricingUnit)


@dataclass(frozen=True, slots=True)
class PastUsageFilter:
    """periods_count: at most so many of the newest periods. billable_metric_code: only charges on this metric."""

    external_customer_id: str
    external_subscription_id: str
    billable_metric_code: str | None = None
    periods_count: int | None = None


async def past_usage(work: UnitOfWork, wanted: PastUsageFilter, request: PageRequest) -> Page[dict[str, Any]]:
    """A page of invoiced periods, newest first, each with its usage; a fixed number of statements.

    Unknown customers and subscriptions have no periods. Raises ValidationFailed, NotFound("billable_metric").
    """
    named = {"external_customer_id": wanted.external_customer_id}
    named["external_subscription_id"] = wanted.external_subscription_id
    missing = {name: [MANDATORY] for name, value in named.items() if not value.strip()}
    if missing:
        raise ValidationFailed(missing)
    if wanted.billable_metric_code is not None:
        known = sa.select(_m.c.id).where(
            _m.c.organization_id == work.organization_id,
            _m.c.code == wanted.billable_metric_code,
            _m.c.deleted_at.is_(None),
        )
        if (await work.session.execute(known)).first() is None:
            raise NotFound("billable_metric")
    periods = (
        sa.select(
            _x.c.invoice_id,
            _x.c.subscription_id,
            _x.c.charges_from_datetime,
            _x.c.charges_to_datetime,
            _i.c.issuing_date,
            _i.c.currency,
            _i.c.fees_amount_cents,
        )
        .join(_i, _i.c.id == _x.c.invoice_id)
        .join(_s, _s.c.id == _x.c.subscription_id)
        .join(_c, _c.c.id == _s.c.customer_id)
        .where(
            _x.c.organization_id == work.organization_id,
            _s.c.external_id == wanted.external_subscription_id,
            _c.c.external_id == wanted.external_customer_id,
            _x.c.charges_from_datetime.is_not(None),
            _i.c.status.in_(VISIBLE),
        )
        .order_by(_x.c.charges_from_datetime.desc(), _x.c.timestamp.desc(), _x.c.id.desc())
    )
    if wanted.periods_count is not None:
        periods = periods.limit(wanted.periods_count)
    page = periods.subquery()
    total = await work.session.scalar(sa.select(sa.func.count()).select_from(page)) or 0
    if request.offset >= total:
        return Page((), total, request)
    left = total - request.offset
    rows = (await work.session.execute(periods.limit(min(request.size, left)).offset(request.offset))).all()
    return Page(await _shown(work, rows, wanted), total, request)


async def _shown(work: UnitOfWork, periods: Sequence[Any], wanted: PastUsageFilter) -> list[dict[str, Any]]:
    invoices = {row.invoice_id for row in periods}
    fees = (
        await work.session.execute(
            sa.select(
                *_f.c, _s.c.external_id.label("external_subscription_id"), _u.c.amount_cents.label("in_pricing_unit")
            )
            .outerjoin(_s, _s.c.id == _f.c.subscription_id)
            .outerjoin(_u, _u.c.fee_id == _f.c.id)
            .where(_f.c.organization_id == work.organization_id, _f.c.invoice_id.in_(invoices))
            .order_by(_f.c.position, _f.c.id)
        )
    ).all()
    charges = await charges_by_ids(
        work.session, work.organization_id, sorted({fee.charge_id for fee in fees if fee.charge_id is not None})
    )
    taxes: dict[UUID, int] = defaultdict(int)
    used: dict[tuple[UUID, UUID], list[Any]] = defaultdict(list)
    for fee in fees:
        taxes[fee.invoice_id] += fee.taxes_amount_cents
        if fee.fee_type == "charge" and fee.true_up_parent_fee_id is None:
            used[fee.invoice_id, fee.subscription_id].append(fee)
    return [
        {
            "from_datetime": instant(row.charges_from_datetime),
            "to_datetime": instant(row.charges_to_datetime),
            "issuing_date": row.issuing_date.isoformat(),
            "currency": row.currency,
            "amount_cents": row.fees_amount_cents,
            "taxes_amount_cents": taxes[row.invoice_id],
            "total_amount_cents": row.fees_amount_cents + taxes[row.invoice_id],
            "lago_invoice_id": row.invoice_id,
            "charges_usage": [
                charge_usage_payload(each, row.currency)
                for each in _charges(used[row.invoice_id, row.subscription_id], charges, wanted.billable_metric_code)
            ],
        }
        for row in periods
    ]


def _charges(fees: Sequence[Any], charges: dict[UUID, PlanCharge], code: str | None) -> list[ChargeUsage]:
    by_charge: dict[UUID, list[UsageFee]] = defaultdict(list)
    for fee in fees:
        by_charge[fee.charge_id].append(_fee(fee, charges[fee.charge_id]))
    shown = [ChargeUsage(charges[charge_id], tuple(listed)) for charge_id, listed in by_charge.items()]
    return sorted(
        (each for each in shown if code is None or each.charge.metric_code == code),
        key=lambda each: (each.charge.metric_name.lower(), each.charge.id),
    )


def _fee(fee: Any, charge: PlanCharge) -> UsageFee:
    taken = next((one for one in charge.filters if one.rule.id == fee.charge_filter_id), None)
    return UsageFee(
        filter=taken,
        grouped_by=fee.grouped_by or {},
        units=fee.units,
        total_aggregated_units=fee.units if fee.total_aggregated_units is None else fee.total_aggregated_units,
        events_count=fee.events_count or 0,
        amount_cents=fee.amount_cents,
        pricing_unit_amount_cents=fee.in_pricing_unit,
        breakdowns=tuple(
            Breakdown(each["presentation_by"], Decimal(str(each["units"])))
            for each in fee.presentation_breakdowns or ()
        ),
    )
