"""One-off invoices: lines of add-ons, billed at once. Source: subscriptions handbook, section 7.1."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.assemble import amount_columns, invoice_tax_rows
from domain.billing.facts import zone_of
from domain.billing.fee_rows import fee_tax_rows
from domain.billing.rated_fee import instant_text
from domain.billing.requests import finish_request
from domain.billing.tax_facts import TaxFacts, load_taxes, nearest
from domain.catalog.eu_taxes import is_open
from domain.catalog.models import AddOn, AddOnTax, Tax
from domain.customers.models import Customer
from domain.identity.custom_sections import Selection, read_selection, sections_by_id
from domain.identity.models import BillingEntity
from domain.identity.queries import kept_billing_entity_id
from domain.invoicing.calculation.calculate import ONE_OFF, calculate
from domain.invoicing.calculation.state import Calculation, FeeLine
from domain.invoicing.calculation.state import Tax as TaxRate
from domain.invoicing.custom_sections import Chosen, Inherited, Section, applied, section_rows
from domain.invoicing.dates import DateSettings, advance_dates
from domain.invoicing.events import OneOffInvoicesCreated
from domain.invoicing.number import Unnumbered, number_invoices, write_draft_numbers
from domain.invoicing.queries import invoice_row
from domain.invoicing.selected_sections import load_sections
from domain.invoicing.write import insert_plain_invoice, skip_automatic_payment
from domain.kernel import clock
from domain.kernel.currencies import CURRENCIES
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import new_id, new_id_text, parse_id
from domain.kernel.money import ONE, from_cents, round_cents
from domain.kernel.rows import table
from domain.kernel.uniqueness import unique
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader
from domain.payments.methods import asked_reference
from domain.pricing.fee_amounts import stored

__all__ = ["create_one_off_invoice"]

MOST_LINES: Final = 500
MOST_CENTS: Final = 10**15
_add_ons, _taxes, _of_add_ons = table(AddOn).c, table(Tax).c, table(AddOnTax).c


@dataclass(frozen=True, slots=True)
class _Line:
    add_on: Any
    units: Decimal
    unit_amount_cents: int
    invoice_display_name: str | None
    description: str | None
    start: datetime
    end: datetime
    tax_codes: Sequence[str]

    @property
    def exact(self) -> Decimal:
        return self.unit_amount_cents * self.units


async def create_one_off_invoice(work: UnitOfWork, customer: Customer, params: Mapping[str, Any]) -> UUID:
    """An invoice of these lines, final at once unless the customer's VAT number is being checked; its id.

    params: currency, fees [{add_on_code or add_on_id, units, unit_amount_cents, invoice_display_name (or name),
    description, from_datetime, to_datetime, tax_codes}], billing_entity_code or _id, invoice_custom_section,
    payment_method, purchase_order_number, skip_psp, voided_invoice_id (of the customer: this invoice stands for it,
    once). Raises NotFound("fees", "add_on", "billing_entity", "invoice") and ValidationFailed; nothing is written then.
    Tax codes that nobody knows do not apply.
    """
    read = Reader(params)
    entity = await work.session.get_one(BillingEntity, customer.billing_entity_id)
    selection = await read_selection(work, Reader(read.json_object("invoice_custom_section"), read.errors))
    currency = read.choice("currency", CURRENCIES) or customer.currency or entity.default_currency
    order_number = read.text("purchase_order_number")
    payment = await asked_reference(work, read, customer.id)
    skips_payment = read.boolean("skip_psp", default=False)
    read.finish()
    voided_id = await _voided(work, customer, params.get("voided_invoice_id"))
    issuer = entity
    issuer_id = await kept_billing_entity_id(
        work, code=params.get("billing_entity_code"), id=params.get("billing_entity_id")
    )
    if issuer_id is not None:
        issuer = await work.session.get_one(BillingEntity, issuer_id)
    now = clock.now()
    lines = await _lines(work, params.get("fees"), now)
    if not customer.currency:
        customer.currency = currency
    waits = await is_open(work, customer.id)
    taxes = await _taxes_of(work, customer, lines, certain=waits)
    found = calculate(
        Calculation(
            fees=tuple(
                FeeLine(round_cents(line.exact), line.exact, tuple(each.tax for each in of_line))
                for line, of_line in zip(lines, taxes, strict=True)
            ),
            currency=currency,
        ),
        ONE_OFF,
    )
    zone = zone_of(customer.timezone or entity.timezone or "UTC")
    term = entity.net_payment_term if customer.net_payment_term is None else customer.net_payment_term
    dates = advance_dates(DateSettings(zone, net_payment_term=term), now)
    choice = customer.finalize_zero_amount_invoice
    issued = found.fees_amount_cents > 0 or choice == "finalize" or (
        choice != "skip" and issuer.finalize_zero_amount_invoice
    )  # fmt: skip
    invoice_id = new_id()
    invoice = {
        "id": invoice_id,
        "customer_id": customer.id,
        "billing_entity_id": issuer.id,
        "invoice_type": "one_off",
        "status": ("pending" if waits else "finalized") if issued else "closed",
        "tax_status": "pending" if waits and issued else None,
        "payment_status": "pending" if found.total_amount_cents > 0 else "succeeded",
        "currency": currency,
        "timezone": str(zone),
        "issuing_date": dates.issuing_date,
        "expected_finalization_date": dates.expected_finalization_date,
        "payment_due_date": dates.payment_due_date,
        "net_payment_term": term,
        "purchase_order_number": order_number,
        **(payment.columns() if payment and params["payment_method"] else {}),
        "self_billed": customer.account_type == "partner",
        "skip_charges": False,
        "voided_invoice_id": voided_id,
        **amount_columns(found),
        "total_paid_amount_cents": 0,
        "created_at": now,
    }
    await work.session.flush()
    chosen = await _sections_of(work, customer, selection)
    sections = [
        {"id": new_id_text(), "invoice_id": invoice_id, "created_at": now, **row} for row in section_rows(chosen)
    ]
    async with unique(work, {"uq_invoices_voided_invoice_id": "voided_invoice_id"}):
        await insert_plain_invoice(work, invoice, *_rows(invoice, lines, taxes, found, now), sections)
    if skips_payment:
        await skip_automatic_payment(work, invoice_id)
    if issued and waits:
        await write_draft_numbers(work, [invoice_id])
        work.enqueue(finish_request(customer.id))
    elif issued:
        unnumbered = Unnumbered(invoice_id, customer.id, issuer.id, customer.account_type == "partner")
        await number_invoices(work, [unnumbered])
        work.record(OneOffInvoicesCreated((invoice_id,)))
    return invoice_id


async def _sections_of(work: UnitOfWork, customer: Customer, selection: Selection) -> list[Section]:
    """The custom sections that the request names, else the customer's."""
    if selection.ids:
        rows = await sections_by_id(work.session, selection.ids)
        return [Section(row.code, row.name, row.display_name, row.details) for row in rows]
    selected = await load_sections(
        work.session, entities=[customer.billing_entity_id], customers=[customer.id], subscriptions=[]
    )
    inherited = Inherited(
        customer.skip_invoice_custom_sections,
        selected.get(customer.id, ()),
        selected.get(customer.billing_entity_id, ()),
    )
    return applied([Chosen(bool(selection.skip))], inherited)


