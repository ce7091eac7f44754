"""From the rows of a credit note to its electronic document. Pure: rows in, frozen values out.

Source: handbook, subscriptions and invoices 10.3; EN 16931-1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from domain.invoicing.einvoice import ElectronicInvoice, Exemption, InvoiceLine, TypeCode
from domain.invoicing.einvoice_parts import country_of, exemption_of, line_name, traders_of
from domain.kernel.money import ZERO, from_cents

__all__ = ["electronic_note_of"]

TERMS: Final = "In favour of the buyer: credited, refunded or set off."
"""The norm wants payment terms where an amount stands and no day on which it is due (BR-CO-25)."""


def electronic_note_of(
    note: Any,
    entity: Any,
    customer: Any,
    items: Sequence[Any],
    fees: Mapping[UUID, Any],
    fee_taxes: Mapping[UUID, Sequence[Any]],
) -> ElectronicInvoice | None:
    """The electronic credit note, amounts above zero as on the note; None where the entity issues none, a party's
    country, which the norm wants, is not known, or the note has no items."""
    country = country_of(entity)
    if country is None or not customer.country or not items:
        return None
    seller, buyer = traders_of(entity, customer, self_billed=bool(note.self_billed))
    return ElectronicInvoice(
        country=country,
        type_code=TypeCode.CREDIT_NOTE,
        number=note.number,
        issuing_date=note.issuing_date,
        currency=note.currency,
        seller=seller,
        buyer=buyer,
        lines=tuple(
            _line(item, fees[item.fee_id], exemption_of(fee_taxes.get(item.fee_id, ()), seller, buyer))
            for item in items
        ),
        # The coupons of the note, and with them the cent by which the rounded items may miss its sub-total.
        reduced=sum(item.amount_cents for item in items) - note.sub_total_excluding_taxes_amount_cents,
        taxes=note.taxes_amount_cents,
        total=note.total_amount_cents,
        delivery_date=note.issuing_date,
        buyer_reference=customer.external_id,
        purchase_order_number=note.purchase_order_number,
        payment_terms=TERMS,
        corrects=note.invoice_number,
    )


def _line(item: Any, fee: Any, exemption: Exemption | None) -> InvoiceLine:
    """A part of a fee has no units of its own: it is one of the amount that is taken back."""
    return InvoiceLine(
        name=line_name(fee),
        units=Decimal(1),
        unit_price=from_cents(item.amount_cents, item.amount_currency),
        amount=item.amount_cents,
        rate=fee.taxes_rate,
        share=fee.precise_coupons_amount_cents * item.precise_amount_cents / fee.amount_cents
        if fee.amount_cents
        else ZERO,
        description=fee.description,
        taxable=fee.fee_type != "credit",
        exemption=exemption,
    )
