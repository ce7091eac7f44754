"""The words and numbers on a document, without a PDF."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from domain.invoicing.document import present, title_of
from domain.invoicing.document.formatting import formatter_for
from domain.invoicing.document.labels import LOCALES, labels_for
from domain.invoicing.document.model import (
    Breakdown,
    BreakdownRow,
    Coupon,
    Group,
    ItemKind,
    Line,
    Note,
    Package,
    Percentage,
    TaxLine,
    Tier,
    Title,
)
from domain.kernel.currencies import UnknownCurrencyError
from tests.domain.invoicing.document_samples import many_pages, one_page, yen

D = Decimal
MINUS = "\u2212"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("invoice_type", "self_billed", "country", "title"),
    [
        ("subscription", False, "FR", Title.INVOICE),
        ("subscription", False, None, Title.INVOICE),
        ("subscription", True, "AU", Title.SELF_BILLING_INVOICE),
        ("credit", False, "AU", Title.ADVANCE_INVOICE),
        ("one_off", False, "SG", Title.TAX_INVOICE),
        ("advance_charges", False, "NZ", Title.PAID_TAX_INVOICE),
        ("advance_charges", False, "FR", Title.PAID_INVOICE),
    ],
)
def test_the_title_follows_type_and_country(invoice_type: str, self_billed: bool, country: str, title: Title) -> None:
    assert title_of(invoice_type, self_billed=self_billed, country=country) is title


@pytest.mark.parametrize(
    ("locale", "currency", "cents", "text"),
    [
        ("en", "USD", 123456789, "$1,234,567.89"),
        ("en", "EUR", -5, f"{MINUS}€0.05"),
        ("fr", "EUR", 123456789, "1 234 567,89 €"),
        ("de", "EUR", 123456789, "1.234.567,89 €"),
        ("it", "EUR", 100, "1,00 €"),
        ("es", "EUR", 123456, "1.234,56 €"),
        ("nb", "NOK", 123456, "1 234,56 kr"),
        ("sv", "SEK", 123456, "1 234,56 kr"),
        ("pt-BR", "BRL", 123456, "R$ 1.234,56"),
        ("zh-TW", "TWD", 123456, "$1,234.56"),
        ("en", "JPY", 1234567, "¥1,234,567"),
        ("de", "JPY", 1234567, "1.234.567 ¥"),
        ("en", "KWD", 1234567, "KWD 1,234.567"),
        ("en", "HUF", 1234, "HUF 1,234"),
        ("en", "EUR", 10**18, "€10,000,000,000,000,000.00"),
        ("en", "EUR", 10**18 + 1, "€10,000,000,000,000,000.01"),
    ],
)
def test_money_is_written_as_the_locale_writes_it(locale: str, currency: str, cents: int, text: str) -> None:
    assert plain(formatter_for(locale, currency).money(cents)) == text


def test_prices_keep_their_own_decimals_and_at_least_those_of_the_currency() -> None:
    euro, yen_ = formatter_for("en", "EUR"), formatter_for("en", "JPY")
    assert [euro.price(D(p)) for p in ("0", "0.1", "0.000000000000001", "3", "1234.5678")] == [
        "€0.00",
        "€0.10",
        "€0.000000000000001",
        "€3.00",
        "€1,234.5678",
    ]
    assert [yen_.price(D(p)) for p in ("100", "0.5")] == ["¥100", "¥0.5"]


def test_of_a_fraction_without_end_six_places_are_printed() -> None:
    prices = ("4.645165714285714", "0.0123456789", "-0.0123456789", "0.99999999")
    assert [formatter_for("en", "EUR").price(D(price)) for price in prices] == [
        "€4.645166",
        "€0.0123457",
        f"{MINUS}€0.0123457",
        "€1.00",
    ]


def test_numbers_rates_and_dates_follow_the_locale() -> None:
    german = formatter_for("de", "EUR")
    assert german.number(D("1234567.125")) == "1.234.567,125"
    assert german.number(D("0.000001")) == "0,000001"
    assert plain(german.rate(D("5.5"))) == "5,5 %"
    assert german.date(date(2026, 4, 30)) == "30.04.2026"
    assert formatter_for("fr", "EUR").date(date(2026, 4, 1)) == "1er avr. 2026"
    assert formatter_for("fr", "EUR").date(date(2026, 4, 11)) == "11 avr. 2026"
    assert formatter_for("en", "EUR").date(date(2026, 4, 30)) == "Apr 30, 2026"
    assert formatter_for("zh-TW", "EUR").date(date(2026, 4, 30)) == "2026年4月30日"


@pytest.mark.parametrize("locale", LOCALES)
def test_every_locale_has_every_label_and_keeps_its_places(locale: str) -> None:
    english, labels = labels_for("en")._texts, labels_for(locale)._texts
    assert labels.keys() == english.keys()
    for name, text in labels.items():
        assert text.strip() == text != ""
        assert (
            sorted(part.split("}")[0] for part in text.split("{")[1:])
            == sorted(part.split("}")[0] for part in english[name].split("{")[1:])
            or name == "first_tier"
        )
    for title in Title:
        assert labels[title.value]
    for note in Note:
        assert labels[note.value]


def test_an_unknown_locale_or_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="locale"):
        present(replace(one_page(), locale="xx"))
    with pytest.raises(UnknownCurrencyError):
        present(replace(one_page(), currency="XXX"))


def test_totals_stand_in_the_order_of_the_calculation() -> None:
    rows = [(row["label"], row["amount"]) for row in present(one_page())["totals"]]
    assert rows == [
        ("Coupon: Spring 2026 (10%)", f"{MINUS}€155.50"),
        ("Coupon: Welcome", f"{MINUS}€50.00"),
        ("Subtotal excl. tax", "€1,349.52"),
        ("VAT (20% on €1,349.52)", "€269.90"),
        ("Subtotal incl. tax", "€1,619.42"),
        ("Credit notes", f"{MINUS}€20.00"),
        ("Prepaid credits", f"{MINUS}€100.00"),
        ("Total", "€1,499.42"),
    ]


def test_without_taxes_a_line_says_zero_percent() -> None:
    shown = present(replace(yen(), locale="en"))
    assert ("Tax (0%)", "¥0") in [(row["label"], row["amount"]) for row in shown["totals"]]


def test_several_taxes_have_a_line_each() -> None:
    labels = [row["label"] for row in present(many_pages())["totals"]]
    assert "VAT (20% on €4,000.00)" in labels
    assert "Reduced VAT on digital publications (5.5% on €654.00)" in labels


def test_tiers_are_named_by_their_bounds_and_a_flat_fee_has_a_line_of_its_own() -> None:
    line = Line(
        label="x",
        amount=0,
        parts=(
            Tier(D(0), D(1000), D(1000), D("0.10"), 10000),
            Tier(D(1001), D(10000), D(9000), D("0.075"), 67500, flat_amount=2500),
            Tier(D(10001), None, D(5), D("0.01"), 5),
        ),
    )
    assert parts_of(line) == [
        ("First 1,000", "1,000", "€0.10", "€100.00"),
        ("1,001 to 10,000", "9,000", "€0.075", "€675.00"),
        ("Flat fee", "", "", "€25.00"),
        ("10,001 and above", "5", "€0.01", "€0.05"),
    ]


def test_a_tier_for_all_units_is_named_by_its_price_and_one_without_units_shows_its_flat_fee() -> None:
    line = Line(
        label="x",
        amount=0,
        parts=(
            Tier(D(0), None, D(12), D("0.25"), 300, flat_amount=100),
            Tier(D(0), D(10), D(0), D("0.5"), 0, flat_amount=200),
        ),
    )
    assert parts_of(line) == [
        ("Unit price", "12", "€0.25", "€3.00"),
        ("Flat fee", "", "", "€1.00"),
        ("Flat fee", "", "", "€2.00"),
    ]


def test_a_period_of_one_day_is_a_day() -> None:
    document = one_page()
    section = replace(document.sections[0], groups=(Group((), (date(2026, 5, 1), date(2026, 5, 1))),))
    assert present(replace(document, sections=(section,)))["sections"][0]["groups"][0]["period"] == "May 1, 2026"


def test_packages_and_percentages_show_how_they_were_reckoned() -> None:
    line = Line(
        label="x",
        amount=0,
        parts=(
            Package(D(100), D(1000), D(5), D(4), 2000),
            Percentage(D("48250.75"), D("1.2"), 57901, D(10), D(310), D("0.10"), 3100, -301),
        ),
    )
    assert parts_of(line) == [
        ("Free units", "100", "€0.00", "€0.00"),
        ("Packages of 1,000", "5", "€4.00", "€20.00"),
        ("Free units", "10", "€0.00", "€0.00"),
        ("Rate on amount", "48,250.75", "1.2%", "€579.01"),
        ("Fee per transaction", "310", "€0.10", "€31.00"),
        ("Minimum and maximum per transaction", "", "", f"{MINUS}€3.01"),
    ]


def parts_of(line: Line) -> list[tuple[str, str, str, str]]:
    document = one_page()
    section = document.sections[0]
    group = replace(section.groups[0], lines=(line,))
    shown = present(replace(document, sections=(replace(section, groups=(group,)),)))
    parts = shown["sections"][0]["groups"][0]["rows"][0]["parts"]
    return [(part["label"], part["units"], part["unit_price"], part["amount"]) for part in parts]


def test_empty_fields_leave_no_empty_lines() -> None:
    shown = present(yen())
    assert [name for name, _ in shown["facts"]] == ["帳單編號", "開立日期"]
    assert shown["parties"][1]["lines"] == []
    assert shown["due"][2] == ""
    blank = replace(one_page().recipient, address=("", "  ", "Paris"), email="", tax_id="", legal_number="")
    assert present(replace(one_page(), recipient=blank))["parties"][1]["lines"] == ["Paris"]


@pytest.mark.parametrize(("days", "text"), [(0, "On receipt"), (1, "1 day"), (30, "30 days")])
def test_the_payment_term_is_a_phrase(days: int, text: str) -> None:
    assert ("Payment term", text) in present(replace(one_page(), net_payment_term=days))["facts"]


def test_prepaid_credits_have_columns_of_their_own() -> None:
    columns = present(replace(one_page(), item_kind=ItemKind.CREDITS))["columns"]
    assert (columns["units"], columns["unit_price"], columns["tax"]) == ("Credits", "Rate", "")


def test_a_line_without_taxes_says_zero_percent() -> None:
    rows = present(replace(yen(), locale="en"))["sections"][0]["groups"][0]["rows"]
    assert [row["tax"] for row in rows] == ["0%"]


def test_braces_in_a_customers_words_are_only_braces() -> None:
    totals = replace(
        one_page().totals, coupons=(Coupon("{rate} {0}", 1),), taxes=(TaxLine("{base}{name}", D(1), 2, 3),)
    )
    labels = [row["label"] for row in present(replace(one_page(), totals=totals))["totals"]]
    assert "Coupon: {rate} {0}" in labels
    assert "{base}{name} (1% on €0.02)" in labels


def test_units_are_told_by_the_days_they_were_held_and_since_when_where_that_is_one_day() -> None:
    rows = (BreakdownRow(date(2026, 4, 11), 20, 30, D(-2)), BreakdownRow(None, 11, 30, D(1)))
    document = one_page()
    section = replace(document.sections[0], breakdowns=(Breakdown("Seats", rows),))
    (shown,) = present(replace(document, sections=(section,)))["sections"][0]["breakdowns"]
    assert shown["label"] == "Breakdown: Seats"
    assert shown["days"] == [("Since Apr 11, 2026", "20 of 30 days", f"{MINUS}2"), ("11 of 30 days", "", "1")]
