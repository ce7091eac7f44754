"""The security log: who got in, and what changed that safety rests on. Source: handbook, platform 15.3."""

from __future__ import annotations

from enum import Enum
from typing import Any

import strawberry
from strawberry import Info

from domain.identity.security.events import LOG_EVENTS, LOG_TYPES
from domain.identity.security.queries import read_wanted_logs, security_log_row, security_logs_page
from graphql_api.enums import named
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request
from graphql_api.scalars import JSON, ISO8601DateTime

__all__ = ["SecurityLogQueries"]


@strawberry.enum
class LogEventEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, LOG_EVENTS)


@strawberry.enum
class LogTypeEnum(Enum):
    _ignore_ = ["members"]
    members = vars()
    named(members, LOG_TYPES)


@strawberry.type
class SecurityLog:
    log_id: strawberry.ID
    log_type: LogTypeEnum
    log_event: LogEventEnum
    user_email: str | None
    resources: JSON | None
    device_info: JSON | None
    logged_at: ISO8601DateTime
    created_at: ISO8601DateTime

    @classmethod
    def of(cls, row: Any) -> SecurityLog:
        return cls(
            log_id=row.id,
            log_type=LogTypeEnum(row.log_event.partition(".")[0]),
            log_event=LogEventEnum(row.log_event),
            user_email=row.user_email,
            resources=row.resources,
            device_info=row.device_info,
            logged_at=row.logged_at,
            created_at=row.created_at,
        )


@strawberry.type
class SecurityLogCollection:
    collection: list[SecurityLog]
    metadata: CollectionMetadata


@strawberry.type
class SecurityLogQueries:
    @strawberry.field
    @operation(permission="security_logs:view")
    async def security_logs(
        self,
        info: Info,
        to_datetime: ISO8601DateTime,
        api_key_ids: list[strawberry.ID] | None = None,
        from_datetime: ISO8601DateTime | None = None,
        limit: int | None = None,
        log_events: list[LogEventEnum] | None = None,
        log_types: list[LogTypeEnum] | None = None,
        page: int | None = None,
        user_ids: list[strawberry.ID] | None = None,
    ) -> SecurityLogCollection | None:
        wanted = read_wanted_logs(
            {
                "to_date": to_datetime,
                "from_date": from_datetime,
                "log_events": [each.value for each in log_events or ()],
                "log_types": [each.value for each in log_types or ()],
                "user_ids": user_ids,
                "api_key_ids": api_key_ids,
            }
        )
        async with read(info) as work:
            found = await security_logs_page(work, wanted, page_request(page, limit))
        return SecurityLogCollection(
            collection=[SecurityLog.of(row) for row in found.rows], metadata=metadata_of(found)
        )

    @strawberry.field
    @operation(permission="security_logs:view")
    async def security_log(self, info: Info, log_id: strawberry.ID) -> SecurityLog | None:
        async with read(info) as work:
            return SecurityLog.of(await security_log_row(work, log_id))