async def _voided(work: UnitOfWork, customer: Customer, sent: object) -> UUID | None:
    """The voided invoice of the customer that the new one stands for. Raises NotFound."""
    if sent is None:
        return None
    row = await invoice_row(work.session, sent, ("voided",))
    if row.customer_id != customer.id or row.invoice_type != "one_off":
        raise NotFound("invoice")
    voided_id: UUID = row.id
    return voided_id


async def _lines(work: UnitOfWork, sent: object, now: datetime) -> list[_Line]:
    if sent is None or sent == []:
        raise NotFound("fees")
    if not isinstance(sent, list) or len(sent) > MOST_LINES or not all(isinstance(each, Mapping) for each in sent):
        raise ValidationFailed({"fees": ["value_is_invalid"]})
    codes = [each["add_on_code"] for each in sent if isinstance(each.get("add_on_code"), str)]
    ids = [found for each in sent if (found := parse_id(each.get("add_on_id")))]
    query = sa.select(table(AddOn)).where(
        _add_ons.deleted_at.is_(None), sa.or_(_add_ons.code.in_(codes), _add_ons.id.in_(ids))
    )
    known: dict[object, Any] = {}
    for row in await work.session.execute(query):
        known[row.code] = known[str(row.id)] = row
    return [_line(each, known, now) for each in sent]


