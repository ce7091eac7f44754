"""/api/v1/wallet_transactions, and the movements of a wallet"""

from __future__ import annotations

from starlette.responses import Response

from domain.credits.wallets.payloads import linked_payloads, movement_payloads
from domain.credits.wallets.queries import (
    TransactionFilter,
    linked_page,
    transaction_row,
    transaction_rows,
    transactions_page,
    wallet_row,
)
from domain.credits.wallets.transactions import create_transactions
from rest_api.frame import Call, answer, endpoint, page_answer
from rest_api.routing import get, post

__all__ = ["routes"]

KNOWN = {
    "status": ("pending", "settled", "failed"),
    "transaction_type": ("inbound", "outbound"),
    "transaction_status": ("purchased", "granted", "voided", "invoiced"),
}


@endpoint(resource="wallet_transaction")
async def create(call: Call) -> Response:
    """Buys, grants and voids credits; what was asked for, in this order."""
    made = await create_transactions(call.work, call.root("wallet_transaction"))
    rows = await transaction_rows(call.work.session, made)
    shown = await movement_payloads(call.work.session, [rows[each] for each in made])
    return answer({"wallet_transactions": shown})


@endpoint(resource="wallet_transaction")
async def show(call: Call) -> Response:
    row = await transaction_row(call.work.session, call.path["lago_id"])
    return answer({"wallet_transaction": (await movement_payloads(call.work.session, [row]))[0]})


@endpoint(resource="wallet_transaction")
async def index(call: Call) -> Response:
    """A page of a wallet's movements, newest first; filters that nobody knows are passed over."""
    wallet = await wallet_row(call.work.session, call.path["lago_id"])
    given = {name: call.query.get(name) for name in KNOWN}
    known = {name: value if value in KNOWN[name] else None for name, value in given.items()}
    metadata = {
        name[len("metadata[") : -1]: value
        for name, value in call.query.items()
        if name.startswith("metadata[") and name.endswith("]")
    }
    wanted = TransactionFilter(
        known["status"], known["transaction_type"], known["transaction_status"], metadata=metadata
    )
    page = await transactions_page(call.work.session, call.page(), wallet.id, wanted)
    return page_answer("wallet_transactions", await movement_payloads(call.work.session, page.rows), page)


async def _linked(call: Call, *, fundings: bool) -> Response:
    page = await linked_page(call.work.session, call.page(), call.path["lago_id"], fundings=fundings)
    name = "wallet_transaction_fundings" if fundings else "wallet_transaction_consumptions"
    return page_answer(name, await linked_payloads(call.work.session, page.rows), page)


@endpoint(resource="wallet_transaction")
async def consumptions(call: Call) -> Response:
    """Where the money of an inbound movement went."""
    return await _linked(call, fundings=False)


@endpoint(resource="wallet_transaction")
async def fundings(call: Call) -> Response:
    """Where the money of an outbound movement came from."""
    return await _linked(call, fundings=True)


routes = [
    post("/wallet_transactions", create),
    get("/wallet_transactions/{lago_id}", show),
    get("/wallet_transactions/{lago_id}/consumptions", consumptions),
    get("/wallet_transactions/{lago_id}/fundings", fundings),
    get("/wallets/{lago_id}/wallet_transactions", index),
]
