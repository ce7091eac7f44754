"""Electronic receipts: a UBL ApplicationResponse (a file of its own) and a Factur-X file of type 202 (inside the PDF).

Source: handbook, subscriptions and invoices 10.3.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from domain.invoicing.einvoice.model import ElectronicInvoice, ElectronicReceipt, InvoiceLine, Trader, TypeCode
from domain.invoicing.einvoice.render import InvalidElectronicInvoice
from domain.invoicing.einvoice.terms import xml_text
from domain.kernel.currencies import currency_of
from domain.kernel.money import from_cents

__all__ = ["receipt_invoice", "receipt_xml", "response_xml"]

PAID: Final = "PD"
"""UNCL4343OpSubset: the invoice is paid."""
_UBL: Final = "urn:oasis:names:specification:ubl:schema:xsd:"
_ROOT, _CAC, _CBC = (
    f"{_UBL}ApplicationResponse-2",
    f"{_UBL}CommonAggregateComponents-2",
    f"{_UBL}CommonBasicComponents-2",
)


def receipt_invoice(receipt: ElectronicReceipt) -> ElectronicInvoice:
    """What Factur-X says of a receipt: a line for each invoice, paid in full. A payment is no supply and has no tax."""
    total = sum(cents for _, cents in receipt.paid)
    return ElectronicInvoice(
        country=receipt.country,
        type_code=TypeCode.RECEIPT,
        number=receipt.number,
        issuing_date=receipt.paid_on,
        currency=receipt.currency,
        seller=receipt.seller,
        buyer=receipt.buyer,
        lines=tuple(
            InvoiceLine(
                name=f"Payment of invoice {number}",
                units=Decimal(1),
                unit_price=from_cents(cents, receipt.currency),
                amount=cents,
                rate=Decimal(0),
                description=receipt.method,
                taxable=False,
            )
            for number, cents in receipt.paid
        ),
        reduced=0,
        taxes=0,
        total=total,
        prepaid=total,
        delivery_date=receipt.paid_on,
    )


async def receipt_xml(receipt: ElectronicReceipt) -> bytes:
    """The UBL 2.1 file. Raises InvalidElectronicInvoice."""
    return await asyncio.to_thread(response_xml, receipt)


def response_xml(receipt: ElectronicReceipt) -> bytes:
    """The file: from the seller to the buyer, an answer "paid" to each invoice; see `receipt_xml`."""
    # Imported late, as in `render.py`.
    from lxml import etree

    try:
        root = _response(receipt)
        _schema().assertValid(root)
    except etree.DocumentInvalid as error:
        raise InvalidElectronicInvoice(str(error)) from error
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _response(receipt: ElectronicReceipt) -> Any:
    from lxml import etree

    exponent = currency_of(receipt.currency).exponent
    root: Any = etree.Element(f"{{{_ROOT}}}ApplicationResponse", nsmap={None: _ROOT, "cac": _CAC, "cbc": _CBC})
    _add(root, _CBC, "UBLVersionID", "2.1")
    _add(root, _CBC, "ID", receipt.number)
    _add(root, _CBC, "IssueDate", receipt.paid_on.isoformat())
    _add(root, _CBC, "Note", receipt.method)
    for role, trader in (("SenderParty", receipt.seller), ("ReceiverParty", receipt.buyer)):
        _party(_add(root, _CAC, role), trader)
    for number, cents in receipt.paid:
        answer = _add(root, _CAC, "DocumentResponse")
        response = _add(answer, _CAC, "Response")
        _add(response, _CBC, "ResponseCode", PAID)
        amount = f"{from_cents(cents, receipt.currency):.{exponent}f}"
        _add(response, _CBC, "Description", f"Paid: {amount} {receipt.currency}")
        _add(response, _CBC, "EffectiveDate", receipt.paid_on.isoformat())
        _add(_add(answer, _CAC, "DocumentReference"), _CBC, "ID", number)
    return root


def _party(party: Any, trader: Trader) -> None:
    _add(_add(party, _CAC, "PartyName"), _CBC, "Name", trader.name)
    address = _add(party, _CAC, "PostalAddress")
    for name, text in (
        ("StreetName", trader.address_line1),
        ("AdditionalStreetName", trader.address_line2),
        ("CityName", trader.city),
        ("PostalZone", trader.zipcode),
        ("CountrySubentity", trader.state),
    ):
        if text:
            _add(address, _CBC, name, text)
    if trader.country:
        _add(_add(address, _CAC, "Country"), _CBC, "IdentificationCode", trader.country)
    if trader.vat_number:
        tax = _add(party, _CAC, "PartyTaxScheme")
        _add(tax, _CBC, "CompanyID", trader.vat_number)
        _add(_add(tax, _CAC, "TaxScheme"), _CBC, "ID", "VAT")
    legal = _add(party, _CAC, "PartyLegalEntity")
    _add(legal, _CBC, "RegistrationName", trader.name)
    if trader.legal_number:
        _add(legal, _CBC, "CompanyID", trader.legal_number)
    if trader.phone or trader.email:
        contact = _add(party, _CAC, "Contact")
        for name, text in (("Telephone", trader.phone), ("ElectronicMail", trader.email)):
            if text:
                _add(contact, _CBC, name, text)


def _add(parent: Any, namespace: str, name: str, text: str | None = None) -> Any:
    child = parent.makeelement(f"{{{namespace}}}{name}")
    child.text = None if text is None else xml_text(text)
    parent.append(child)
    return child


@lru_cache(maxsize=1)
def _schema() -> Any:
    import facturx
    from lxml import etree

    common = Path(facturx.__file__).parent / "xsd_and_schematron" / "ubl-2.1" / "maindoc" / "ApplicationResponse.xsd"
    text = Path(__file__).with_name("application_response.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(text, base_url=str(common)))
