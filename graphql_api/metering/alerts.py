"""Reading and changing usage alerts."""

from __future__ import annotations

from uuid import UUID

import strawberry
from strawberry import Info

from domain.credits.wallets.events import WalletAlertsSet
from domain.credits.wallets.queries import wallet_row
from domain.kernel.errors import NotFound
from domain.kernel.ids import parse_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering import models
from domain.metering.activities import note_use
from domain.metering.alert_queries import Watched, alert_of, alerts_page
from domain.metering.alerts import create_alerts, destroy_alerts, update_alert
from domain.subscriptions import queries
from graphql_api.metering.alert_types import Alert, AlertCollection, AlertTypeEnum, alert_type
from graphql_api.operations import command, operation, read, to_params
from graphql_api.pagination import metadata_of, page_request

__all__ = ["AlertMutations", "AlertQueries"]


@strawberry.input
class ThresholdInput:
    code: str | None = strawberry.UNSET
    recurring: bool | None = strawberry.UNSET
    value: str


@strawberry.input
class CreateSubscriptionAlertInput:
    client_mutation_id: str | None = strawberry.UNSET
    alert_type: AlertTypeEnum
    billable_metric_id: strawberry.ID | None = strawberry.UNSET
    code: str
    name: str | None = strawberry.UNSET
    subscription_id: strawberry.ID
    thresholds: list[ThresholdInput]
    wallet_id: strawberry.ID | None = strawberry.UNSET


@strawberry.input
class CreateCustomerWalletAlertInput:
    client_mutation_id: str | None = strawberry.UNSET
    alert_type: AlertTypeEnum
    billable_metric_id: strawberry.ID | None = strawberry.UNSET
    code: str
    name: str | None = strawberry.UNSET
    subscription_id: strawberry.ID | None = strawberry.UNSET
    thresholds: list[ThresholdInput]
    wallet_id: strawberry.ID


@strawberry.input
class UpdateSubscriptionAlertInput:
    client_mutation_id: str | None = strawberry.UNSET
    billable_metric_id: strawberry.ID | None = strawberry.UNSET
    code: str | None = strawberry.UNSET
    id: strawberry.ID
    name: str | None = strawberry.UNSET
    thresholds: list[ThresholdInput] | None = strawberry.UNSET


@strawberry.input
class UpdateCustomerWalletAlertInput(UpdateSubscriptionAlertInput):
    pass


@strawberry.input
class DestroySubscriptionAlertInput:
    client_mutation_id: str | None = strawberry.UNSET
    id: strawberry.ID


@strawberry.input
class DestroyCustomerWalletAlertInput(DestroySubscriptionAlertInput):
    pass


async def _alert(info: Info, id: str, *, of_wallet: bool | None = None) -> Alert:
    async with read(info) as work:
        return alert_type(await _found(work, id, of_wallet=of_wallet))


async def _found(
    work: UnitOfWork, id: object, *, of_wallet: bool | None = None, locked: bool = False
) -> models.UsageAlert:
    """An alert by its id; of_wallet: on a wallet, or on a subscription, None for either. Raises NotFound."""
    row = await alert_of(work.session, alert_id=parse_id(id), locked=locked)
    if of_wallet is not None and (row.wallet_id is not None) is not of_wallet:
        raise NotFound("alert")
    return row


async def _page(info: Info, watched: Watched, page: int | None, limit: int | None) -> AlertCollection:
    async with read(info) as work:
        found = await alerts_page(work.session, watched, page_request(page, limit))
        return AlertCollection(collection=[alert_type(row) for row in found.rows], metadata=metadata_of(found))


async def _set(work: UnitOfWork, row: models.UsageAlert) -> Alert:
    """What follows an alert that was set or changed."""
    if row.wallet_id is not None:
        work.record(WalletAlertsSet((row.wallet_id,)))
    elif row.subscription_external_id is not None:
        await note_use(work, [row.subscription_external_id])
    return alert_type(row)