def _line(sent: Mapping[str, Any], known: Mapping[object, Any], now: datetime) -> _Line:
    key = sent.get("add_on_code") or str(sent.get("add_on_id"))
    add_on = known.get(key) if isinstance(key, str) else None
    if add_on is None:
        raise NotFound("add_on")
    read = Reader(sent)
    units = read.decimal("units", least=Decimal(0)) if sent.get("units") is not None else ONE
    unit_amount = read.integer("unit_amount_cents", least=0)
    start, end = read.instant("from_datetime"), read.instant("to_datetime")
    if (start is None) != (end is None) or (start and end and start > end):
        read.add("boundaries", "values_are_invalid")
    name = read.text("invoice_display_name") or read.text("name")
    description = read.text("description")
    codes = sent.get("tax_codes") or []
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        read.add("tax_codes", "value_is_invalid")
    price = add_on.amount_cents if unit_amount is None else unit_amount
    if units is not None and price * units > MOST_CENTS:
        read.add("units", "value_is_out_of_range")
    read.finish()
    return _Line(
        add_on=add_on,
        units=ONE if units is None else units,
        unit_amount_cents=price,
        invoice_display_name=name,
        description=description or add_on.description,
        start=start or now,
        end=end or now,
        tax_codes=codes,
    )


async def _taxes_of(
    work: UnitOfWork, customer: Customer, lines: Sequence[_Line], *, certain: bool
) -> list[Sequence[TaxFacts]]:
    """The taxes of each line: those it names, else the add-on's, the customer's, the billing entity's. certain: only
    the first two, which do not depend on who the customer is."""
    common = await load_taxes(work.session, entities=[customer.billing_entity_id], customers=[customer.id], plans=[])
    codes = {code for line in lines for code in line.tax_codes}
    query = sa.select(_taxes.id, _taxes.code, _taxes.name, _taxes.description, _taxes.rate, _of_add_ons.add_on_id)
    query = query.select_from(
        table(Tax).outerjoin(
            table(AddOnTax),
            sa.and_(_of_add_ons.tax_id == _taxes.id, _of_add_ons.add_on_id.in_({line.add_on.id for line in lines})),
        )
    ).where(_taxes.deleted_at.is_(None), sa.or_(_taxes.code.in_(codes), _of_add_ons.add_on_id.is_not(None)))
    by_code: dict[str, TaxFacts] = {}
    by_add_on: dict[UUID, list[TaxFacts]] = {}
    for row in await work.session.execute(query.order_by(_of_add_ons.id, _taxes.id)):
        facts = TaxFacts(row.id, row.code, row.name, row.description, TaxRate(row.id, row.rate))
        by_code[row.code] = facts
        if row.add_on_id is not None:
            by_add_on.setdefault(row.add_on_id, []).append(facts)
    found: list[Sequence[TaxFacts]] = []
    for line in lines:
        named = [by_code[code] for code in dict.fromkeys(line.tax_codes) if code in by_code]
        inherited = () if certain else nearest(common, customer.id, customer.billing_entity_id)
        found.append(named or by_add_on.get(line.add_on.id) or inherited)
    return found


def _rows(
    invoice: Mapping[str, Any],
    lines: Sequence[_Line],
    taxes: Sequence[Sequence[TaxFacts]],
    found: Calculation,
    now: datetime,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of fees, of their taxes and of the invoice's taxes."""
    fees, fee_taxes = [], []
    currency = invoice["currency"]
    facts: dict[Hashable, TaxFacts] = {each.tax.id: each for of_line in taxes for each in of_line}
    for position, (line, taxed) in enumerate(zip(lines, found.fee_taxes, strict=True)):
        fee_id = new_id_text()
        fees.append(
            {
                "id": fee_id,
                "invoice_id": invoice["id"],
                "customer_id": invoice["customer_id"],
                "billing_entity_id": invoice["billing_entity_id"],
                "add_on_id": line.add_on.id,
                "fee_type": "add_on",
                "position": position,
                "amount_cents": round_cents(line.exact),
                "amount_currency": currency,
                "precise_amount_cents": stored(line.exact),
                "units": line.units,
                "unit_amount_cents": line.unit_amount_cents,
                "precise_unit_amount": stored(from_cents(line.unit_amount_cents, currency)),
                "taxes_amount_cents": taxed.amount_cents,
                "taxes_precise_amount_cents": stored(taxed.precise_amount_cents),
                "taxes_rate": taxed.rate,
                "precise_coupons_amount_cents": 0,
                "pay_in_advance": False,
                "invoice_display_name": line.invoice_display_name,
                "description": line.description,
                "grouped_by": {},
                "properties": {
                    "from_datetime": instant_text(line.start),
                    "to_datetime": instant_text(line.end),
                    "timestamp": instant_text(now),
                },
                "amount_details": {},
                "created_at": now,
            }
        )
        fee_taxes += fee_tax_rows(fee_id, taxed, facts, currency, now)
    invoice_taxes = invoice_tax_rows(invoice["id"], found, facts, currency, now)
    return fees, fee_taxes, invoice_taxes
