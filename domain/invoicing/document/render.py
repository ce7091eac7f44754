"""From an invoice document to its PDF."""

from __future__ import annotations

from calendar import timegm
from datetime import date
from functools import lru_cache
from pathlib import Path

from domain.invoicing.document.model import InvoiceDocument
from domain.invoicing.document.present import Presented, present
from infrastructure import pdf

__all__ = ["render_invoice", "render_invoice_pages", "render_presented"]

SIGNATURES = {
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF8": "gif",
    b"RIFF": "webp",
    b"<svg": "svg",
    b"<?xm": "svg",
}


async def render_invoice(document: InvoiceDocument, *, archivable: bool = False) -> bytes:
    """The PDF: tagged, the same bytes for the same document. A logo that cannot be read is left out.

    archivable: as PDF/A-3, to which files may be attached.

    Raises ValueError for an unknown locale or currency and infrastructure.pdf.RenderingError."""
    return await render_presented(present(document), document.logo, document.issuing_date, archivable=archivable)


async def render_presented(
    shown: Presented, logo: bytes | None, issuing_date: date, *, archivable: bool = False
) -> bytes:
    """The PDF of any document that looks like an invoice. Raises infrastructure.pdf.RenderingError."""
    shown, files = _with_logo(shown, logo)
    timestamp = timegm(issuing_date.timetuple())
    try:
        return await pdf.render(_template(), shown, files=files, timestamp=timestamp, archivable=archivable)
    except pdf.RenderingError:
        if not files:
            raise
        return await pdf.render(_template(), {**shown, "logo": ""}, timestamp=timestamp, archivable=archivable)


async def render_invoice_pages(document: InvoiceDocument) -> list[bytes]:
    """PNG pictures of the pages. Raises as `render_invoice`."""
    shown, files = _with_logo(present(document), document.logo)
    return await pdf.render_pages(_template(), shown, files=files)


def _with_logo(shown: Presented, logo: bytes | None) -> tuple[Presented, dict[str, bytes]]:
    form = next((form for start, form in SIGNATURES.items() if (logo or b"").lstrip().startswith(start)), None)
    if logo is None or form is None:
        return shown, {}
    shown["logo"] = f"logo.{form}"
    return shown, {shown["logo"]: logo}


@lru_cache(maxsize=1)
def _template() -> str:
    return Path(__file__).with_name("invoice.typ").read_text("utf-8")
