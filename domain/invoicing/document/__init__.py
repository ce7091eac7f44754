"""The invoice as a document: its values (model), its words and numbers (present), its pages (render)."""

from domain.invoicing.document.model import InvoiceDocument, title_of
from domain.invoicing.document.present import present
from domain.invoicing.document.render import render_invoice, render_invoice_pages

__all__ = ["InvoiceDocument", "present", "render_invoice", "render_invoice_pages", "title_of"]
