"""Queries and mutations of features."""

from __future__ import annotations

import strawberry
from strawberry import UNSET, Info

from domain.catalog.entitlements.features import create_feature, delete_feature, update_feature
from domain.catalog.entitlements.queries import feature_row, features_page
from domain.kernel.ids import parse_id
from graphql_api.catalog.entitlement_types import (
    FeatureObject,
    FeatureObjectCollection,
    UpdatePrivilegeInput,
    feature_type,
)
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import metadata_of, page_request

__all__ = ["FeatureMutations", "FeatureQueries"]


@strawberry.input
class CreateFeatureInput:
    client_mutation_id: str | None = UNSET
    code: str
    name: str | None = UNSET
    description: str | None = UNSET
    privileges: list[UpdatePrivilegeInput]


@strawberry.input
class UpdateFeatureInput:
    """`privileges` is the full list."""

    client_mutation_id: str | None = UNSET
    id: strawberry.ID
    name: str | None = UNSET
    description: str | None = UNSET
    privileges: list[UpdatePrivilegeInput]


@strawberry.input
class DestroyFeatureInput:
    client_mutation_id: str | None = UNSET
    id: strawberry.ID


@strawberry.type
class FeatureQueries:
    @strawberry.field
    @operation(permission="features:view")
    async def feature(self, info: Info, id: strawberry.ID | None = None, code: str | None = None) -> FeatureObject:
        """By id, else by code."""
        async with read(info) as work:
            row = await feature_row(work.session, feature_id=parse_id(id), code=code if id is None else None)
            return feature_type(row)

    @strawberry.field
    @operation(permission="features:view")
    async def features(
        self, info: Info, page: int | None = None, limit: int | None = None, search_term: str | None = None
    ) -> FeatureObjectCollection:
        async with read(info) as work:
            found = await features_page(work.session, page_request(page, limit), search_term=search_term)
        collection = [feature_type(row) for row in found.rows]
        return FeatureObjectCollection(collection=collection, metadata=metadata_of(found))


@strawberry.type
class FeatureMutations:
    @strawberry.mutation
    @operation(permission="features:create")
    async def create_feature(self, info: Info, input: CreateFeatureInput) -> FeatureObject | None:
        async with command(info) as work:
            return feature_type(await create_feature(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="features:update")
    async def update_feature(self, info: Info, input: UpdateFeatureInput) -> FeatureObject | None:
        params = to_params(input)
        feature_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return feature_type(await update_feature(work, params, feature_id=feature_id, full=True))

    @strawberry.mutation
    @operation(permission="features:delete")
    async def destroy_feature(self, info: Info, input: DestroyFeatureInput) -> FeatureObject | None:
        async with command(info) as work:
            return feature_type(await delete_feature(work, feature_id=parse_id(input.id)))
