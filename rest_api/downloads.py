"""GET /download/{token}: files through signed links, without login.

The token alone says which organization's file is meant; the transaction is bound to that organization before anything
is read. Source: platform handbook, section 13.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.credits.note_queries import note_rows
from domain.invoicing.links import read_download_token
from domain.invoicing.queries import invoice_rows
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from domain.payments.receipt_queries import receipt_rows
from infrastructure import storage

__all__ = ["routes"]

# By kind of link: the rows it may name, and the form of the file.
_KINDS: Mapping[str, tuple[Callable[[AsyncSession, list[UUID]], Awaitable[Mapping[UUID, Any]]], str, str]] = {
    "invoice": (invoice_rows, "pdf", "application/pdf"),
    "invoice_xml": (invoice_rows, "xml", "application/xml"),
    "credit_note": (note_rows, "pdf", "application/pdf"),
    "credit_note_xml": (note_rows, "xml", "application/xml"),
    "payment_receipt": (receipt_rows, "pdf", "application/pdf"),
    "payment_receipt_xml": (receipt_rows, "xml", "application/xml"),
}
_NOT_FOUND = {"status": 404, "error": "Not Found", "code": "file_not_found"}


async def download(request: Request) -> Response:
    """The file; 404 for a link that was changed or has expired, and for a file that is gone."""
    named = read_download_token(request.path_params["token"])
    if named is None:
        return JSONResponse(_NOT_FOUND, 404)
    kind, organization_id, named_id = named
    rows, form, media_type = _KINDS[kind]
    async with tenant_work(Tenant(organization_id)) as work:
        row = (await rows(work.session, [named_id])).get(named_id)
    key = None if row is None else row.document_key if form == "pdf" else row.xml_key
    if row is None or key is None:
        return JSONResponse(_NOT_FOUND, 404)
    try:
        content = await storage.get(key)
    except storage.ObjectNotFound:
        return JSONResponse(_NOT_FOUND, 404)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", row.number) or "document"
    headers = {
        "Content-Disposition": f'inline; filename="{name}.{form}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)


routes = [Route("/download/{token}", download, methods=["GET"])]
