"""What a receipt prints: the invoice's own document under another head, or a table of the invoices that a payment
request was for. Pure. Source: handbook, credits 8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from domain.invoicing.document import InvoiceDocument
from domain.invoicing.document.formatting import Formatter, formatter_for
from domain.invoicing.document.labels import Labels, labels_for
from domain.invoicing.document.model import Line
from domain.invoicing.document.present import Presented, line_row, present, total_row

__all__ = ["ReceiptDocument", "method_of", "name_of_method", "present_receipt"]


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """A receipt for one payment. Amounts in minor units of its currency; `due` is what is left to pay on the invoices;
    the date is local to the customer.

    reference: of a payment by hand. paid_with: the card or account at a provider.
    invoice: the document of the invoice, of the first one where a payment request was paid. requested: number and part
    of each invoice of the request; empty for the payment of an invoice.
    """

    number: str
    invoice: InvoiceDocument
    amount: int
    due: int
    paid_on: date
    reference: str = ""
    paid_with: str = ""
    requested: tuple[tuple[str, int], ...] = ()


def name_of_method(method: Mapping[str, Any]) -> str:
    """What a provider was paid with, from its type, brand and last4: `Visa **** 4242`, `Sepa debit **** 3000`."""
    name = str(method.get("brand") or method.get("type") or "").replace("_", " ")
    digits = f"**** {method['last4']}" if method.get("last4") else ""
    return " ".join(filter(None, (name[:1].upper() + name[1:], digits)))


def method_of(receipt: ReceiptDocument) -> str:
    """How it was paid, in words."""
    return receipt.paid_with or _labels(receipt.invoice.locale)("manual", reference=receipt.reference)


def present_receipt(receipt: ReceiptDocument) -> Presented:
    """The JSON that the invoice's template reads. Raises as `present`."""
    invoice = receipt.invoice
    labels = _labels(invoice.locale)
    form = formatter_for(invoice.locale, invoice.currency)
    day = form.date(receipt.paid_on)
    said = (
        labels("paid_in_part", date=day, amount=form.money(receipt.due))
        if receipt.due > 0
        else labels("paid_in_full", date=day)
    )
    head: Presented = {
        **present(invoice),
        "title": labels("receipt"),
        "number": receipt.number,
        "facts": [
            (labels("receipt_number"), receipt.number),
            *([] if receipt.requested else [(labels("invoice_number"), invoice.number)]),
            (labels("payment_method"), method_of(receipt)),
            (labels("payment_date"), day),
        ],
        "due": (labels("amount_paid"), form.money(receipt.amount), said),
    }
    return _with_table(head, receipt, labels, form) if receipt.requested else head


def _with_table(head: Presented, receipt: ReceiptDocument, labels: Labels, form: Formatter) -> Presented:
    """A table of the invoices and what was paid of each, in the place of one invoice's lines: any number of them."""
    words = labels_for(receipt.invoice.locale)
    rows = [line_row(Line(number, cents), words, form) for number, cents in receipt.requested]
    return {
        **head,
        "threshold": "",
        "columns": {
            "item": labels("invoice_number"),
            "units": "",
            "unit_price": "",
            "tax": "",
            "amount": words("amount"),
        },
        "sections": [{"title": "", "amount": "", "groups": [{"period": "", "rows": rows}], "breakdowns": []}],
        "totals": [total_row(labels("amount_paid"), receipt.amount, form, strong=True)],
        "notes": [],
        "custom_sections": [],
    }


@lru_cache(maxsize=16)
def _labels(locale: str) -> Labels:
    texts: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("receipt_labels.json").read_text("utf-8"))
    return Labels({name: by_locale[locale] for name, by_locale in texts.items()})
