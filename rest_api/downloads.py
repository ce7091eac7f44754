"""GET /download/{token}: files through signed links, without login.

The token alone says which organization's file is meant; the transaction is bound to that organization before anything
is read. Source: platform handbook, section 13.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.credits.note_queries import note_rows
from domain.insight.exports.queries import finished_exports
from domain.insight.exports.run import file_name
from domain.invoicing.links import read_download_token
from domain.invoicing.queries import invoice_rows
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from domain.payments.receipt_queries import receipt_rows
from infrastructure import storage

__all__ = ["routes"]

Rows = Callable[[AsyncSession, list[UUID]], Awaitable[Mapping[UUID, Any]]]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a link names: the rows it may be, the column with the key of the file, and how the file is called."""

    rows: Rows
    column: str
    form: str
    media_type: str
    name: Callable[[Any], str]
    shown: str = "inline"


def _pdf(rows: Rows) -> _Kind:
    return _Kind(rows, "document_key", "pdf", "application/pdf", lambda row: str(row.number))


def _xml(rows: Rows) -> _Kind:
    return _Kind(rows, "xml_key", "xml", "application/xml", lambda row: str(row.number))


_KINDS: Mapping[str, _Kind] = {
    "invoice": _pdf(invoice_rows),
    "invoice_xml": _xml(invoice_rows),
    "credit_note": _pdf(note_rows),
    "credit_note_xml": _xml(note_rows),
    "payment_receipt": _pdf(receipt_rows),
    "payment_receipt_xml": _xml(receipt_rows),
    "data_export": _Kind(
        finished_exports, "file_key", "csv", "text/csv; charset=utf-8",
        lambda row: file_name(row).removesuffix(".csv"), shown="attachment",
    ),
}  # fmt: skip
_NOT_FOUND = {"status": 404, "error": "Not Found", "code": "file_not_found"}


async def download(request: Request) -> Response:
    """The file; 404 for a link that was changed or has expired, and for a file that is gone."""
    named = read_download_token(request.path_params["token"])
    if named is None:
        return JSONResponse(_NOT_FOUND, 404)
    kind, organization_id, named_id = _KINDS[named[0]], named[1], named[2]
    async with tenant_work(Tenant(organization_id)) as work:
        row = (await kind.rows(work.session, [named_id])).get(named_id)
    key = None if row is None else getattr(row, kind.column)
    if row is None or key is None:
        return JSONResponse(_NOT_FOUND, 404)
    try:
        content = await storage.get(key)
    except storage.ObjectNotFound:
        return JSONResponse(_NOT_FOUND, 404)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", kind.name(row)) or "document"
    headers = {
        "Content-Disposition": f'{kind.shown}; filename="{name}.{kind.form}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=kind.media_type, headers=headers)


routes = [Route("/download/{token}", download, methods=["GET"])]
