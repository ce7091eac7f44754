"""From the rows of an invoice to its electronic invoice. Pure: rows in, frozen values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.customers.display_name import display_name as customer_name
from domain.invoicing.document_parts import REVERSE_CHARGE, TAX_EXEMPT
from domain.invoicing.einvoice import Country, ElectronicInvoice, Exemption, InvoiceLine, Trader, TypeCode
from domain.invoicing.fee_names import display_name, fee_window, filter_name

__all__ = [
    "buyer_of",
    "country_of",
    "electronic_invoice_of",
    "exemption_of",
    "line_name",
    "seller_of",
    "trader_of",
    "traders_of",
]


def country_of(entity: Any) -> Country | None:
    """The country whose rules the billing entity's electronic invoices follow; None where it issues none."""
    return Country(entity.country) if entity.einvoicing and entity.country in set(Country) else None


def electronic_invoice_of(
    invoice: Any,
    entity: Any,
    customer: Any,
    fees: Sequence[Any],
    fee_taxes: Mapping[UUID, Sequence[Any]],
    payment_terms: str | None = None,
) -> ElectronicInvoice | None:
    """The electronic invoice; None where the entity issues none or a party's country, which the norm wants, is not
    known. fee_taxes: rows by fee."""
    country = country_of(entity)
    if country is None or not customer.country or not fees:
        return None
    prepaid_credits = invoice.invoice_type == "credit"
    seller, buyer = traders_of(entity, customer, self_billed=invoice.self_billed)
    return ElectronicInvoice(
        country=country,
        type_code=_type_code(invoice),
        number=invoice.number,
        issuing_date=invoice.issuing_date,
        currency=invoice.currency,
        seller=seller,
        buyer=buyer,
        lines=tuple(
            InvoiceLine(
                name=line_name(fee),
                units=fee.units,
                unit_price=fee.precise_unit_amount,
                amount=fee.amount_cents,
                rate=fee.taxes_rate,
                share=fee.precise_coupons_amount_cents,
                description=fee.description,
                taxable=not prepaid_credits,
                exemption=exemption_of(fee_taxes.get(fee.id, ()), seller, buyer),
            )
            for fee in fees
        ),
        reduced=invoice.coupons_amount_cents + invoice.progressive_billing_credit_amount_cents,
        taxes=invoice.taxes_amount_cents,
        total=invoice.total_amount_cents,
        prepaid=invoice.prepaid_credit_amount_cents + invoice.credit_notes_amount_cents,
        payment_due_date=invoice.payment_due_date,
        delivery_date=_delivery_date(invoice, fees),
        buyer_reference=customer.external_id,
        purchase_order_number=invoice.purchase_order_number,
        payment_terms=payment_terms,
    )


def exemption_of(taxes: Sequence[Any], seller: Trader, buyer: Trader) -> Exemption | None:
    """Why these taxes of a fee are nothing. None where the norm would refuse the reason for want of a number: it wants
    the seller's for an exemption (BR-E-02), both for a reverse charge (BR-AE-02)."""
    codes = {tax.tax_code for tax in taxes}
    if not seller.vat_number:
        return None
    if REVERSE_CHARGE in codes and (buyer.vat_number or buyer.legal_number):
        return Exemption.REVERSE_CHARGE
    return Exemption.EXEMPT if TAX_EXEMPT in codes else None


def _type_code(invoice: Any) -> TypeCode:
    if invoice.self_billed:
        return TypeCode.SELF_BILLED
    return TypeCode.PREPAYMENT if invoice.invoice_type == "credit" else TypeCode.INVOICE


def _delivery_date(invoice: Any, fees: Sequence[Any]) -> Any:
    """The first day of usage on the invoice, in the customer's zone, else the day it was made."""
    zone = ZoneInfo(invoice.timezone)
    starts = [fee_window(fee)[0] for fee in fees if fee.fee_type in ("charge", "subscription")]
    if invoice.invoice_type in ("one_off", "credit") or not any(starts):
        return invoice.created_at.astimezone(zone).date()
    first = min(start for start in starts if start)
    return datetime.fromisoformat(first).replace(tzinfo=UTC).astimezone(zone).date()


def line_name(fee: Any) -> str:
    """What a line says that it bills."""
    return " - ".join(filter(None, (display_name(fee), filter_name(fee))))


def traders_of(entity: Any, customer: Any, *, self_billed: bool) -> tuple[Trader, Trader]:
    """Seller and buyer: a self-billed document is the partner's, written by its own buyer."""
    pair = seller_of(entity), buyer_of(customer)
    return (pair[1], pair[0]) if self_billed else pair


def seller_of(entity: Any) -> Trader:
    """The billing entity that issues the document."""
    return trader_of(entity, entity.legal_name or entity.name)


def buyer_of(customer: Any) -> Trader:
    """The customer, by its external id where it has no name."""
    name = customer_name(customer.name, customer.legal_name, customer.firstname, customer.lastname)
    return trader_of(customer, name or customer.external_id)


def trader_of(row: Any, name: str) -> Trader:
    """A billing entity or customer."""
    return Trader(
        name=name,
        country=row.country,
        legal_number=row.legal_number,
        vat_number=row.tax_identification_number,
        email=row.email.split(",")[0].strip() if row.email else None,
        phone=row.phone,
        address_line1=row.address_line1,
        address_line2=row.address_line2,
        city=row.city,
        zipcode=row.zipcode,
        state=row.state,
    )
