"""/api/v1/organizations: the settings of the key's organization; and the signed links to logos."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from domain.catalog.eu_taxes import make_eu_taxes
from domain.catalog.payloads import tax_payload
from domain.catalog.queries import TaxFilter, taxes_page
from domain.identity.logo import LOGO_PURPOSE
from domain.identity.payloads import organization_payload
from domain.identity.queries import organization_row
from domain.identity.update_organization import update_organization
from domain.kernel.errors import NotFound
from domain.kernel.pagination import MAX_PER_PAGE, PageRequest
from domain.messaging.endpoints import upsert_first_endpoint
from domain.messaging.queries import endpoints_page
from infrastructure import signing, storage
from rest_api.errors import refusal_answer
from rest_api.frame import Call, answer, endpoint
from rest_api.routing import get, put

__all__ = ["routes"]


async def _webhook_urls(call: Call) -> list[str]:
    """Oldest first."""
    newest_first = (await endpoints_page(call.work.session, PageRequest())).rows
    return [row.webhook_url for row in reversed(newest_first)]


@endpoint(resource="organization")
async def show(call: Call) -> Response:
    row = await organization_row(call.work)
    return answer({"organization": organization_payload(row, await _webhook_urls(call))})


@endpoint(resource="organization")
async def update(call: Call) -> Response:
    params = call.root("organization")
    await update_organization(call.work, params)
    await make_eu_taxes(call.work)
    await upsert_first_endpoint(call.work, params.get("webhook_url"))
    row = await organization_row(call.work)
    applied = await taxes_page(
        call.work.session, row.id, PageRequest(1, MAX_PER_PAGE), TaxFilter(applied_to_organization=True)
    )
    payload = organization_payload(row, await _webhook_urls(call))
    return answer({"organization": {**payload, "taxes": [tax_payload(tax) for tax in applied.rows]}})


async def logo(request: Request) -> Response:
    """The image behind a signed link, without a key: e-mails and browsers open it. 404 for anything else."""
    try:
        target = signing.read(LOGO_PURPOSE, request.path_params["token"])
        image = await storage.get(target["key"])
    except (signing.Invalid, signing.Expired, storage.ObjectNotFound):
        return refusal_answer(NotFound("logo"))
    headers = {"cache-control": "private, max-age=3600", "x-content-type-options": "nosniff"}
    return Response(image, headers=headers, media_type=target["type"])


routes: list[BaseRoute] = [
    get("/organizations", show),
    put("/organizations", update),
    Route("/logos/{token}", logo, methods=["GET"]),
]
