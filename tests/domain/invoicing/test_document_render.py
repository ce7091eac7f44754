"""The pages themselves: what stands on which, and that they are the same bytes every time."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import pytest
from pypdf import PdfReader

from domain.invoicing.document import InvoiceDocument, render_invoice, render_invoice_pages
from domain.invoicing.document.labels import LOCALES, labels_for
from domain.invoicing.document.model import Coupon, CustomSection, Group, Line, Party
from infrastructure.pdf import renderer
from tests.domain.invoicing.document_samples import APRIL, D, many_pages, one_page, yen


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


async def test_what_is_kept_together_is_broken_where_no_page_could_hold_it() -> None:
    lines = "\n".join(f"Clause {number:03}" for number in range(200))
    coupons = tuple(Coupon(f"Coupon {number:03}", 1) for number in range(100))
    totals = replace(one_page().totals, coupons=coupons)
    document = replace(one_page(), custom_sections=(CustomSection("Terms", lines),), totals=totals)
    pages = await pages_of(document)
    assert len(pages) >= 6
    # More on one page than fits there would be printed below its edge.
    assert all(page.count("Clause") <= 60 and page.count("Coupon:") <= 50 for page in pages)
    assert sum(page.count("Clause") for page in pages) == 200
    assert sum(page.count("Coupon:") for page in pages) == 100


async def test_customers_words_are_text_and_never_code() -> None:
    document = replace(one_page(), custom_sections=(CustomSection("#panic()", "*a* $b$ // c\n#let x = 1"),))
    (page,) = await pages_of(document)
    assert "#panic()" in page
    assert "*a* $b$ // c" in page
    assert "#let x = 1" in page


NAMES = (
    "株式会社ハーバー 髙﨑", "北京海港科技有限公司", "臺北雲端", "하버 주식회사 똠방", "شركة الميناء", "חברת הנמל",
    "บริษัท ท่าเรือ",
    "हार्बर प्राइवेट", "হারবার", "ஹார்பர்", "ગુજરાતી ਪੰਜਾਬੀ ಕನ್ನಡ తెలుగు മലയാളം ଓଡ଼ିଆ", "Ελληνικά Юлия", "Հայերեն ქართული አማርኛ",
    "ខ្មែរ ລາວ မြန်မာ සිංහල ދިވެހި", "🚀 👩‍💻 🇫🇷 ❤️", "Zażółć Đặng Nguyễn Ş İ ğ", "₹ ₽ ₺ ₩ ₫ ₴",
)  # fmt: skip


async def test_the_names_of_customers_are_printed_in_their_own_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an archive, which refuses a character without a glyph; boxes would take its place."""
    monkeypatch.setattr(renderer, "MAX_ATTEMPTS", 1)
    document = replace(one_page(), recipient=Party(name=NAMES[0], address=NAMES[1:]))
    assert await render_invoice(document, archivable=True)


async def test_a_thousand_lines_are_printed_over_many_pages_with_none_between_them_lost() -> None:
    document = one_page()
    section = document.sections[0]
    lines = tuple(Line(f"Line {number:04}", units=D(number), unit_price=D(1), amount=number) for number in range(1000))
    made = await render_invoice(replace(document, sections=(replace(section, groups=(Group(lines, APRIL),)),)))
    pages = PdfReader(io.BytesIO(made)).pages
    # Reading takes a multiple of the time of printing: some pages that follow each other, and the last.
    half, end = len(pages) // 2, len(pages) - 1
    read = [pages[number].extract_text() for number in (0, 1, half, half + 1, end - 1, end)]
    numbers = [[int(found) for found in re.findall(r"Line (\d{4})", page)] for page in read]
    for before, after in ((0, 1), (2, 3)):
        assert [*numbers[before], *numbers[after]] == list(range(numbers[before][0], numbers[after][-1] + 1))
    assert numbers[0][0] == 0
    assert 999 in [*numbers[-2], *numbers[-1]]
    assert all("Unit price" in page for page in read[:-1])
    assert "Total" in read[-1]
