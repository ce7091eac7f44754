"""The log of API calls: what was asked over REST and answered. Source: handbook, platform 15.1."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry
from strawberry import Info

from domain.identity.queries import api_keys_by_ids
from domain.insight.api_logs.queries import api_log_row, api_logs_page, read_wanted_calls
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.identity.types import SanitizedApiKey
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request
from graphql_api.scalars import JSON, HttpStatus, ISO8601Date, ISO8601DateTime

__all__ = ["ApiLogQueries"]


@strawberry.enum
class HttpMethodEnum(Enum):
    delete = "delete"
    post = "post"
    put = "put"


@strawberry.type
class ApiLog:
    """api_key: null also where the key is gone or of no use any more. request_response: an empty object where the
    answer had no body."""

    api_key: SanitizedApiKey | None
    api_version: str | None
    client: str | None
    created_at: ISO8601DateTime
    http_method: HttpMethodEnum
    http_status: int
    logged_at: ISO8601DateTime
    request_body: JSON | None
    request_id: strawberry.ID
    request_origin: str | None
    request_path: str | None
    request_response: JSON


@strawberry.type
class ApiLogCollection:
    collection: list[ApiLog]
    metadata: CollectionMetadata


@strawberry.type
class ApiLogQueries:
    @strawberry.field
    @operation(permission="audit_logs:view")
    async def api_logs(
        self,
        info: Info,
        api_key_ids: list[str] | None = None,
        from_date: ISO8601Date | None = None,
        from_datetime: ISO8601DateTime | None = None,
        http_methods: list[HttpMethodEnum] | None = None,
        http_statuses: list[HttpStatus] | None = None,
        limit: int | None = None,
        page: int | None = None,
        request_ids: list[str] | None = None,
        request_paths: list[str] | None = None,
        to_date: ISO8601Date | None = None,
        to_datetime: ISO8601DateTime | None = None,
    ) -> ApiLogCollection | None:
        wanted = read_wanted_calls(
            {
                "api_key_ids": api_key_ids,
                "from_date": from_date,
                "from_datetime": from_datetime,
                "http_methods": [each.value for each in http_methods or ()],
                "http_statuses": [str(each) for each in http_statuses or ()],
                "request_ids": request_ids,
                "request_paths": request_paths,
                "to_date": to_date,
                "to_datetime": to_datetime,
            }
        )
        async with read(info) as work:
            found = await api_logs_page(work, wanted, page_request(page, limit))
            shown = await _shown(work, found.rows)
        return ApiLogCollection(collection=shown, metadata=metadata_of(found))

    @strawberry.field
    @operation(permission="audit_logs:view")
    async def api_log(self, info: Info, request_id: strawberry.ID) -> ApiLog | None:
        async with read(info) as work:
            (shown,) = await _shown(work, [await api_log_row(work, request_id)])
        return shown


async def _shown(work: UnitOfWork, rows: Sequence[Any]) -> list[ApiLog]:
    keys = await api_keys_by_ids(work, {row.api_key_id for row in rows if row.api_key_id})
    return [
        ApiLog(
            api_key=SanitizedApiKey.of(keys[row.api_key_id]) if row.api_key_id in keys else None,
            api_version=row.api_version,
            client=row.client,
            created_at=row.created_at,
            http_method=HttpMethodEnum(row.http_method),
            http_status=row.http_status,
            logged_at=row.logged_at,
            request_body=row.request_body,
            request_id=row.id,
            request_origin=row.request_origin,
            request_path=row.request_path,
            request_response={} if row.request_response is None else row.request_response,
        )
        for row in rows
    ]
