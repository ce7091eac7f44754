"""Invoice documents for the tests and for looking at."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from domain.invoicing.document.model import (
    Breakdown,
    BreakdownRow,
    Coupon,
    CustomSection,
    Detail,
    Group,
    InvoiceDocument,
    Line,
    Note,
    Package,
    Party,
    Percentage,
    Section,
    TaxLine,
    Tier,
    Title,
    Totals,
)

D = Decimal
APRIL = (date(2026, 4, 1), date(2026, 4, 30))
MAY = (date(2026, 5, 1), date(2026, 5, 31))
VAT = (D(20),)
LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 36"><rect width="36" height="36" rx="9" fill="#2447f9"/>'
    b'<path d="M10 24 L18 10 L26 24 Z" fill="#fff"/><rect x="46" y="12" width="74" height="12" rx="3" fill="#16181d"/>'
    b"</svg>"
)

NORTHWIND = Party(
    name="Northwind Cloud SAS",
    legal_number="RCS Paris 892 041 337",
    address=("18 rue de la Banque", "75002 Paris", "France"),
    email="billing@northwind.example",
    tax_id="FR32892041337",
)
HARBOUR = Party(
    name="Harbour & Sons Ltd",
    legal_number="Company no. 09817243",
    address=("4 Dock Street", "London E1 8JP", "United Kingdom"),
    email="accounts@harbour.example",
    tax_id="GB245678912",
)

GRADUATED = Line(
    label="API requests",
    description="Calls to the public API",
    units=D(12500),
    amount=82500,
    tax_rates=VAT,
    parts=(
        Tier(D(0), D(1000), D(1000), D("0.10"), 10000),
        Tier(D(1001), D(10000), D(9000), D("0.075"), 67500, flat_amount=2500),
        Tier(D(10001), None, D(2500), D("0.01"), 2500),
    ),
)
PACKAGED = Line(
    label="E-mails sent",
    units=D(4200),
    amount=2000,
    tax_rates=VAT,
    parts=(Package(D(100), D(1000), D(5), D(4), 2000),),
)
PERCENT = Line(
    label="Card payments",
    units=D("48250.75"),
    amount=60700,
    tax_rates=VAT,
    parts=(Percentage(D("48250.75"), D("1.2"), 57901, D(0), D(310), D("0.10"), 3100, -301),),
)
STORAGE = Line(
    label="Storage", description="GB-months", units=D("128.375"), unit_price=D("0.0235"), amount=302, tax_rates=VAT
)


def one_page() -> InvoiceDocument:
    return InvoiceDocument(
        title=Title.INVOICE,
        number="NWC-2026-004-0187",
        issuing_date=date(2026, 5, 1),
        payment_due_date=date(2026, 5, 31),
        net_payment_term=30,
        purchase_order_number="PO-77120",
        metadata=(("Cost centre", "CC-4410"),),
        currency="EUR",
        locale="en",
        sender=NORTHWIND,
        recipient=HARBOUR,
        sections=(
            Section(
                title="Business",
                amount=155502,
                groups=(
                    Group(
                        (Line(label="Business, monthly", units=D(1), unit_price=D(100), amount=10000, tax_rates=VAT),),
                        MAY,
                    ),
                    Group((GRADUATED, PERCENT, STORAGE), APRIL),
                ),
            ),
        ),
        totals=Totals(
            coupons=(Coupon("Spring 2026", 15550, D(10)), Coupon("Welcome", 5000)),
            sub_total_excluding_taxes=134952,
            taxes=(TaxLine("VAT", D(20), 134952, 26990),),
            sub_total_including_taxes=161942,
            credit_notes=2000,
            prepaid_credits=10000,
            total=149942,
        ),
        amount_due=149942,
        custom_sections=(CustomSection("Bank transfer", "IBAN FR76 3000 6000 0112 3456 7890 189\nBIC AGRIFRPP"),),
        footer="Northwind Cloud SAS, share capital 120,000 EUR. Late payment bears interest at three times the legal "
        "rate.",
        logo=LOGO,
    )


def many_pages() -> InvoiceDocument:
    regions = ("eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2")
    usage = tuple(
        Line(
            label=f"Compute, {size} instances"
            if size % 7
            else f"Compute, {size} instances reserved for the analytics "
            "warehouse of the Northern Europe business unit (contract 2024/118-B)",
            units=D(size * 37) / 4,
            unit_price=D("0.0421") * size,
            amount=size * 1234,
            tax_rates=(D("5.5"), D(20)) if size % 5 == 0 else VAT,
            parts=tuple(Detail(region, D(size * (n + 1)), D("0.0421"), size * 100) for n, region in enumerate(regions))
            if size % 3 == 0
            else (),
        )
        for size in range(1, 25)
    )
    days = tuple(BreakdownRow(date(2026, 4, day), 31 - day, 30, D(3 * day - 5)) for day in range(1, 29))
    sections = (
        Section("Enterprise Europe", (Group(usage, APRIL),), 370200),
        Section(
            "Enterprise Asia", (Group((GRADUATED, PACKAGED, PERCENT), APRIL),), 145200, (Breakdown("Seats", days),)
        ),
    )
    return replace(
        one_page(),
        title=Title.TAX_INVOICE,
        sections=sections,
        totals=Totals(
            progressive_billing_credit=50000,
            sub_total_excluding_taxes=465400,
            taxes=(
                TaxLine("VAT", D(20), 400000, 80000),
                TaxLine("Reduced VAT on digital publications", D("5.5"), 65400, 3597),
            ),
            sub_total_including_taxes=548997,
            free_credits=1000,
            total=547997,
        ),
        amount_due=547997,
        threshold_amount=5000000,
        notes=(Note.REVERSE_CHARGE,),
        recipient=replace(
            HARBOUR,
            shipping_address=("Unit 12, Tilbury Freeport", "Tilbury RM18 7SG", "United Kingdom"),
            name="Gesellschaft für interkommunale Datenverarbeitung und Verwaltungsdienstleistungen "
            "Nordrhein mbH & Co. KG",
        ),
    )


def yen() -> InvoiceDocument:
    """No decimals, Chinese words, and a customer of whom only the name is known."""
    return replace(
        one_page(),
        number="TPE-0009",
        locale="zh-TW",
        currency="JPY",
        sender=Party(name="北風雲端股份有限公司", address=("台北市信義區信義路五段7號",), tax_id="24536806"),
        recipient=Party(name="株式会社ハーバー"),
        sections=(
            Section(
                title="標準方案",
                amount=1234567,
                groups=(Group((Line(label="標準方案", units=D(1), unit_price=D(1234567), amount=1234567),), MAY),),
            ),
        ),
        totals=Totals(sub_total_excluding_taxes=1234567, sub_total_including_taxes=1234567, total=1234567),
        amount_due=1234567,
        payment_due_date=None,
        net_payment_term=None,
        purchase_order_number=None,
        metadata=(),
        custom_sections=(),
        footer=None,
        logo=None,
    )
