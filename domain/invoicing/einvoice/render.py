"""Electronic invoices as files: the factur-x library writes them and checks each against its schema."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from domain.invoicing.einvoice.model import Country, ElectronicInvoice
from domain.invoicing.einvoice.terms import XRECHNUNG, business_terms

__all__ = ["InvalidElectronicInvoice", "embed", "factur_x_xml", "standalone_xml", "ubl_xml"]

EN16931: Final = "en16931"


class InvalidElectronicInvoice(Exception):
    """The invoice lacks something that the norm wants, or does not fit its schema; the message says what."""


async def standalone_xml(invoice: ElectronicInvoice) -> bytes:
    """The UBL 2.1 file, for Germany as an XRechnung. Raises InvalidElectronicInvoice."""
    return await asyncio.to_thread(ubl_xml, invoice)


async def embed(pdf: bytes, invoice: ElectronicInvoice) -> bytes:
    """The PDF (PDF/A-3) with the invoice's Factur-X file attached. Raises InvalidElectronicInvoice."""
    return await asyncio.to_thread(_embedded, pdf, invoice)


def ubl_xml(invoice: ElectronicInvoice) -> bytes:
    """The UBL file; see `standalone_xml`."""
    # Imported late: lxml and the schemas take a while, and few organizations need them.
    import facturx
    from lxml import etree

    written = _written(facturx.generate_ubl_xml, invoice)
    if invoice.country is not Country.GERMANY:
        return written
    # The library knows the norm itself, not what a country narrows it down to.
    document = etree.fromstring(written)
    customization: Any = document.find("{*}CustomizationID")
    customization.text = XRECHNUNG
    marked: bytes = etree.tostring(document, xml_declaration=True, encoding="UTF-8")
    return marked


def factur_x_xml(invoice: ElectronicInvoice) -> bytes:
    """The CII file that Factur-X attaches to a PDF. Raises InvalidElectronicInvoice."""
    import facturx

    return _written(facturx.generate_cii_xml, invoice)


def _written(generate: Callable[..., bytes], invoice: ElectronicInvoice) -> bytes:
    terms = business_terms(invoice)
    try:
        return generate(terms, level=EN16931, check_xsd=True, check_schematron=None)
    # The library raises bare exceptions for what it refuses.
    except Exception as error:
        raise InvalidElectronicInvoice(str(error)) from error


def _embedded(pdf: bytes, invoice: ElectronicInvoice) -> bytes:
    import facturx

    xml = factur_x_xml(invoice)
    made: bytes = facturx.generate_from_binary(
        pdf, xml, flavor="factur-x", level=EN16931, check_xsd=False, check_schematron=False
    )
    return made
