"""The documents that are printed: each with names and figures of its own, so that nothing is remembered of the last."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from domain.invoicing.document.model import (
    Group,
    InvoiceDocument,
    Line,
    Part,
    Party,
    Section,
    TaxLine,
    Tier,
    Title,
    Totals,
)

__all__ = ["invoice"]

APRIL = (date(2026, 4, 1), date(2026, 4, 30))
VAT = (Decimal(20),)


def invoice(number: int, lines: int) -> InvoiceDocument:
    """An invoice of so many lines, every third with two tiers."""
    amounts = [100 + 37 * number + 11 * index for index in range(lines)]
    total = sum(amounts)
    taxes = total // 5
    return InvoiceDocument(
        title=Title.INVOICE,
        number=f"NWC-2026-{number:06}",
        issuing_date=date(2026, 5, 1),
        payment_due_date=date(2026, 5, 31),
        net_payment_term=30,
        currency="EUR",
        locale="en",
        sender=Party("Northwind Cloud SAS", "RCS Paris 892 041 337", ("18 rue de la Banque", "75002 Paris", "France")),
        recipient=Party(f"Customer {number} & Sons Ltd", None, (f"{number} Dock Street", "London E1 8JP")),
        sections=(
            Section(
                title="Business",
                amount=total,
                groups=(Group(tuple(_line(number, index, amount) for index, amount in enumerate(amounts)), APRIL),),
            ),
        ),
        totals=Totals(
            sub_total_excluding_taxes=total,
            taxes=(TaxLine("VAT", Decimal(20), total, taxes),),
            sub_total_including_taxes=total + taxes,
            total=total + taxes,
        ),
        amount_due=total + taxes,
        footer="Northwind Cloud SAS, share capital 120,000 EUR.",
    )


def _line(number: int, index: int, amount: int) -> Line:
    parts: tuple[Part, ...] = ()
    if index % 3 == 0:
        first = Tier(Decimal(0), Decimal(100), Decimal(100), Decimal("0.01"), 100)
        parts = (first, Tier(Decimal(101), None, Decimal(amount - 100), Decimal("0.01"), amount - 100))
    return Line(
        label=f"Metric {index} of customer {number}",
        units=Decimal(amount),
        unit_price=Decimal("0.01"),
        amount=amount,
        tax_rates=VAT,
        parts=parts,
    )
