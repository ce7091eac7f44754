"""Jobs that tell payment providers of organizations and their customers."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from domain.billing.provider_news import tell_checkout_url, tell_customer_error, tell_provider_error
from domain.customers.provider_terms import SET_UP_NOWHERE
from domain.payments.methods import learn_method
from domain.payments.providers.connections import connection_of, provider_rows
from domain.payments.providers.customers import note_remote_customer
from domain.payments.providers.gateway import GatewayBusy, GatewayRefused
from domain.payments.providers.gateways import gateway_of
from domain.payments.providers.payer import told
from domain.payments.providers.providers import note_secrets
from domain.payments.stripe.endpoint import inbound_url
from domain.payments.stripe.gateway import StripeGateway
from tasks.jobs import external_job
from tasks.lease import Lease
from tasks.retries import RetryRule, polynomial

__all__ = ["CREATE_CUSTOMER", "LEARN_METHOD", "REGISTER", "UNREGISTER", "UPDATE_CUSTOMER"]

REGISTER: Final = "providers.register_endpoint"
UNREGISTER: Final = "providers.remove_endpoint"
CREATE_CUSTOMER: Final = "providers.create_customer"
UPDATE_CUSTOMER: Final = "providers.update_customer"
LEARN_METHOD: Final = "providers.learn_method"
_RETRIES: Final[tuple[RetryRule, ...]] = (polynomial(6, GatewayBusy),)


@external_job(REGISTER, queue="providers", retries=_RETRIES)
async def register_endpoint(lease: Lease, provider_id: str) -> None:
    """Has Stripe send its events to this installation, under the connection's present code."""
    async with lease.work() as work:
        row = (await provider_rows(work.session, [UUID(provider_id)])).get(UUID(provider_id))
    if row is None or row.deleted_at is not None:
        return
    connection = connection_of(row)
    gateway = StripeGateway(connection)
    before = connection.settings.get("webhook_id")
    try:
        endpoint_id, secret = await gateway.register_endpoint(
            inbound_url(connection), f"endpoint-{connection.id}-{int(row.updated_at.timestamp() * 1000)}"
        )
        if before:
            await gateway.remove_endpoint(before)
    except GatewayRefused as error:
        async with lease.settle() as work:
            await tell_provider_error(work, connection, "payment_provider.register_webhook", error)
        return
    async with lease.settle() as work:
        await note_secrets(work, connection.id, {"webhook_secret": secret}, {"webhook_id": endpoint_id})


@external_job(UNREGISTER, queue="providers", retries=_RETRIES)
async def remove_endpoint(lease: Lease, provider_id: str) -> None:
    """Has Stripe send no more events for a connection that was removed."""
    async with lease.work() as work:
        row = (await provider_rows(work.session, [UUID(provider_id)])).get(UUID(provider_id))
    endpoint_id = None if row is None else row.settings.get("webhook_id")
    if row is None or not endpoint_id:
        return
    connection = connection_of(row)
    try:
        await StripeGateway(connection).remove_endpoint(endpoint_id)
    except GatewayRefused as error:
        async with lease.settle() as work:
            await tell_provider_error(work, connection, "payment_provider.remove_webhook", error)


@external_job(CREATE_CUSTOMER, queue="providers", retries=_RETRIES)
async def create_customer(lease: Lease, provider_customer_id: str) -> None:
    """Makes a customer known to its provider, then a page where it leaves a card or mandate."""
    async with lease.work() as work:
        known = await told(work, UUID(provider_customer_id))
    if known is None:
        return
    gateway = gateway_of(known.connection)
    try:
        if known.holder.provider_customer_id is None:
            remote = await gateway.create_customer(known.payer)
            async with lease.work() as work:
                await note_remote_customer(work, known.holder.id, remote)
                known = await told(work, known.holder.id)
        if known is None or set(known.holder.provider_payment_methods) <= set(SET_UP_NOWHERE):
            return
        url = await gateway.checkout_page(known.checkout())
    except GatewayRefused as error:
        assert known is not None, "the provider was asked about a customer"
        async with lease.settle() as work:
            await tell_customer_error(work, known, error)
        return
    async with lease.settle() as work:
        await tell_checkout_url(work, known, url)


@external_job(UPDATE_CUSTOMER, queue="providers", retries=_RETRIES)
async def update_customer(lease: Lease, provider_customer_id: str) -> None:
    """Tells the provider of a customer that changed."""
    async with lease.work() as work:
        known = await told(work, UUID(provider_customer_id))
    if known is None or known.holder.provider_customer_id is None:
        return
    try:
        await gateway_of(known.connection).update_customer(known.payer)
    except GatewayRefused as error:
        async with lease.settle() as work:
            await tell_customer_error(work, known, error)


@external_job(LEARN_METHOD, queue="default", retries=_RETRIES)
async def learn_default_method(lease: Lease, provider_customer_id: str) -> None:
    """What a customer whose name was given pays with at the provider becomes its default."""
    async with lease.work() as work:
        known = await told(work, UUID(provider_customer_id))
    if known is None or known.holder.provider_customer_id is None:
        return
    try:
        method = await gateway_of(known.connection).default_method(known.holder.provider_customer_id)
    except GatewayRefused as error:
        async with lease.settle() as work:
            await tell_customer_error(work, known, error)
        return
    if method is not None:
        async with lease.settle() as work:
            await learn_method(work, known.holder, method)