async def _update(info: Info, input: UpdateSubscriptionAlertInput, *, of_wallet: bool) -> Alert:
    async with command(info) as work:
        row = await _found(work, input.id, of_wallet=of_wallet, locked=True)
        return await _set(work, await update_alert(work, row, to_params(input)))


async def _destroy(info: Info, id: str, *, of_wallet: bool) -> Alert:
    async with command(info) as work:
        row = await _found(work, id, of_wallet=of_wallet, locked=True)
        await destroy_alerts(work, [row])
        await work.session.refresh(row)
        return alert_type(row)


@strawberry.type
class AlertQueries:
    @strawberry.field
    @operation(permission="subscriptions:view")
    async def alert(self, info: Info, id: strawberry.ID) -> Alert | None:
        return await _alert(info, id)

    @strawberry.field
    @operation(permission="subscriptions:view")
    async def subscription_alert(self, info: Info, id: strawberry.ID) -> Alert | None:
        return await _alert(info, id, of_wallet=False)

    @strawberry.field
    @operation(permission="wallets:update")
    async def wallet_alert(self, info: Info, id: strawberry.ID) -> Alert | None:
        return await _alert(info, id, of_wallet=True)

    @strawberry.field
    @operation(permission="subscriptions:view")
    async def alerts(
        self, info: Info, subscription_external_id: str, page: int | None = None, limit: int | None = None
    ) -> AlertCollection:
        return await _page(info, Watched(subscription_external_id), page, limit)

    @strawberry.field
    @operation(permission="subscriptions:view")
    async def subscription_alerts(
        self, info: Info, subscription_external_id: str, page: int | None = None, limit: int | None = None
    ) -> AlertCollection:
        return await _page(info, Watched(subscription_external_id), page, limit)

    @strawberry.field
    @operation(permission="wallets:update")
    async def wallet_alerts(
        self, info: Info, wallet_id: str, page: int | None = None, limit: int | None = None
    ) -> AlertCollection:
        # What is no id names no wallet, and has no alerts.
        return await _page(info, Watched(wallet_id=parse_id(wallet_id) or UUID(int=0)), page, limit)


@strawberry.type
class AlertMutations:
    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def create_subscription_alert(self, info: Info, input: CreateSubscriptionAlertInput) -> Alert | None:
        async with command(info) as work:
            identifier = parse_id(input.subscription_id)
            rows = await queries.rows_by_ids(work.session, [identifier] if identifier else [])
            if not rows:
                raise NotFound("subscription")
            (made,) = await create_alerts(work, Watched(rows[0].external_id), [to_params(input)])
            return await _set(work, made)

    @strawberry.mutation
    @operation(permission="wallets:update")
    async def create_customer_wallet_alert(self, info: Info, input: CreateCustomerWalletAlertInput) -> Alert | None:
        async with command(info) as work:
            wallet = await wallet_row(work.session, parse_id(input.wallet_id))
            (made,) = await create_alerts(work, Watched(wallet_id=wallet.id), [to_params(input)])
            return await _set(work, made)

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def update_subscription_alert(self, info: Info, input: UpdateSubscriptionAlertInput) -> Alert | None:
        return await _update(info, input, of_wallet=False)

    @strawberry.mutation
    @operation(permission="wallets:update")
    async def update_customer_wallet_alert(self, info: Info, input: UpdateCustomerWalletAlertInput) -> Alert | None:
        return await _update(info, input, of_wallet=True)

    @strawberry.mutation
    @operation(permission="subscriptions:update")
    async def destroy_subscription_alert(self, info: Info, input: DestroySubscriptionAlertInput) -> Alert | None:
        return await _destroy(info, input.id, of_wallet=False)

    @strawberry.mutation
    @operation(permission="wallets:update")
    async def destroy_customer_wallet_alert(self, info: Info, input: DestroyCustomerWalletAlertInput) -> Alert | None:
        return await _destroy(info, input.id, of_wallet=True)
