from __future__ import annotations

import asyncio
import io
import re
import shutil
import threading
from typing import Any

import pytest
from pypdf import PdfReader

from infrastructure import pdf
from infrastructure.pdf import renderer

TEMPLATE = """
#let d = json(bytes(sys.inputs.data))
#set document(title: d.title)
#set text(font: ("Inter", "Noto Sans CJK TC"), lang: "en")
= #d.title
#d.body
"""
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="red"/></svg>'
WITH_LOGO = '#let d = json(bytes(sys.inputs.data))\n#image("logo.svg", alt: "logo")\n#d.body'


def text_of(made: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)


async def test_data_is_printed() -> None:
    made = await pdf.render(TEMPLATE, {"title": "Hello", "body": "Grüße 帳單 ハーバー €"})
    text = text_of(made)
    assert "Hello" in text
    assert "Grüße" in text
    assert "帳單" in text
    assert "ハーバー" in text


async def test_data_is_text_and_never_code() -> None:
    body = '#panic() $x$ *b* // gone \\ <label> #import "/etc/passwd" @ref'
    assert body in text_of(await pdf.render(TEMPLATE, {"title": "t", "body": body})).replace("\n", " ")


async def test_the_same_document_is_the_same_bytes_in_every_thread() -> None:
    made = await asyncio.gather(*(pdf.render(TEMPLATE, {"title": "t", "body": "b"}, timestamp=1) for _ in range(12)))
    assert len(set(made)) == 1
    assert made[0] != await pdf.render(TEMPLATE, {"title": "t", "body": "b"}, timestamp=2)


async def test_documents_rendered_at_the_same_moment_are_not_mixed_up() -> None:
    made = await asyncio.gather(*(pdf.render(TEMPLATE, {"title": f"T{n:03}", "body": "b"}) for n in range(40)))
    for n, one in enumerate(made):
        assert re.findall(r"T\d{3}", text_of(one)) == [f"T{n:03}"]


async def test_a_document_is_tagged_and_says_its_language_and_title() -> None:
    reader = PdfReader(io.BytesIO(await pdf.render(TEMPLATE, {"title": "Hello", "body": "b"})))
    root: Any = reader.root_object
    assert bool(root["/MarkInfo"]["/Marked"])
    assert root["/Lang"] == "en"
    assert reader.metadata is not None
    assert reader.metadata.title == "Hello"


async def test_only_the_fonts_of_the_package_are_embedded() -> None:
    reader = PdfReader(io.BytesIO(await pdf.render(TEMPLATE, {"title": "t", "body": "b 帳"})))
    page: Any = reader.pages[0]
    fonts = {str(font["/BaseFont"]) for font in page["/Resources"]["/Font"].values()}
    assert fonts
    assert all("Inter" in font or "NotoSansCJK" in font for font in fonts)


async def test_a_file_given_along_is_seen_by_this_document_only() -> None:
    made = await asyncio.gather(*(pdf.render(WITH_LOGO, {"body": "b"}, files={"logo.svg": LOGO}) for _ in range(16)))
    assert all(one.startswith(b"%PDF") for one in made)
    without = (pdf.render(WITH_LOGO, {"body": "b"}) for _ in range(16))  # enough to meet every thread
    refused = await asyncio.gather(*without, return_exceptions=True)
    assert all(isinstance(one, pdf.RenderingError) for one in refused)


async def test_another_file_of_the_same_name_is_not_taken_for_the_first() -> None:
    blue = LOGO.replace(b"red", b"blue")
    first = await asyncio.gather(*(pdf.render(WITH_LOGO, {"body": "b"}, files={"logo.svg": LOGO}) for _ in range(4)))
    second = await asyncio.gather(*(pdf.render(WITH_LOGO, {"body": "b"}, files={"logo.svg": blue}) for _ in range(4)))
    assert len(set(first)) == len(set(second)) == 1
    assert first[0] != second[0]


@pytest.mark.parametrize("path", ["/etc/hostname", "../../etc/hostname", "../main.typ"])
async def test_a_template_reads_nothing_outside_its_folder(path: str) -> None:
    with pytest.raises(pdf.RenderingError):
        await pdf.render(f'#read("{path}")', {})


@pytest.mark.parametrize("name", ["", "../logo.svg", "/tmp/logo.svg", "a/b.svg", ".hidden", "main.typ", "a\x00.svg"])
async def test_a_file_name_with_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="file name"):
        await pdf.render(TEMPLATE, {"title": "t", "body": "b"}, files={name: LOGO})


async def test_a_package_of_the_network_is_not_fetched_for_a_template_that_does_not_compile() -> None:
    with pytest.raises(pdf.RenderingError, match="unknown variable"):
        await pdf.render("#nonsense", {})


async def test_missing_data_is_an_error_that_names_the_place() -> None:
    with pytest.raises(pdf.RenderingError, match="body"):
        await pdf.render(TEMPLATE, {"title": "t"})


async def test_data_without_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        await pdf.render(TEMPLATE, {"title": "t", "body": "x" * 20_000_001})


async def test_a_file_for_archives_carries_an_attachment() -> None:
    template = '#set document(title: "t")\n#pdf.attach("a.xml", mime-type: "text/xml", description: "x")\nText'
    made = await pdf.render(template, {}, files={"a.xml": b"<a/>"}, archivable=True, timestamp=1)
    assert PdfReader(io.BytesIO(made)).attachments["a.xml"] == [b"<a/>"]


async def test_an_archive_has_boxes_for_characters_that_no_font_knows_and_leaves_out_what_cannot_be_seen() -> None:
    body = "a \U00012000 b \x01\x7f\\u0001 c \u1820 d"
    made = await pdf.render(TEMPLATE, {"title": "t", "body": body}, archivable=True, timestamp=1)
    assert "a □ b \\u0001 c □ d" in text_of(made)


async def test_the_event_loop_keeps_running_while_documents_are_made() -> None:
    work = asyncio.gather(*(pdf.render(TEMPLATE, {"title": f"{n}", "body": "b " * 4_000}) for n in range(6)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.002)
        turns += 1
    assert turns > 3
    assert threading.active_count() < 64


async def test_a_folder_that_was_cleared_away_is_made_again() -> None:
    """Temporary folders are swept on many systems; a worker runs for months."""

    def sweep() -> bool:
        workshop = getattr(renderer._local, "workshop", None)
        if workshop is not None:
            shutil.rmtree(workshop.root)
        return workshop is not None

    await pdf.render(TEMPLATE, {"title": "a", "body": "b"})
    threads = [asyncio.get_running_loop().run_in_executor(renderer._threads, sweep) for _ in range(4)]
    assert any(await asyncio.gather(*threads, return_exceptions=True))
    assert (await pdf.render(TEMPLATE, {"title": "a", "body": "b"})).startswith(b"%PDF")
