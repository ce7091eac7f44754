"""Electronic invoices: EN 16931 as UBL 2.1 (a file of its own) and as Factur-X (inside the PDF); receipts as well."""

from domain.invoicing.einvoice.model import (
    Country,
    ElectronicInvoice,
    ElectronicReceipt,
    Exemption,
    InvoiceLine,
    Trader,
    TypeCode,
)
from domain.invoicing.einvoice.receipt import receipt_invoice, receipt_xml
from domain.invoicing.einvoice.render import InvalidElectronicInvoice, embed, standalone_xml

__all__ = [
    "Country",
    "ElectronicInvoice",
    "ElectronicReceipt",
    "Exemption",
    "InvalidElectronicInvoice",
    "InvoiceLine",
    "Trader",
    "TypeCode",
    "embed",
    "receipt_invoice",
    "receipt_xml",
    "standalone_xml",
]
