"""What a receipt prints: the invoice's own document under another head. Pure. Source: handbook, credits 8."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from domain.invoicing.document import InvoiceDocument
from domain.invoicing.document.formatting import formatter_for
from domain.invoicing.document.labels import Labels
from domain.invoicing.document.present import Presented, present

__all__ = ["ReceiptDocument", "present_receipt"]


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """A receipt for one payment of an invoice. Amounts in minor units of the invoice's currency; `due` is what is left
    to pay on it; the date is local to the customer."""

    number: str
    invoice: InvoiceDocument
    amount: int
    due: int
    paid_on: date
    reference: str


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
    return {
        **present(invoice),
        "title": labels("receipt"),
        "number": receipt.number,
        "facts": [
            (labels("receipt_number"), receipt.number),
            (labels("invoice_number"), invoice.number),
            (labels("payment_method"), labels("manual", reference=receipt.reference)),
            (labels("payment_date"), day),
        ],
        "due": (labels("amount_paid"), form.money(receipt.amount), said),
    }


@lru_cache(maxsize=16)
def _labels(locale: str) -> Labels:
    texts: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("receipt_labels.json").read_text("utf-8"))
    return Labels({name: by_locale[locale] for name, by_locale in texts.items()})
