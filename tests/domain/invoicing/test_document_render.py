"""The pages themselves: what stands on which, and that they are the same bytes every time."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from pypdf import PdfReader

from domain.invoicing.document import InvoiceDocument, render_invoice, render_invoice_pages
from domain.invoicing.document.labels import LOCALES, labels_for
from domain.invoicing.document.model import CustomSection, Party
from tests.domain.invoicing.document_samples import many_pages, one_page, yen


async def pages_of(document: InvoiceDocument) -> list[str]:
    made = await render_invoice(document)
    return [page.extract_text().replace("\u00a0", " ") for page in PdfReader(io.BytesIO(made)).pages]


async def test_a_short_invoice_is_one_page_with_everything_on_it() -> None:
    (page,) = await pages_of(one_page())
    for text in ("NWC-2026-004-0187", "Harbour & Sons Ltd", "Due May 31, 2026", "€1,499.42", "VAT (20% on €1,349.52)"):
        assert text in page
    assert "1 / 1" in page


async def test_several_subscriptions_have_a_summary_and_pages_of_their_own() -> None:
    pages = await pages_of(many_pages())
    assert "Summary" in pages[0]
    assert "Total" in pages[0]
    assert pages[1].startswith("Enterprise Europe")
    assert "Enterprise Asia" in pages[-1]
    assert "Breakdown: Seats" in pages[-1]
    assert f"{len(pages)} / {len(pages)}" in pages[-1]


async def test_the_head_of_a_table_stands_on_every_page_it_reaches() -> None:
    pages = await pages_of(many_pages())
    for page in pages[1:3]:
        assert "Apr 1, 2026 to Apr 30, 2026" in page
        assert "Unit price" in page


async def test_the_same_invoice_is_the_same_bytes() -> None:
    assert await render_invoice(one_page()) == await render_invoice(one_page())


async def test_the_document_is_tagged_with_language_and_title() -> None:
    reader = PdfReader(io.BytesIO(await render_invoice(yen())))
    root: Any = reader.root_object
    assert bool(root["/MarkInfo"]["/Marked"])
    assert root["/Lang"] == "zh-TW"
    assert reader.metadata is not None
    assert reader.metadata.title == "帳單 TPE-0009"


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_locale_is_printed(locale: str) -> None:
    (page,) = await pages_of(replace(one_page(), locale=locale))
    labels = labels_for(locale)
    # The words' own spaces may become line ends.
    assert "".join(labels("amount_due").split()) in "".join(page.split())
    assert "".join(labels("sub_total_including").split()) in "".join(page.split())


@pytest.mark.parametrize("logo", [b"", b"nonsense", b"\x89PNG broken", b"<svg", b"\xff\xd8\xff", b"RIFF"])
async def test_a_logo_that_cannot_be_read_is_left_out(logo: bytes) -> None:
    (page,) = await pages_of(replace(one_page(), logo=logo))
    assert "€1,499.42" in page


async def test_an_invoice_without_sections_and_names_still_has_its_totals() -> None:
    (page,) = await pages_of(replace(one_page(), sections=(), recipient=Party(name=""), custom_sections=(), footer=""))
    assert "€1,499.42" in page


async def test_words_that_no_line_holds_break_and_stay_on_the_page() -> None:
    name = "W" * 300
    document = replace(one_page(), recipient=Party(name=name, address=(name,)), purchase_order_number=name)
    pages = await pages_of(document)
    assert sum(page.count("W") for page in pages) >= 900
    (first, *_) = await render_invoice_pages(document)
    assert first.startswith(b"\x89PNG")


async def test_customers_words_are_text_and_never_code() -> None:
    document = replace(one_page(), custom_sections=(CustomSection("#panic()", "*a* $b$ // c\n#let x = 1"),))
    (page,) = await pages_of(document)
    assert "#panic()" in page
    assert "*a* $b$ // c" in page
    assert "#let x = 1" in page


async def test_a_thousand_lines_are_printed() -> None:
    document = one_page()
    section = document.sections[0]
    group = replace(section.groups[1], lines=section.groups[1].lines * 334)
    pages = await pages_of(replace(document, sections=(replace(section, groups=(group,)),)))
    assert sum(page.count("Card payments") for page in pages) == 334
    assert "Total" in pages[-1]
