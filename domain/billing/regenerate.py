"""A new invoice in the place of a voided one, with fees that are given or copied. Source: subscriptions handbook, 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.adjustments import UnitPrice, adjust, empty_fee
from domain.billing.assemble import Built, Rated, invoice_of
from domain.billing.bill import number_and_announce
from domain.billing.deductions import load_purses, store_deductions
from domain.billing.facts import Facts, Past, SubscriptionFacts, load_facts
from domain.billing.fee_target import FeeTarget, find_target, read_adjustment
from domain.billing.lines import BilledLine
from domain.billing.one_off import create_one_off_invoice
from domain.billing.plan_facts import ChargeFacts, FixedChargeFacts
from domain.billing.prepaid import deduct_prepaid
from domain.billing.rated_fee import RatedFee
from domain.billing.requests import Line, Target
from domain.customers.models import Customer
from domain.invoicing.dates import advance_dates
from domain.invoicing.events import InvoicesRegenerated
from domain.invoicing.models import Fee, Invoice, InvoiceSubscription
from domain.invoicing.queries import locked_invoice
from domain.invoicing.write import insert_regenerated
from domain.kernel import clock
from domain.kernel.currencies import currency_of
from domain.kernel.errors import NotAllowed, NotFound, ValidationFailed
from domain.kernel.ids import new_id, parse_id
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.pricing.fee_amounts import PricingUnitAmounts
from domain.subscriptions.windows import windows

__all__ = ["regenerate"]

MOST_FEES: Final = 1000
# A fee keeps these from the voided one; what it costs and what it is called may be set anew.
_COPIED: Final = tuple(
    each.name for each in fields(RatedFee) if each.name in table(Fee).c and each.name != "original_fee_id"
)
_OF_ADD_ON: Final = ("units", "unit_amount_cents", "invoice_display_name", "description")
_lines = table(InvoiceSubscription)
_FEES: Final = sa.text(
    """
    SELECT f.*, ch.billable_metric_id, u.pricing_unit_id, u.short_name, u.conversion_rate,
           u.amount_cents AS unit_cents, u.precise_amount_cents AS precise_unit_cents,
           u.unit_amount_cents AS unit_unit_cents, u.precise_unit_amount AS precise_unit_unit_amount
    FROM fees f
    LEFT JOIN charges ch ON ch.id = f.charge_id
    LEFT JOIN fee_pricing_units u ON u.fee_id = f.id
    WHERE f.invoice_id = :invoice_id ORDER BY f.position, f.id
    """
)


async def regenerate(work: UnitOfWork, params: Mapping[str, Any]) -> UUID:
    """A new invoice in the place of a voided one, final at once; its id.

    It is of the same type, covers the same periods and is dated at the creation of the voided one. params:
    voided_invoice_id, purchase_order_number, fees: none for a copy of all, or [{id of a fee of the voided invoice, or
    subscription_id with charge_id and charge_filter_id, or fixed_charge_id; units, unit_amount_cents (despite its name
    in units of the currency), invoice_display_name}].
    Raises NotFound, NotAllowed("not_regenerable") for what is not voided, for top-ups and for what has been replaced
    before, and ValidationFailed.
    """
    invoice_id = await _regenerate(work, params)
    work.record(InvoicesRegenerated((invoice_id,)))
    return invoice_id


async def _regenerate(work: UnitOfWork, params: Mapping[str, Any]) -> UUID:
    voided = await locked_invoice(work.session, params.get("voided_invoice_id"))
    if voided.status != "voided" or voided.invoice_type == "credit":
        raise NotAllowed("not_regenerable")
    read = Reader(params)
    order_number = read.text("purchase_order_number", default=voided.purchase_order_number)
    wanted = read.objects("fees", most=MOST_FEES)
    read.finish()
    old = {row.id: row for row in await work.session.execute(_FEES, {"invoice_id": voided.id})}
    wanted = wanted or [{"id": str(fee_id)} for fee_id in old]
    if voided.invoice_type == "one_off":
        return await _one_off(work, voided, wanted, old, order_number)
    query = sa.select(*_lines.c).where(_lines.c.invoice_id == voided.id).order_by(_lines.c.id)
    periods = (await work.session.execute(query)).all()
    if any(period.regenerated_invoice_id is not None for period in periods):
        raise NotAllowed("not_regenerable")
    target = Target(
        new_id(),
        clock.now(),
        tuple(Line(period.subscription_id, period.timestamp, period.invoicing_reason) for period in periods),
    )
    facts = await load_facts(work.session, [target])
    lines = {
        period.subscription_id: _line(n, period, facts.subscriptions[period.subscription_id])
        for n, period in enumerate(periods)
    }
    rated = await _rated(work, voided, wanted, old, lines, facts)
    customer = next(iter(lines.values())).subscription.customer
    purse = (await load_purses(work, [customer.id]))[customer.id]
    dates = advance_dates(customer.dates, voided.created_at)
    sections = facts.sections_of([line.subscription for line in lines.values()])
    rows = invoice_of(
        target,
        list(lines.values()),
        rated,
        purse=purse,
        draft=False,
        dates=dates,
        sections=sections,
        waits=customer.taxes_open,
    )
    rows = replace(
        rows,
        invoice={
            **rows.invoice,
            "invoice_type": voided.invoice_type,
            "billing_entity_id": voided.billing_entity_id,
            "purchase_order_number": order_number,
            "voided_invoice_id": voided.id,
        },
    )
    (built,) = await deduct_prepaid(work, [Built(target, rows, purse=purse)])
    async with unique(work, {"uq_invoices_voided_invoice_id": "voided_invoice_id"}):
        await insert_regenerated(work, built.rows, voided.id)
    await store_deductions(work, [built])
    await number_and_announce(work, [built])
    return target.invoice_id


def _line(number: int, period: Any, subscription: SubscriptionFacts) -> BilledLine:
    """The line as it was billed: the windows are those of the voided invoice."""
    window = windows(subscription.terms, period.timestamp)
    window = replace(
        window,
        from_datetime=period.from_datetime,
        to_datetime=period.to_datetime,
        charges_from_datetime=period.charges_from_datetime,
        charges_to_datetime=period.charges_to_datetime,
        fixed_charges_from_datetime=period.fixed_charges_from_datetime,
        fixed_charges_to_datetime=period.fixed_charges_to_datetime,
    )
    return BilledLine(number, subscription, Past(), window, period.timestamp, period.invoicing_reason)


async def _rated(
    work: UnitOfWork,
    voided: Invoice,
    wanted: Sequence[Mapping[str, Any]],
    old: Mapping[UUID, Any],
    lines: Mapping[UUID, BilledLine],
    facts: Facts,
) -> list[Rated]:
    rated: list[Rated] = []
    made: dict[UUID, RatedFee] = {}
    for sent in wanted:
        row = old.get(parse_id(sent["id"]) or voided.id) if sent.get("id") is not None else None
        if sent.get("id") is not None and row is None:
            raise NotFound("fee")
        if row is not None and row.id in made:
            raise ValidationFailed({"fees": ["value_already_exist"]})
        target = await _target(work, voided, sent, row)
        line = lines.get(target.subscription_id)
        if line is None:
            raise NotFound("subscription")
        charge = _charge(facts, line.subscription, target)
        adjustment = read_adjustment(sent, target, unit_amount="unit_amount_cents")
        if row is not None:
            fee = _copy(row, made.get(row.true_up_parent_fee_id))
        elif charge is not None:
            fee = empty_fee(charge, adjustment)
        else:
            raise NotFound("charge")
        price = UnitPrice.of(charge, target.charge_filter_id) if charge is not None else None
        if adjustment.units is not None and adjustment.unit_amount is None and target.charge_model and price is None:
            # The charge is gone, and with it the price of its units.
            raise ValidationFailed({"charge": ["invalid_charge_model"]})
        fee = adjust(fee, adjustment, voided.currency, price)
        if row is not None:
            made[row.id] = fee
        taxes_open = line.subscription.customer.taxes_open
        rated.append((line, fee, facts.taxes_of(line.subscription, fee.owner, certain=taxes_open)))
    return rated


async def _target(work: UnitOfWork, voided: Invoice, sent: Mapping[str, Any], row: Any) -> FeeTarget:
    if row is None:
        return await find_target(work.session, voided.id, sent)
    found = await work.session.execute(_MODEL, {"charge_id": row.charge_id, "fixed_charge_id": row.fixed_charge_id})
    model = found.first()
    return FeeTarget(
        subscription_id=row.subscription_id,
        fee_type=row.fee_type,
        charge_id=row.charge_id,
        charge_filter_id=row.charge_filter_id,
        fixed_charge_id=row.fixed_charge_id,
        grouped_by=row.grouped_by,
        charge_model=model.charge_model if model is not None else None,
        prorated=model is not None and model.prorated,
        fee_id=row.id,
    )


_MODEL: Final = sa.text(
    """
    SELECT charge_model, prorated FROM charges WHERE id = :charge_id
    UNION ALL SELECT charge_model, prorated FROM fixed_charges WHERE id = :fixed_charge_id
    """
)


def _charge(facts: Facts, subscription: SubscriptionFacts, target: FeeTarget) -> ChargeFacts | FixedChargeFacts | None:
    for charge in facts.charges_of(subscription):
        if charge.id == target.charge_id:
            return charge
    for fixed in facts.fixed_charges_of(subscription):
        if fixed.id == target.fixed_charge_id:
            return fixed
    return None


def _copy(row: Any, parent: RatedFee | None) -> RatedFee:
    values = {name: getattr(row, name) for name in _COPIED}
    if row.pricing_unit_id is not None:
        values |= {
            "pricing_unit": PricingUnitAmounts(
                row.unit_cents, row.precise_unit_cents, row.unit_unit_cents, row.precise_unit_unit_amount,
                row.conversion_rate,
            ),
            "pricing_unit_id": row.pricing_unit_id,
            "pricing_unit_short_name": row.short_name,
        }  # fmt: skip
    values["reckoning"] = row.reckoning or {}
    values["adjusted_fee_id"] = None
    return RatedFee(
        **values,
        owner=row.charge_id or row.fixed_charge_id or row.commitment_id,
        billable_metric_id=row.billable_metric_id,
        true_up_of=parent,
        original_fee_id=row.original_fee_id or row.id,
    )


async def _one_off(
    work: UnitOfWork,
    voided: Invoice,
    wanted: Sequence[Mapping[str, Any]],
    old: Mapping[UUID, Any],
    order_number: str | None,
) -> UUID:
    """The same add-ons once more."""
    subunit = currency_of(voided.currency).subunit_to_unit
    lines = []
    for sent in wanted:
        row = old.get(parse_id(sent.get("id")) or voided.id)
        if row is None and sent.get("id") is not None:
            raise NotFound("fee")
        read = Reader(sent)
        amount = read.decimal("unit_amount_cents", least=Decimal(0), most=Decimal(10) ** 12)
        read.finish()
        line: dict[str, Any] = {"add_on_id": sent.get("add_on_id")}
        if row is not None:
            line = {name: getattr(row, name) for name in _OF_ADD_ON} | {
                "add_on_id": str(row.add_on_id),
                "from_datetime": row.properties.get("from_datetime"),
                "to_datetime": row.properties.get("to_datetime"),
            }
        line |= {name: sent[name] for name in _OF_ADD_ON if sent.get(name) is not None}
        if amount is not None:
            line["unit_amount_cents"] = int(amount * subunit)
        lines.append(line)
    customer = await work.session.get_one(Customer, voided.customer_id)
    params = {
        "currency": voided.currency,
        "fees": lines,
        "purchase_order_number": order_number,
        "voided_invoice_id": str(voided.id),
    }
    return await create_one_off_invoice(work, customer, params)
