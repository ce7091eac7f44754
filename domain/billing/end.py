"""The hourly job that ends subscriptions whose end date is today."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from domain.billing.pages import pages
from domain.billing.terminate import terminate_active
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.instants import local_date
from domain.subscriptions.models import Subscription
from domain.subscriptions.queries import ZONE

__all__ = ["terminate_ended"]

CHUNK = 500


async def terminate_ended(work: UnitOfWork) -> int:
    """Ends active rows whose ending_at falls on the local today; returns how many."""
    now = clock.now()
    query = (
        select(Subscription, ZONE)
        .join(Customer, col(Customer.id) == col(Subscription.customer_id))
        .join(BillingEntity, col(BillingEntity.id) == col(Customer.billing_entity_id))
        .where(
            col(Subscription.status) == "active",
            col(Subscription.ending_at).between(now - timedelta(days=3), now + timedelta(days=3)),
        )
    )
    ended: list[Subscription] = []
    async for page in pages(work, query):
        for row, zone_name in page:
            zone = ZoneInfo(zone_name)
            if row.ending_at and local_date(row.ending_at, zone) == local_date(now, zone):
                ended.append(row)
        if len(ended) >= CHUNK:
            break
    del ended[CHUNK:]
    if ended:
        await terminate_active(work, ended, now)
    return len(ended)
