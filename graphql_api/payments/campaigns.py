"""Dunning campaigns."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.kernel.unit_of_work import UnitOfWork
from domain.payments import campaign_queries as queries
from domain.payments.campaigns import create_campaign, delete_campaign, update_campaign
from graphql_api.enums import CurrencyEnum
from graphql_api.loaders import load
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = ["CampaignMutations", "CampaignQueries", "DunningCampaign", "fetch_campaigns"]


@strawberry.type
class DunningCampaignThreshold:
    id: strawberry.ID
    currency: CurrencyEnum
    amount_cents: BigInt


@strawberry.type
class DunningCampaign:
    key: strawberry.Private[UUID]

    id: strawberry.ID
    code: str
    name: str
    description: str | None
    days_between_attempts: int
    max_attempts: int
    bcc_emails: list[str] | None
    applied_to_organization: bool
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    async def thresholds(self, info: Info) -> list[DunningCampaignThreshold]:
        return await load(info, "campaign_thresholds", _fetch_thresholds, self.key) or []

    @strawberry.field
    async def customers_count(self, info: Info) -> int:
        """How many customers it concerns: by their own choice or by their billing entity's."""
        return await load(info, "campaign_customers", _fetch_counts, self.key) or 0


@strawberry.type
class DunningCampaignCollection:
    collection: list[DunningCampaign]
    metadata: CollectionMetadata


@strawberry.input
class DunningCampaignThresholdInput:
    amount_cents: BigInt
    currency: CurrencyEnum
    id: strawberry.ID | None = strawberry.UNSET


@strawberry.input
class CreateDunningCampaignInput:
    applied_to_organization: bool
    bcc_emails: list[str] | None = strawberry.UNSET
    code: str
    days_between_attempts: int
    description: str | None = strawberry.UNSET
    max_attempts: int
    name: str
    thresholds: list[DunningCampaignThresholdInput]
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class UpdateDunningCampaignInput:
    id: strawberry.ID
    applied_to_organization: bool | None = strawberry.UNSET
    bcc_emails: list[str] | None = strawberry.UNSET
    code: str | None = strawberry.UNSET
    days_between_attempts: int | None = strawberry.UNSET
    description: str | None = strawberry.UNSET
    max_attempts: int | None = strawberry.UNSET
    name: str | None = strawberry.UNSET
    thresholds: list[DunningCampaignThresholdInput] | None = strawberry.UNSET
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.input
class DestroyDunningCampaignInput:
    id: strawberry.ID
    client_mutation_id: str | None = strawberry.UNSET


@strawberry.type
class DestroyDunningCampaignPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.type
class CampaignQueries:
    @strawberry.field
    @operation(permission="dunning_campaigns:view")
    async def dunning_campaign(self, info: Info, id: strawberry.ID) -> DunningCampaign:
        async with read(info) as work:
            return _campaign(await queries.campaign_row(work.session, id))

    @strawberry.field
    @operation(permission="dunning_campaigns:view")
    async def dunning_campaigns(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        applied_to_organization: bool | None = None,
        currency: list[CurrencyEnum] | None = None,
        order: str | None = None,
        search_term: str | None = None,
    ) -> DunningCampaignCollection:
        wanted = queries.CampaignFilter(search_term, applied_to_organization, [each.value for each in currency or ()])
        async with read(info) as work:
            found = await queries.campaigns_page(work.session, page_request(page, limit), wanted, order)
        return DunningCampaignCollection(collection=[_campaign(row) for row in found.rows], metadata=metadata_of(found))


@strawberry.type
class CampaignMutations:
    @strawberry.mutation
    @operation(permission="dunning_campaigns:create")
    async def create_dunning_campaign(self, info: Info, input: CreateDunningCampaignInput) -> DunningCampaign | None:
        async with command(info) as work:
            campaign_id = await create_campaign(work, to_params(input))
            return _campaign(await queries.campaign_row(work.session, campaign_id))

    @strawberry.mutation
    @operation(permission="dunning_campaigns:update")
    async def update_dunning_campaign(self, info: Info, input: UpdateDunningCampaignInput) -> DunningCampaign | None:
        params = to_params(input)
        async with command(info) as work:
            campaign_id = await update_campaign(work, params.pop("id"), params)
            return _campaign(await queries.campaign_row(work.session, campaign_id))

    @strawberry.mutation
    @operation(permission="dunning_campaigns:delete")
    async def destroy_dunning_campaign(
        self, info: Info, input: DestroyDunningCampaignInput
    ) -> DestroyDunningCampaignPayload | None:
        async with command(info) as work:
            campaign_id = await delete_campaign(work, input.id)
        return DestroyDunningCampaignPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(campaign_id))
        )


def _campaign(row: Any) -> DunningCampaign:
    return DunningCampaign(
        key=row.id,
        id=strawberry.ID(str(row.id)),
        code=row.code,
        name=row.name,
        description=row.description,
        days_between_attempts=row.days_between_attempts,
        max_attempts=row.max_attempts,
        bcc_emails=row.bcc_emails,
        applied_to_organization=row.applied_to_organization,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def fetch_campaigns(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, DunningCampaign]:
    """Campaigns by id."""
    return {key: _campaign(row) for key, row in (await queries.campaign_rows(work.session, ids)).items()}


async def _fetch_counts(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, int]:
    return await queries.customer_counts(work.session, ids)


async def _fetch_thresholds(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[DunningCampaignThreshold]]:
    found = await queries.thresholds_of(work.session, ids)
    return {
        key: [
            DunningCampaignThreshold(
                id=strawberry.ID(str(row.id)), currency=row.currency, amount_cents=row.amount_cents
            )
            for row in rows
        ]
        for key, rows in found.items()
    }
