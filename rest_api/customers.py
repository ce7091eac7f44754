"""/api/v1/customers"""

from __future__ import annotations

import re
from uuid import UUID

from starlette.responses import Response

from domain.billing.customers import upsert_customer
from domain.customers.customers import delete_customer
from domain.customers.payloads import customer_payloads
from domain.customers.portal import portal_url
from domain.customers.queries import CustomerFilter, customer_row, customers_page
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, post

__all__ = ["routes"]

_METADATA = re.compile(r"metadata\[(.{1,255})\]")


@endpoint(resource="customer")
async def upsert(call: Call) -> Response:
    params = call.root("customer")
    return await _shown(call, (await upsert_customer(call.work, params)).id)


@endpoint(resource="customer")
async def show(call: Call) -> Response:
    row = await customer_row(call.work.session, external_id=call.path["external_id"])
    return await _shown(call, row.id)


@endpoint(resource="customer")
async def portal(call: Call) -> Response:
    """A new link to the customer's portal."""
    row = await customer_row(call.work.session, external_id=call.path["external_id"])
    return answer({"customer": {"portal_url": portal_url(row.organization_id, row.id)}})


@endpoint(resource="customer")
async def destroy(call: Call) -> Response:
    return await _shown(call, (await delete_customer(call.work, external_id=call.path["external_id"])).id)


@endpoint(resource="customer")
async def index(call: Call) -> Response:
    page = await customers_page(call.work.session, call.page(), _filter(call))
    rows = {row.id: row for row in page.rows}
    payloads = await customer_payloads(call.work.session, rows, rows=rows)
    return page_answer("customers", list(payloads.values()), page)


def _filter(call: Call) -> CustomerFilter:
    names = ((_METADATA.fullmatch(name), value) for name, value in call.query.items())
    return CustomerFilter(
        search_term=call.query.get("search_term"),
        account_types=call.texts("account_type"),
        customer_type=call.query.get("customer_type"),
        has_customer_type=call.flag("has_customer_type"),
        has_tax_identification_number=call.flag("has_tax_identification_number"),
        countries=[country.upper() for country in call.texts("countries")],
        states=call.texts("states"),
        zipcodes=call.texts("zipcodes"),
        currencies=call.texts("currencies"),
        billing_entity_codes=call.texts("billing_entity_codes"),
        metadata={name[1]: value for name, value in names if name},
    )


async def _shown(call: Call, customer_id: UUID) -> Response:
    payloads = await customer_payloads(call.work.session, [customer_id])
    return answer({"customer": payloads[customer_id]})


routes = [
    get("/customers", index),
    post("/customers", upsert),
    get("/customers/{external_id}", show),
    get("/customers/{external_id}/portal_url", portal),
    delete("/customers/{external_id}", destroy),
]
