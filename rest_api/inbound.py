"""POST /webhooks/{provider}/{organization_id}?code=: what payment providers tell, without login.

The provider's signature is all that is asked for. Whatever is wrong is answered by a bare 400, so that nobody learns
which organizations and providers there are. Source: handbook, credits 10.3 and platform 11.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.identity.queries import tenant_of
from domain.kernel.ids import parse_id
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from domain.payments.inbound import store_inbound
from domain.payments.providers.gateway import SignatureRefused

__all__ = ["routes"]


async def receive(request: Request) -> Response:
    """Keeps the event and lets a job work it through; an event that came before is taken as well, and does nothing."""
    organization_id = parse_id(request.path_params["organization_id"])
    if organization_id is None:
        return Response(status_code=400)
    async with tenant_work(Tenant(organization_id)) as work:
        tenant = await tenant_of(work)
    if tenant is None:
        return Response(status_code=400)
    body = await request.body()
    try:
        async with tenant_work(tenant) as work:
            await store_inbound(
                work, request.path_params["provider"], request.query_params.get("code"), body, request.headers
            )
    except SignatureRefused:
        return Response(status_code=400)
    return Response(status_code=200)


routes = [Route("/webhooks/{provider}/{organization_id}", receive, methods=["POST"])]
