"""Writing the activity log, in the transaction of the command that did it. Source: handbook, platform 15.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.insight.activity_types import LOGGED, resource_of
from domain.insight.models import ActivityLog
from domain.kernel import clock
from domain.kernel.authors import SYSTEM
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.messaging.announce import ANNOUNCEMENTS
from infrastructure import exact_json

__all__ = ["KEPT", "clean_activity_logs", "log_activities"]

KEPT: Final = timedelta(days=30)
MOST_OBJECTS: Final = 5
"""Objects are kept of commands about so many at most; a run over many names them only."""
MOST_FEES, MOST_CHARGES, MOST_FILTERS = 25, 50, 100

_logs = table(ActivityLog)

_INSERT: Final = sa.text(
    """
    INSERT INTO activity_logs (id, organization_id, activity_type, activity_source, user_id, api_key_id, resource_type,
                               resource_id, external_customer_id, external_subscription_id, activity_object, logged_at,
                               created_at, updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.activity_type, :source, CAST(:user_id AS uuid),
           CAST(:api_key_id AS uuid), row.resource_type, owner.resource_id,
           (SELECT c.external_id FROM customers c WHERE c.id = owner.customer_id), owner.external_subscription_id,
           row.content, CAST(:logged_at AS timestamptz), CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(
        id uuid, activity_type text, resource_type text, transaction boolean, object_id uuid, content jsonb)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN row.transaction
                    THEN (SELECT t.wallet_id FROM wallet_transactions t WHERE t.id = row.object_id)
                    ELSE row.object_id END AS resource_id,
               CASE row.resource_type
                    WHEN 'customer' THEN row.object_id
                    WHEN 'invoice' THEN (SELECT i.customer_id FROM invoices i WHERE i.id = row.object_id)
                    WHEN 'credit_note' THEN (SELECT n.customer_id FROM credit_notes n WHERE n.id = row.object_id)
                    WHEN 'subscription' THEN (SELECT s.customer_id FROM subscriptions s WHERE s.id = row.object_id)
                    WHEN 'payment_receipt' THEN (
                        SELECT p.customer_id FROM payment_receipts p WHERE p.id = row.object_id)
                    WHEN 'payment_request' THEN (
                        SELECT p.customer_id FROM payment_requests p WHERE p.id = row.object_id)
                    WHEN 'wallet' THEN (
                        SELECT w.customer_id FROM wallets w WHERE w.id = CASE WHEN row.transaction THEN (
                            SELECT t.wallet_id FROM wallet_transactions t WHERE t.id = row.object_id
                        ) ELSE row.object_id END)
               END AS customer_id,
               CASE WHEN row.resource_type = 'subscription'
                    THEN (SELECT s.external_id FROM subscriptions s WHERE s.id = row.object_id)
               END AS external_subscription_id
    ) owner
    WHERE owner.resource_id IS NOT NULL
    """
)


async def log_activities(work: UnitOfWork, happened: Mapping[str, Sequence[UUID]]) -> None:
    """Logs what happened to which objects, by type of activity. One statement, whatever their number.

    Where a client did it, to a few objects, the log keeps them as they are now, read in a few statements more.
    """
    assert LOGGED.issuperset(happened), "only known types of activity"
    rows: list[dict[str, Any]] = []
    for activity_type, ids in happened.items():
        contents: Mapping[UUID, Mapping[str, Any]] = {}
        if work.author is not SYSTEM and len(ids) <= MOST_OBJECTS and activity_type in ANNOUNCEMENTS:
            contents = await ANNOUNCEMENTS[activity_type].load(work, ids)
        rows += [
            {
                "id": new_id(),
                "activity_type": activity_type,
                "resource_type": resource_of(activity_type),
                "transaction": activity_type.startswith("wallet_transaction."),
                "object_id": each,
                "content": _within_limits(contents[each]) if each in contents else None,
            }
            for each in ids
        ]
    if not rows:
        return
    now = clock.now()
    values = {
        "organization_id": work.organization_id,
        "source": work.author.source,
        "user_id": work.author.user_id,
        "api_key_id": work.author.api_key_id,
        "rows": exact_json.dump_text(rows),
        "logged_at": now.replace(microsecond=0),
        "now": now,
    }
    await work.session.execute(_INSERT, values)


async def clean_activity_logs(work: UnitOfWork) -> int:
    """Removes what is too old to be shown; how many."""
    oldest = clock.now() - KEPT
    removed = await work.session.scalars(
        sa.delete(_logs)
        .where(_logs.c.organization_id == work.organization_id, _logs.c.logged_at < oldest)
        .returning(_logs.c.id)
    )
    return len(removed.all())


def _within_limits(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the fees of a long invoice and the charges of a large plan."""
    charges = content.get("charges") or ()
    filters = sum(len(each.get("filters") or ()) for each in charges)
    left_out = set()
    if len(content.get("fees") or ()) > MOST_FEES:
        left_out.add("fees")
    if len(charges) > MOST_CHARGES or filters > MOST_FILTERS:
        left_out.add("charges")
    return {name: value for name, value in content.items() if name not in left_out}
