"""Noting whose usage has changed, for the next refresh of ongoing balances. Source: handbook, jobs 6."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["REFRESH", "REFRESHED_AT_A_TIME", "flag_customers", "flag_usage", "refresh_flagged"]

REFRESH: Final = "wallets.refresh"
REFRESHED_AT_A_TIME: Final = 500

_FLAG: Final = """
    INSERT INTO wallet_refreshes (id, organization_id, customer_id, created_at, updated_at)
    SELECT gen_random_uuid(), w.organization_id, w.customer_id, :now, :now
    FROM (SELECT DISTINCT organization_id, customer_id FROM wallets WHERE status = 'active' AND {which}) w
    WHERE NOT :once OR NOT EXISTS (SELECT FROM wallet_refreshes r WHERE r.customer_id = w.customer_id)
"""
_CUSTOMERS: Final = sa.text(_FLAG.format(which="customer_id = ANY(:customer_ids)"))
_USAGE: Final = sa.text(
    _FLAG.format(
        which="""customer_id IN (
            SELECT s.customer_id FROM subscriptions s
            WHERE s.organization_id = :organization_id AND s.external_id = ANY(:external_ids))"""
    )
)
_TAKE: Final = sa.text("DELETE FROM wallet_refreshes RETURNING customer_id")


async def flag_customers(work: UnitOfWork, customer_ids: Collection[UUID]) -> None:
    """The wallets of these customers are to be looked at again, for what this transaction changes. One statement."""
    if customer_ids:
        await work.session.execute(
            _CUSTOMERS, {"customer_ids": sorted(customer_ids), "now": clock.now(), "once": False}
        )


async def flag_usage(work: UnitOfWork, external_ids: Collection[str]) -> None:
    """As `flag_customers`, for subscriptions (external ids) that got events, which are committed already: a customer
    that is flagged is not flagged again. One statement."""
    if external_ids:
        await work.session.execute(
            _USAGE,
            {
                "external_ids": sorted(external_ids),
                "organization_id": work.organization_id,
                "now": clock.now(),
                "once": True,
            },
        )


async def refresh_flagged(work: UnitOfWork) -> int:
    """Hands the customers that are flagged to jobs "wallets.refresh" {"customer_ids"}; how many.

    A flag that is set while such a job waits or runs is there for the next call.
    """
    found = await work.session.scalars(_TAKE)
    ids = sorted(set(found))
    for start in range(0, len(ids), REFRESHED_AT_A_TIME):
        work.enqueue(JobRequest(REFRESH, {"customer_ids": ids[start : start + REFRESHED_AT_A_TIME]}))
    return len(ids)
