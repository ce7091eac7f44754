"""A mutation that carries an `Idempotency-Key` happens once: see `domain.kernel.idempotency`.

All resolvers of such a request take turns in one transaction, and the answer is kept in it before the commit: nested
fields, which otherwise read in transactions of their own, belong to the answer as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from graphql import GraphQLError, OperationType, get_operation_ast, parse

from domain.kernel.errors import ValidationFailed
from domain.kernel.idempotency import Answered, checked_key, once
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from graphql_api.context import Context, WholeRequest
from graphql_api.errors import refusal_body
from infrastructure import exact_json

__all__ = ["answered_once", "is_mutation"]

Body = dict[str, Any]


class _NotKept(Exception):
    """A fault, or a document that could not be run: the transaction is rolled back, the answer is given only once."""

    def __init__(self, body: Body) -> None:
        super().__init__("not kept")
        self.body = body


def is_mutation(query: str, name: str | None) -> bool:
    """Whether the operation to run changes something; not for a document that can't be read."""
    try:
        operation = get_operation_ast(parse(query, no_location=True), name)
    except (GraphQLError, RecursionError):
        return False
    return operation is not None and operation.operation is OperationType.MUTATION


async def answered_once(
    context: Context, tenant: Tenant, key: str, fingerprint: str, run: Callable[[], Awaitable[Body]]
) -> Body:
    """The body of the answer: of the first request with this key, or the refusal of one that differs from it. Each
    customer in its portal has keys of its own."""
    interface = f"portal:{context.portal.customer_id}" if context.portal else "graphql"

    async def run_whole() -> Answered:
        body = await run()
        codes = {error["extensions"].get("code") for error in body.get("errors", ())}
        if "data" not in body or "internal_error" in codes:
            raise _NotKept(body)
        return Answered(200, exact_json.dump_text(body))

    try:
        async with tenant_work(tenant, context.author) as work:
            context.whole = WholeRequest(work)
            answered = await once(work, interface, checked_key(key), fingerprint, run_whole)
    except _NotKept as answer:
        return answer.body
    except ValidationFailed as refusal:
        return refusal_body(refusal)
    finally:
        context.whole = None
    if answered.replayed:
        context.response_headers["idempotent-replayed"] = "true"
    body: Body = exact_json.load(answered.body)
    return body
