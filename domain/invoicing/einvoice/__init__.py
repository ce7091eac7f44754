"""Electronic invoices: EN 16931 as UBL 2.1 (a file of its own) and as Factur-X (inside the PDF)."""

from domain.invoicing.einvoice.model import Country, ElectronicInvoice, InvoiceLine, Trader, TypeCode
from domain.invoicing.einvoice.render import InvalidElectronicInvoice, embed, standalone_xml

__all__ = [
    "Country",
    "ElectronicInvoice",
    "InvalidElectronicInvoice",
    "InvoiceLine",
    "Trader",
    "TypeCode",
    "embed",
    "standalone_xml",
]
