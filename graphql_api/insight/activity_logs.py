"""The activity log: what happened, to which object, by whom. Source: handbook, platform 15.2."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.identity.queries import api_keys_by_ids
from domain.insight.queries import activities_of_resources, activities_page, activity_row, read_wanted_activities
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.identity.custom_sections import LazyOrganization, own_organization
from graphql_api.identity.types import SanitizedApiKey
from graphql_api.insight.activity_enums import ActivitySourceEnum, ActivityTypeEnum, ResourceTypeEnum
from graphql_api.insight.activity_resources import ActivityLogResourceObject, resource
from graphql_api.operations import operation, read
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request
from graphql_api.scalars import JSON, ISO8601Date, ISO8601DateTime

__all__ = ["ActivityLog", "ActivityLogQueries", "fetch_activities_of"]


@strawberry.type
class ActivityLog:
    """api_key: null also where the key is gone or of no use any more."""

    activity_id: strawberry.ID
    activity_object: JSON | None
    activity_object_changes: JSON | None
    activity_source: ActivitySourceEnum
    activity_type: ActivityTypeEnum
    api_key: SanitizedApiKey | None
    created_at: ISO8601DateTime
    external_customer_id: str | None
    external_subscription_id: str | None
    logged_at: ISO8601DateTime
    user_email: str | None
    resource_type: strawberry.Private[str]
    resource_id: strawberry.Private[UUID]

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def resource(self, info: Info) -> ActivityLogResourceObject | None:
        """The object as it is now."""
        return await resource(info, self.resource_type, self.resource_id)  # type: ignore[no-any-return]


@strawberry.type
class ActivityLogCollection:
    collection: list[ActivityLog]
    metadata: CollectionMetadata


@strawberry.type
class ActivityLogQueries:
    @strawberry.field
    @operation(permission="audit_logs:view")
    async def activity_logs(
        self,
        info: Info,
        activity_ids: list[str] | None = None,
        activity_sources: list[ActivitySourceEnum] | None = None,
        activity_types: list[ActivityTypeEnum] | None = None,
        api_key_ids: list[str] | None = None,
        external_customer_id: str | None = None,
        external_subscription_id: str | None = None,
        from_date: ISO8601Date | None = None,
        from_datetime: ISO8601DateTime | None = None,
        limit: int | None = None,
        page: int | None = None,
        resource_ids: list[str] | None = None,
        resource_types: list[ResourceTypeEnum] | None = None,
        to_date: ISO8601Date | None = None,
        to_datetime: ISO8601DateTime | None = None,
        user_emails: list[str] | None = None,
    ) -> ActivityLogCollection | None:
        wanted = read_wanted_activities(
            {
                "activity_ids": activity_ids,
                "activity_sources": _values(activity_sources),
                "activity_types": _values(activity_types),
                "api_key_ids": api_key_ids,
                "external_customer_id": external_customer_id,
                "external_subscription_id": external_subscription_id,
                "from_date": from_date,
                "from_datetime": from_datetime,
                "resource_ids": resource_ids,
                "resource_types": _values(resource_types),
                "to_date": to_date,
                "to_datetime": to_datetime,
                "user_emails": user_emails,
            }
        )
        async with read(info) as work:
            found = await activities_page(work, wanted, page_request(page, limit))
            shown = await _shown(work, found.rows)
        return ActivityLogCollection(collection=shown, metadata=metadata_of(found))

    @strawberry.field
    @operation(permission="audit_logs:view")
    async def activity_log(self, info: Info, activity_id: strawberry.ID) -> ActivityLog | None:
        async with read(info) as work:
            (shown,) = await _shown(work, [await activity_row(work, parse_id(activity_id))])
        return shown


def _values(chosen: Sequence[Enum] | None) -> list[str] | None:
    return None if chosen is None else [each.value for each in chosen]


async def fetch_activities_of(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[ActivityLog]]:
    """What happened to each of these objects, the latest first."""
    shown: dict[UUID, list[ActivityLog]] = {}
    for each in await _shown(work, await activities_of_resources(work, ids)):
        shown.setdefault(each.resource_id, []).append(each)
    return shown


async def _shown(work: UnitOfWork, rows: Sequence[Any]) -> list[ActivityLog]:
    keys = await api_keys_by_ids(work, {row.api_key_id for row in rows if row.api_key_id})
    return [
        ActivityLog(
            activity_id=row.id,
            activity_object=row.activity_object,
            activity_object_changes=row.activity_object_changes,
            activity_source=ActivitySourceEnum(row.activity_source),
            activity_type=ActivityTypeEnum(row.activity_type),
            api_key=SanitizedApiKey.of(keys[row.api_key_id]) if row.api_key_id in keys else None,
            created_at=row.created_at,
            external_customer_id=row.external_customer_id,
            external_subscription_id=row.external_subscription_id,
            logged_at=row.logged_at,
            user_email=row.user_email,
            resource_type=row.resource_type,
            resource_id=row.resource_id,
        )
        for row in rows
    ]
