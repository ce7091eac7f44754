"""The statement that writes the activity log: who an object belongs to is looked up while it is written.

One INSERT for all kinds of objects of a command; its text holds the look-ups of these kinds only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

import sqlalchemy as sa

from domain.insight.activity_types import KINDS

__all__ = ["insert_of"]


def _simple(table: str, customer: str = "o.customer_id", subscription: str = "NULL", resource: str = "o.id") -> str:
    return f"{resource} AS resource_id, {customer} AS customer_id, {subscription} AS subscription FROM {table} o"


# By kind: the type of resource that is shown, and its row. A payment is told of what it paid, a transaction of its
# wallet, an applied coupon of its coupon. Of payments only those by hand are told.
_OWNERS: Final[Mapping[str, tuple[str, str]]] = {
    "applied_coupon": ("'coupon'", _simple("applied_coupons", resource="o.coupon_id")),
    "billable_metric": ("'billable_metric'", _simple("billable_metrics", "NULL::uuid")),
    "billing_entities": ("'billing_entity'", _simple("billing_entities", "NULL::uuid")),
    "coupon": ("'coupon'", _simple("coupons", "NULL::uuid")),
    "credit_note": ("'credit_note'", _simple("credit_notes")),
    "customer": ("'customer'", _simple("customers", "o.id")),
    "feature": ("'feature'", _simple("features", "NULL::uuid")),
    "invoice": ("'invoice'", _simple("invoices")),
    "payment": (
        "CASE WHEN o.invoice_id IS NULL THEN 'payment_request' ELSE 'invoice' END",
        _simple(
            "(SELECT * FROM payments WHERE payment_type = 'manual')",
            resource="coalesce(o.invoice_id, o.payment_request_id)",
        ),
    ),
    "payment_receipt": ("'payment_receipt'", _simple("payment_receipts")),
    "payment_request": ("'payment_request'", _simple("payment_requests")),
    "plan": ("'plan'", _simple("plans", "NULL::uuid")),
    "subscription": ("'subscription'", _simple("subscriptions", subscription="o.external_id")),
    "wallet": ("'wallet'", _simple("wallets")),
    "wallet_transaction": (
        "'wallet'",
        _simple(
            "(SELECT t.id, t.wallet_id, w.customer_id FROM wallet_transactions t JOIN wallets w ON w.id = t.wallet_id)",
            resource="o.wallet_id",
        ),
    ),
}
assert set(_OWNERS) == set(KINDS)

_INSERT: Final = """
    INSERT INTO activity_logs (id, organization_id, activity_type, activity_source, user_id, api_key_id, resource_type,
                               resource_id, external_customer_id, external_subscription_id, activity_object,
                               activity_object_changes, logged_at, created_at, updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.activity_type, :source, CAST(:user_id AS uuid),
           CAST(:api_key_id AS uuid), owner.resource_type, owner.resource_id, c.external_id, owner.subscription,
           row.content, row.changes, CAST(:logged_at AS timestamptz), CAST(:now AS timestamptz),
           CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json))
         AS row(id uuid, activity_type text, kind text, object_id uuid, content jsonb, changes jsonb)
    CROSS JOIN LATERAL ({owners}) owner
    LEFT JOIN customers c ON c.id = owner.customer_id
"""


def insert_of(kinds: Collection[str]) -> sa.TextClause:
    """For rows of these kinds, as JSON :rows. Objects that are not there are passed over."""
    return _insert(tuple(sorted(set(kinds))))


@lru_cache(maxsize=256)
def _insert(kinds: tuple[str, ...]) -> sa.TextClause:
    owners = " UNION ALL ".join(
        f"SELECT {resource_type} AS resource_type, {columns} WHERE row.kind = '{kind}' AND o.id = row.object_id"
        for kind in kinds
        for resource_type, columns in (_OWNERS[kind],)
    )
    return sa.text(_INSERT.replace("{owners}", owners))
