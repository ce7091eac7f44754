"""/api/v1/wallets, also under their customers"""

from __future__ import annotations

from uuid import UUID

from starlette.responses import Response

from domain.credits.wallets.create import create_wallet
from domain.credits.wallets.metadata import change_metadata, remove_metadata_key
from domain.credits.wallets.payloads import wallet_payloads
from domain.credits.wallets.queries import WalletFilter, wallet_id_by_code, wallet_row, wallets_page
from domain.credits.wallets.update import terminate_wallet, update_wallet
from domain.customers.queries import customer_row
from domain.invoicing.queries import billing_entity_ids
from domain.kernel.ids import parse_id
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import delete, get, patch, post, put

__all__ = ["routes"]


async def _id(call: Call) -> UUID | None:
    """The wallet that the path names, by its id or by its customer and code. Raises NotFound for the latter."""
    if "lago_id" in call.path:
        return parse_id(call.path["lago_id"])
    return await wallet_id_by_code(call.work.session, call.path["external_customer_id"], call.path["code"])


async def _shown(call: Call, wallet_id: UUID) -> Response:
    row = await wallet_row(call.work.session, wallet_id)
    return answer({"wallet": (await wallet_payloads(call.work.session, (), rows=[row]))[row.id]})


@endpoint(resource="wallet")
async def create(call: Call) -> Response:
    """A new wallet, still empty: credits that come with it follow."""
    params = call.root("wallet")
    if "external_customer_id" in call.path:
        params = {**params, "external_customer_id": call.path["external_customer_id"]}
    # Only the dashboard names customers by their ids.
    params = {name: value for name, value in params.items() if name != "customer_id"}
    return await _shown(call, await create_wallet(call.work, params))


@endpoint(resource="wallet")
async def index(call: Call) -> Response:
    """A page of wallets, of one customer or of all. Raises NotFound for a customer in the path that is unknown."""
    session = call.work.session
    external_id = call.path.get("external_customer_id")
    if external_id is not None:
        await customer_row(session, external_id=external_id)
    codes = call.texts("billing_entity_codes")
    wanted = WalletFilter(
        external_customer_id=external_id or call.query.get("external_customer_id"),
        currency=call.query.get("currency"),
        billing_entity_ids=await billing_entity_ids(session, codes) if codes else None,
    )
    page = await wallets_page(session, call.page(), wanted)
    shown = await wallet_payloads(session, (), rows=page.rows)
    return page_answer("wallets", [shown[row.id] for row in page.rows], page)


@endpoint(resource="wallet")
async def show(call: Call) -> Response:
    row = await wallet_row(call.work.session, await _id(call))
    return await _shown(call, row.id)


@endpoint(resource="wallet")
async def update(call: Call) -> Response:
    """Changes what was given; limits to metrics are replaced."""
    return await _shown(call, await update_wallet(call.work, await _id(call), call.root("wallet")))


@endpoint(resource="wallet")
async def terminate(call: Call) -> Response:
    """Ends a wallet; what it holds is lost."""
    return await _shown(call, await terminate_wallet(call.work, await _id(call)))


async def _change(call: Call, *, merge: bool) -> Response:
    params = {"metadata": call.body.get("metadata")} if isinstance(call.body, dict) else {}
    return answer({"metadata": await change_metadata(call.work, await _id(call), params, merge=merge)})


@endpoint(resource="wallet")
async def replace_metadata(call: Call) -> Response:
    return await _change(call, merge=False)


@endpoint(resource="wallet")
async def merge_metadata(call: Call) -> Response:
    return await _change(call, merge=True)


@endpoint(resource="wallet")
async def clear_metadata(call: Call) -> Response:
    await change_metadata(call.work, await _id(call), {}, merge=False)
    return answer({"metadata": None})


@endpoint(resource="wallet")
async def remove_metadata(call: Call) -> Response:
    return answer({"metadata": await remove_metadata_key(call.work, await _id(call), call.path["key"])})


routes = [
    get("/wallets", index),
    post("/wallets", create),
    get("/customers/{external_customer_id}/wallets", index),
    post("/customers/{external_customer_id}/wallets", create),
    *(
        route
        for path in ("/wallets/{lago_id}", "/customers/{external_customer_id}/wallets/{code}")
        for route in (
            get(path, show),
            put(path, update),
            delete(path, terminate),
            post(f"{path}/metadata", replace_metadata),
            patch(f"{path}/metadata", merge_metadata),
            delete(f"{path}/metadata", clear_metadata),
            delete(f"{path}/metadata/{{key}}", remove_metadata),
        )
    ),
]
