"""Billable metrics: types, inputs, queries, mutations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import strawberry
from strawberry import UNSET, Info

from domain.catalog import queries
from domain.catalog.billable_metrics import create_billable_metric, delete_billable_metric, update_billable_metric
from domain.catalog.metric_filters import filters_of_metrics
from domain.catalog.usage_counts import MetricUse, metric_uses
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.enums import AggregationTypeEnum, RoundingFunctionEnum, WeightedIntervalEnum
from graphql_api.catalog.organization import LazyOrganization, own_organization
from graphql_api.insight.logged import Logged
from graphql_api.loaders import load, load_one
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import CollectionMetadata, metadata_of, page_request
from graphql_api.scalars import ISO8601DateTime

__all__ = ["BillableMetric", "BillableMetricFilter", "MetricMutations", "MetricQueries", "fetch_metrics", "metric_type"]


@strawberry.type
class BillableMetricFilter:
    """A dimension: an event property and the values it may have, in ascending order."""

    id: strawberry.ID
    key: str
    values: list[str]


@strawberry.type
class BillableMetric(Logged):
    id: strawberry.ID
    name: str
    code: str
    description: str | None
    aggregation_type: AggregationTypeEnum
    field_name: str | None
    recurring: bool
    rounding_function: RoundingFunctionEnum | None
    rounding_precision: int | None
    weighted_interval: WeightedIntervalEnum | None
    expression: str | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime
    deleted_at: ISO8601DateTime | None

    @strawberry.field
    async def filters(self, info: Info) -> list[BillableMetricFilter] | None:
        return await load(info, "metric_filters", _fetch_filters, self._key) or []

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        return await own_organization(info)

    @strawberry.field
    async def has_plans(self, info: Info) -> bool:
        return (await self._use(info)).plans

    @strawberry.field
    async def has_subscriptions(self, info: Info) -> bool:
        return (await self._use(info)).subscriptions

    @strawberry.field
    async def has_active_subscriptions(self, info: Info) -> bool:
        return (await self._use(info)).active_subscriptions

    @strawberry.field
    async def has_draft_invoices(self, info: Info) -> bool:
        return (await self._use(info)).draft_invoices

    @property
    def _key(self) -> UUID:
        return UUID(str(self.id))

    async def _use(self, info: Info) -> MetricUse:
        return await load_one(info, "metric_uses", _fetch_uses, self._key)


@strawberry.type
class BillableMetricCollection:
    collection: list[BillableMetric]
    metadata: CollectionMetadata


@strawberry.type
class SelectableBillableMetric:
    """As much of a metric as a list to choose from shows."""

    id: strawberry.ID
    name: str
    code: str


@strawberry.type
class SelectableBillableMetricCollection:
    collection: list[SelectableBillableMetric]
    metadata: CollectionMetadata


@strawberry.type
class DestroyBillableMetricPayload:
    client_mutation_id: str | None
    id: strawberry.ID | None


@strawberry.input
class BillableMetricFiltersInput:
    key: str
    values: list[str]


@strawberry.input
class _MetricFields:
    client_mutation_id: str | None = UNSET
    name: str
    code: str
    description: str
    aggregation_type: AggregationTypeEnum
    field_name: str | None = UNSET
    recurring: bool | None = UNSET
    rounding_function: RoundingFunctionEnum | None = UNSET
    rounding_precision: int | None = UNSET
    weighted_interval: WeightedIntervalEnum | None = UNSET
    expression: str | None = UNSET
    filters: list[BillableMetricFiltersInput] | None = UNSET


@strawberry.input
class CreateBillableMetricInput(_MetricFields):
    pass


@strawberry.input
class UpdateBillableMetricInput(_MetricFields):
    id: str


@strawberry.input
class DestroyBillableMetricInput:
    client_mutation_id: str | None = UNSET
    id: str


def metric_type(row: Any) -> BillableMetric:
    """A metric from a row, or from the object just written."""
    return BillableMetric(
        id=row.id,
        name=row.name,
        code=row.code,
        description=row.description,
        aggregation_type=AggregationTypeEnum(row.aggregation_type),
        field_name=row.field_name,
        recurring=row.recurring,
        rounding_function=RoundingFunctionEnum(row.rounding_function) if row.rounding_function else None,
        rounding_precision=row.rounding_precision,
        weighted_interval=WeightedIntervalEnum(row.weighted_interval) if row.weighted_interval else None,
        expression=row.expression,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


async def fetch_metrics(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, BillableMetric]:
    """Metrics by id, deleted ones as well."""
    return {key: metric_type(row) for key, row in (await queries.metric_rows(work.session, ids)).items()}


async def _fetch_filters(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[BillableMetricFilter]]:
    filters = await filters_of_metrics(work.session, ids)
    return {
        metric_id: [BillableMetricFilter(id=row.id, key=row.key, values=sorted(row.values)) for row in rows]
        for metric_id, rows in filters.items()
    }


async def _fetch_uses(work: UnitOfWork, ids: list[UUID]) -> Mapping[UUID, MetricUse]:
    return await metric_uses(work.session, ids)


@strawberry.type
class MetricQueries:
    @strawberry.field
    @operation(permission="billable_metrics:view")
    async def billable_metric(self, info: Info, id: strawberry.ID) -> BillableMetric | None:
        async with read(info) as work:
            return metric_type(await queries.billable_metric_row(work.session, metric_id=parse_id(id)))

    @strawberry.field
    @operation(permission="billable_metrics:view")
    async def billable_metrics(
        self,
        info: Info,
        page: int | None = None,
        limit: int | None = None,
        search_term: str | None = None,
        recurring: bool | None = None,
        aggregation_types: list[AggregationTypeEnum] | None = None,
        plan_id: strawberry.ID | None = None,
    ) -> BillableMetricCollection:
        wanted = queries.MetricFilter(
            search_term=search_term,
            recurring=recurring,
            aggregation_types=[one.value for one in aggregation_types or ()],
            plan_id=parse_id(plan_id),
        )
        async with read(info) as work:
            found = await queries.billable_metrics_page(work.session, page_request(page, limit), wanted)
        return BillableMetricCollection(
            collection=[metric_type(row) for row in found.rows], metadata=metadata_of(found)
        )

    @strawberry.field
    @operation(permission="billable_metrics:view")
    async def selectable_billable_metrics(
        self, info: Info, page: int | None = None, limit: int | None = None, search_term: str | None = None
    ) -> SelectableBillableMetricCollection:
        wanted = queries.MetricFilter(search_term=search_term)
        async with read(info) as work:
            found = await queries.billable_metrics_page(work.session, page_request(page, limit), wanted)
        return SelectableBillableMetricCollection(
            collection=[SelectableBillableMetric(id=row.id, name=row.name, code=row.code) for row in found.rows],
            metadata=metadata_of(found),
        )


@strawberry.type
class MetricMutations:
    @strawberry.mutation
    @operation(permission="billable_metrics:create")
    async def create_billable_metric(self, info: Info, input: CreateBillableMetricInput) -> BillableMetric | None:
        async with command(info) as work:
            return metric_type(await create_billable_metric(work, to_params(input)))

    @strawberry.mutation
    @operation(permission="billable_metrics:update")
    async def update_billable_metric(self, info: Info, input: UpdateBillableMetricInput) -> BillableMetric | None:
        params = to_params(input)
        metric_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return metric_type(await update_billable_metric(work, params, metric_id=metric_id))

    @strawberry.mutation
    @operation(permission="billable_metrics:delete")
    async def destroy_billable_metric(
        self, info: Info, input: DestroyBillableMetricInput
    ) -> DestroyBillableMetricPayload | None:
        async with command(info) as work:
            metric = await delete_billable_metric(work, metric_id=parse_id(input.id))
        return DestroyBillableMetricPayload(
            client_mutation_id=input.client_mutation_id or None, id=strawberry.ID(str(metric.id))
        )
