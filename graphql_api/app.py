"""`POST /graphql`: one document, one answer, HTTP 200 whatever it says.

Only a request that is not GraphQL at all (no JSON, a batch) is answered with 400. Source: handbook, platform 2.1.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from domain.kernel import clock
from domain.kernel.idempotency import fingerprint_of
from graphql_api.context import context_of
from graphql_api.errors import error_body, plain_error
from graphql_api.idempotent import answered_once, is_mutation
from graphql_api.limits import MAX_QUERY_LENGTH
from graphql_api.portal.documents import asks_portal
from graphql_api.scalars import SentNumber
from graphql_api.schema import schema
from graphql_api.texts import unstorable
from infrastructure import exact_json, jwt
from infrastructure.settings import settings

__all__ = ["graphql_routes"]

_decoder = msgspec.json.Decoder(float_hook=SentNumber.read)
_OPERATIONS = {OperationType.QUERY, OperationType.MUTATION}


def graphql_routes() -> list[Route]:
    """The routes of GraphQL. In development a browser gets GraphiQL at the same address."""
    routes = [Route("/graphql", _execute, methods=["POST"])]
    if not settings().production:
        routes.append(Route("/graphql", _explore, methods=["GET"]))
    return routes


def _answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(exact_json.dump(body), status, headers, "application/json")


async def _explore(request: Request) -> Response:
    return HTMLResponse(get_graphql_ide_html(graphql_ide="graphiql"))


class _Malformed(Exception):
    """Not JSON, or nested too deep."""


def _load(data: bytes | str) -> Any:
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise _Malformed from error


def _variables(value: Any) -> dict[str, Any] | None:
    """Variables as an object, as the text of one, or absent. None when they are anything else."""
    if isinstance(value, str) and value.strip():
        try:
            value = _load(value)
        except _Malformed:
            return None
    if value is None or value == "":
        return {}
    return value if isinstance(value, dict) else None


async def _execute(request: Request) -> Response:
    try:
        body = _load(await request.body())
    except _Malformed:
        return _answer(plain_error("The body is not JSON", 400, "bad_request"), 400)
    if isinstance(body, list):
        return _answer(plain_error("Batches of operations are not taken", 400, "batch_not_supported"), 400)
    if not isinstance(body, dict):
        return _answer(plain_error("The body is not a JSON object", 400, "bad_request"), 400)

    query, variables, name = body.get("query"), _variables(body.get("variables")), body.get("operationName")
    if not isinstance(query, str) or not query.strip():
        return _answer(plain_error("No query document given", 400, "query_is_missing"))
    if len(query) > MAX_QUERY_LENGTH:
        message = f"Max query length is {MAX_QUERY_LENGTH}, your query is {len(query)}"
        return _answer(plain_error(message, 413, "query_is_too_large"))
    if variables is None:
        return _answer(plain_error("Variables are not a JSON object", 400, "variable_is_invalid"))
    wrong = unstorable(variables)
    if wrong is not None:
        return _answer(_unstorable_answer(wrong))
    if name is not None and not isinstance(name, str):
        return _answer(plain_error("The operation name is not a text", 400, "bad_request"))

    try:
        context = await context_of(request, lambda: asks_portal(query, name or None))
    except jwt.Expired:
        return _answer(plain_error("expired_jwt_token", 401, "expired_jwt_token"))
    with clock.at(context.tenant.frozen_at if context.tenant else None):
        name = name or None

        async def run() -> dict[str, Any]:
            return await _result(query, variables, name, context)

        key = request.headers.get("idempotency-key")
        if key is not None and context.tenant is not None and is_mutation(query, name):
            asked = fingerprint_of(str(context.user_id), query, variables, name)
            body = await answered_once(context, context.tenant, key, asked, run)
        else:
            body = await run()
        return _answer(body, headers=context.response_headers)


def _unstorable_answer(path: tuple[str, ...]) -> dict[str, Any]:
    answer = plain_error(
        "A text contains NUL or unpaired surrogates, or is nested too deep", 422, "unprocessable_entity"
    )
    named = [part for part in path if not part.isdigit()]
    answer["errors"][0]["extensions"]["details"] = {named[-1] if named else "base": ["value_is_invalid"]}
    return answer


async def _result(query: str, variables: dict[str, Any], name: str | None, context: Any) -> dict[str, Any]:
    try:
        result = await schema.execute(
            query,
            variable_values=variables,
            context_value=context,
            operation_name=name,
            allowed_operation_types=_OPERATIONS,
        )
    except (CannotGetOperationTypeError, InvalidOperationTypeError):
        return plain_error("The document has no operation of this name to run", 400, "operation_not_found")
    except RecursionError:
        return plain_error("The document is nested too deep", 422, "query_is_too_deep")
    if not result.errors:
        return {"data": result.data}
    errors = [error_body(error) for error in result.errors]
    # An error of the document itself has no path, and then no data.
    if result.data is None and all("path" not in error for error in errors):
        return {"errors": errors}
    return {"data": result.data, "errors": errors}
