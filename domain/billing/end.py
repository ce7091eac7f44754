"""The hourly job that ends subscriptions whose end date is today."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import col, select

from domain.billing.terminate import terminate_active
from domain.customers.models import Customer
from domain.identity.models import BillingEntity
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions.instants import local_date
from domain.subscriptions.models import Subscription

__all__ = ["terminate_ended"]

CHUNK = 500


async def terminate_ended(work: UnitOfWork) -> int:
    """Ends active rows whose ending_at falls on the local today; returns how many."""
    now = clock.now()
    zone = sa.func.coalesce(col(Customer.timezone), col(BillingEntity.timezone), "UTC")
    query = (
        select(Subscription, zone)
        .join(Customer, col(Customer.id) == col(Subscription.customer_id))
        .join(BillingEntity, col(BillingEntity.id) == col(Customer.billing_entity_id))
        .where(
            col(Subscription.status) == "active",
            col(Subscription.ending_at).between(now - timedelta(days=3), now + timedelta(days=3)),
        )
        .order_by(col(Subscription.id))
        .limit(CHUNK)
        .with_for_update(of=Subscription, skip_locked=True)
    )
    ended: list[Subscription] = []
    after = None
    while len(ended) < CHUNK:
        # A page may hold none whose local day has come: the next one may.
        following = query if after is None else query.where(col(Subscription.id) > after)
        page = list(await work.session.execute(following))
        for row, zone_name in page:
            zone_of_row = ZoneInfo(zone_name)
            if row.ending_at and local_date(row.ending_at, zone_of_row) == local_date(now, zone_of_row):
                ended.append(row)
        if len(page) < CHUNK:
            break
        after = page[-1][0].id
    del ended[CHUNK:]
    if ended:
        await terminate_active(work, ended, now)
    return len(ended)
