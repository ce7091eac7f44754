"""Writing invoices in bulk: every table with one INSERT … SELECT from one JSON document.

COPY does not work under row security, and this is the fastest way that does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

from domain.invoicing.models import (
    Fee,
    FeeAppliedTax,
    FeePricingUnit,
    Invoice,
    InvoiceAppliedCustomSection,
    InvoiceAppliedTax,
    InvoiceSubscription,
)
from domain.invoicing.rows import InvoiceRows, Values
from domain.kernel import clock
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = [
    "insert_fee_taxes", "insert_fees", "insert_invoice_taxes", "insert_invoices", "insert_plain_invoice",
    "insert_plain_invoices", "insert_regenerated", "rebuild_invoices", "skip_automatic_payment",
]  # fmt: skip

_INVOICE: Final = (
    "id", "customer_id", "billing_entity_id", "invoice_type", "status", "payment_status", "currency", "timezone",
    "issuing_date", "expected_finalization_date", "payment_due_date", "net_payment_term", "purchase_order_number",
    "payment_method_type", "payment_method_id",
    "self_billed", "skip_charges", "tax_status", "voided_invoice_id", "fees_amount_cents", "coupons_amount_cents",
    "credit_notes_amount_cents", "progressive_billing_credit_amount_cents", "sub_total_excluding_taxes_amount_cents",
    "taxes_amount_cents", "taxes_rate", "sub_total_including_taxes_amount_cents", "prepaid_credit_amount_cents",
    "prepaid_granted_credit_amount_cents", "prepaid_purchased_credit_amount_cents", "total_amount_cents",
    "total_paid_amount_cents", "created_at",
)  # fmt: skip
_SUBSCRIPTION: Final = (
    "id", "invoice_id", "subscription_id", "invoicing_reason", "recurring", "from_datetime", "to_datetime",
    "charges_from_datetime", "charges_to_datetime", "fixed_charges_from_datetime", "fixed_charges_to_datetime",
    "timestamp", "created_at",
)  # fmt: skip
_FEE: Final = (
    "id", "invoice_id", "customer_id", "billing_entity_id", "subscription_id", "charge_id", "charge_filter_id",
    "fixed_charge_id", "add_on_id", "commitment_id", "true_up_parent_fee_id", "original_fee_id", "adjusted_fee_id",
    "pay_in_advance_event_id", "pay_in_advance_event_transaction_id", "fee_type", "position", "amount_cents",
    "amount_currency",
    "precise_amount_cents", "units", "total_aggregated_units", "events_count", "unit_amount_cents",
    "precise_unit_amount", "taxes_amount_cents", "taxes_precise_amount_cents", "taxes_rate",
    "precise_coupons_amount_cents", "pay_in_advance", "invoice_display_name", "description", "grouped_by", "properties",
    "amount_details", "presentation_breakdowns", "reckoning", "created_at",
)  # fmt: skip
_PRICING_UNIT: Final = (
    "id", "fee_id", "pricing_unit_id", "short_name", "conversion_rate", "amount_cents", "precise_amount_cents",
    "unit_amount_cents", "precise_unit_amount", "created_at",
)  # fmt: skip
_FEE_TAX: Final = (
    "id", "fee_id", "tax_id", "tax_code", "tax_name", "tax_description", "tax_rate", "amount_cents",
    "amount_currency", "precise_amount_cents", "created_at",
)  # fmt: skip
_TAX: Final = (
    "id", "invoice_id", "tax_id", "tax_code", "tax_name", "tax_description", "tax_rate", "amount_cents",
    "amount_currency", "fees_amount_cents", "taxable_base_amount_cents", "created_at",
)  # fmt: skip


_SECTION: Final = ("id", "invoice_id", "code", "name", "display_name", "details", "created_at")

_DIALECT: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]


def _insert(target: sa.Table, columns: Sequence[str], parameter: str, where: str = "", constants: str = "") -> str:
    """The INSERT of one table; `constants`: "column = SQL value" pairs that every row gets."""
    fixed = {"organization_id": "CAST(:organization_id AS uuid)", "updated_at": "row.created_at"}
    fixed |= dict(pair.split(" = ") for pair in constants.split(", ") if pair)
    types = ", ".join(f'"{name}" {_type(target.c[name])}' for name in columns)
    names = ", ".join(f'"{name}"' for name in (*columns, *fixed))
    values = ", ".join([*(f'row."{name}"' for name in columns), *fixed.values()])
    return (
        f"INSERT INTO {target.name} ({names}) SELECT {values}"  # noqa: S608
        f" FROM json_to_recordset(CAST(:{parameter} AS json)) AS row({types}) {where}"
    )


def _type(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.Numeric):
        return "numeric"
    if isinstance(column.type, sa.String):
        return "text"
    return column.type.compile(_DIALECT)


_FEE_DEFAULTS: Final = "payment_status = 'pending'"
_INVOICE_DEFAULTS: Final = "number = '', payment_overdue = false, version_number = 4"

# One statement, so that an invoice none of whose periods could be written is not written either. The reference from
# the periods to the invoices is checked at the end of the statement, when both are there.
_INSERT_INVOICES: Final = sa.text(
    f"""
    WITH line AS (
        {_insert(table(InvoiceSubscription), _SUBSCRIPTION, "lines")} ON CONFLICT DO NOTHING RETURNING invoice_id
    ), written AS (
        {
        _insert(
            table(Invoice), _INVOICE, "invoices", "WHERE row.id IN (SELECT invoice_id FROM line)", _INVOICE_DEFAULTS
        )
    }
    )
    SELECT invoice_id, count(*) AS periods FROM line GROUP BY invoice_id
    """  # noqa: S608
)
_INSERT_PLAIN: Final = sa.text(_insert(table(Invoice), _INVOICE, "rows", constants=_INVOICE_DEFAULTS))
_INSERT_LINES: Final = sa.text(_insert(table(InvoiceSubscription), _SUBSCRIPTION, "rows"))
_INSERT_FEES: Final = sa.text(_insert(table(Fee), _FEE, "rows", constants=_FEE_DEFAULTS))
_INSERT_FEE_TAXES: Final = sa.text(_insert(table(FeeAppliedTax), _FEE_TAX, "rows"))
_INSERT_PRICING_UNITS: Final = sa.text(_insert(table(FeePricingUnit), _PRICING_UNIT, "rows"))
_INSERT_TAXES: Final = sa.text(_insert(table(InvoiceAppliedTax), _TAX, "rows"))
_INSERT_SECTIONS: Final = sa.text(_insert(table(InvoiceAppliedCustomSection), _SECTION, "rows"))

_KEPT: Final = {"id", "voided_invoice_id", "payment_method_type", "payment_method_id", "created_at"}
_CHANGED: Final = tuple(name for name in _INVOICE if name not in _KEPT)
_UPDATE_INVOICES: Final = sa.text(
    f"""
    UPDATE invoices SET {", ".join(f'"{name}" = row."{name}"' for name in _CHANGED)}, updated_at = :now
    FROM json_to_recordset(CAST(:rows AS json))
         AS row({", ".join(f'"{name}" {_type(table(Invoice).c[name])}' for name in _INVOICE)})
    WHERE invoices.id = row.id
    """  # noqa: S608
)
_SUPERSEDE: Final = sa.text(
    "UPDATE invoice_subscriptions SET regenerated_invoice_id = :id, updated_at = :now WHERE invoice_id = :voided_id"
)
_CLEAR: Final = tuple(
    sa.text(statement)
    for statement in (
        "DELETE FROM fee_applied_taxes t USING fees f WHERE f.id = t.fee_id AND f.invoice_id = ANY(:ids)",
        "DELETE FROM fee_pricing_units u USING fees f WHERE f.id = u.fee_id AND f.invoice_id = ANY(:ids)",
        "DELETE FROM fees WHERE invoice_id = ANY(:ids)",
        "DELETE FROM invoice_applied_taxes WHERE invoice_id = ANY(:ids)",
        "DELETE FROM invoice_applied_custom_sections WHERE invoice_id = ANY(:ids)",
        "DELETE FROM invoice_subscriptions WHERE invoice_id = ANY(:ids)",
    )
)


async def insert_invoices(work: UnitOfWork, invoices: Sequence[InvoiceRows]) -> dict[UUID, int]:
    """Writes new invoices; how many periods of each were written, by invoice.

    A period that another invoice bills already is not written. An invoice left without any is not written at all; one
    left with some of its periods is for the caller to refuse, for its amounts cover them all. Five
    statements, four where none has a custom section.
    """
    lines = _document(invoices, lambda each: each.subscriptions)
    result = await work.session.execute(
        _INSERT_INVOICES,
        {
            "lines": lines,
            "invoices": exact_json.dump_text([each.invoice for each in invoices]),
            "organization_id": work.organization_id,
        },
    )
    written: dict[UUID, int] = {row.invoice_id: row.periods for row in result}
    await _insert_fees(work, [each for each in invoices if each.invoice["id"] in written])
    return written


async def insert_plain_invoice(
    work: UnitOfWork,
    invoice: Values,
    fees: Sequence[Values],
    fee_taxes: Sequence[Values],
    taxes: Sequence[Values],
    sections: Sequence[Values] = (),
) -> None:
    """Writes one invoice that bills no period."""
    await insert_plain_invoices(work, [invoice], fees, fee_taxes, taxes, sections)


async def insert_plain_invoices(
    work: UnitOfWork,
    invoices: Sequence[Values],
    fees: Sequence[Values],
    fee_taxes: Sequence[Values] = (),
    taxes: Sequence[Values] = (),
    sections: Sequence[Values] = (),
) -> None:
    """Writes invoices that bill no period, with what stands on them; five statements at most."""
    await _write(work, _INSERT_PLAIN, exact_json.dump_text(list(invoices)))
    if sections:
        await _write(work, _INSERT_SECTIONS, exact_json.dump_text(list(sections)))
    await insert_fees(work, fees, fee_taxes, ())
    await insert_invoice_taxes(work, taxes)


async def skip_automatic_payment(work: UnitOfWork, invoice_id: UUID) -> None:
    """No provider is asked for the payment when the invoice is issued. One statement."""
    await work.session.execute(sa.update(table(Invoice)).where(table(Invoice).c.id == invoice_id)
                               .values(skip_automatic_payment=True))  # fmt: skip


async def insert_regenerated(work: UnitOfWork, invoice: InvoiceRows, voided_id: UUID) -> None:
    """Writes an invoice in the place of a voided one, whose periods no longer count as billed by it."""
    await _write(work, _INSERT_PLAIN, exact_json.dump_text([invoice.invoice]))
    await work.session.execute(_SUPERSEDE, {"id": invoice.invoice["id"], "voided_id": voided_id, "now": clock.now()})
    await _write(work, _INSERT_LINES, _document([invoice], lambda each: each.subscriptions))
    await _insert_fees(work, [invoice])


async def rebuild_invoices(work: UnitOfWork, invoices: Sequence[InvoiceRows]) -> None:
    """Writes invoices that exist anew, under their ids: fees, taxes and periods are replaced. Eleven statements
    at most."""
    ids = [each.invoice["id"] for each in invoices]
    for statement in _CLEAR:
        await work.session.execute(statement, {"ids": ids})
    await work.session.execute(
        _UPDATE_INVOICES, {"rows": exact_json.dump_text([each.invoice for each in invoices]), "now": clock.now()}
    )
    await _write(work, _INSERT_LINES, _document(invoices, lambda each: each.subscriptions))
    await _insert_fees(work, invoices)


async def insert_fees(
    work: UnitOfWork, fees: Sequence[Values], taxes: Sequence[Values], pricing_units: Sequence[Values]
) -> None:
    """Writes fees with what hangs on them; three statements at most."""
    for statement, rows in ((_INSERT_FEES, fees), (_INSERT_FEE_TAXES, taxes), (_INSERT_PRICING_UNITS, pricing_units)):
        if rows:
            await _write(work, statement, exact_json.dump_text(rows))


async def insert_fee_taxes(work: UnitOfWork, rows: Sequence[Values]) -> None:
    """Writes the taxes of fees; one statement."""
    if rows:
        await _write(work, _INSERT_FEE_TAXES, exact_json.dump_text(list(rows)))


async def insert_invoice_taxes(work: UnitOfWork, rows: Sequence[Values]) -> None:
    """Writes the taxes of invoices; one statement."""
    if rows:
        await _write(work, _INSERT_TAXES, exact_json.dump_text(list(rows)))


async def _insert_fees(work: UnitOfWork, invoices: Sequence[InvoiceRows]) -> None:
    await insert_fees(
        work,
        [row for each in invoices for row in each.fees],
        [row for each in invoices for row in each.fee_taxes],
        [row for each in invoices for row in each.pricing_units],
    )
    await _write(work, _INSERT_TAXES, _document(invoices, lambda each: each.taxes))
    if any(each.sections for each in invoices):
        await _write(work, _INSERT_SECTIONS, _document(invoices, lambda each: each.sections))


async def _write(work: UnitOfWork, statement: sa.TextClause, rows: str) -> None:
    await work.session.execute(statement, {"rows": rows, "organization_id": work.organization_id})


def _document(invoices: Sequence[InvoiceRows], part: Callable[[InvoiceRows], Iterable[Values]]) -> str:
    return exact_json.dump_text([row for each in invoices for row in part(each)])
