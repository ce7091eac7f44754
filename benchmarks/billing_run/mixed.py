"""Subscriptions to all kinds of plans, with a past that Tarn itself has billed.

Subscribers are dealt out to the plans in turn and live in four time zones. What is paid in advance was billed when it
began, ended trials when they ended, and on the 15th those of one plan were upgraded to another, with an invoice that
closes the old period. On the first of April every one of them is due: weeks, months, quarters, months of years.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.billing_run.mixed_plans import CODES_BY_PLAN, NUMBERS, PREDECESSOR, UPGRADED, create_catalog
from benchmarks.billing_run.seed import ORGANIZATION, seed_organization
from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.billing.units import FIRST_UNITS_AFTER, record_first_units
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work

__all__ = ["AGGREGATES", "seed_mixed"]

CHUNK = 500
STARTED, TRIAL_STARTED = "2024-03-01T00:00:00Z", "2024-03-20T00:00:00Z"
UPGRADED_AT, TRIAL_ENDED = "2024-03-15T10:00:00Z", "2024-03-21T00:30:00Z"

_SUBSCRIBERS = """
    INSERT INTO subscriptions (id, organization_id, customer_id, plan_id, external_id, status, billing_time,
        subscription_at, started_at, activated_at, on_termination_invoice, consolidate_invoice, payment_method_type,
        progressive_billing_disabled, skip_invoice_custom_sections, created_at, updated_at)
    SELECT uuidv7(), %(org)s, c.id, p.id, 'sub-' || c.sequential_id, 'active', 'calendar', at.began, at.began, at.began,
           'generate', true, 'provider', false, false, at.began, at.began
    FROM customers c
    CROSS JOIN LATERAL (
        SELECT %(plans)s::text[] AS plans, c.sequential_id %% cardinality(%(plans)s::text[]) + 1 AS place) deal
    CROSS JOIN LATERAL (SELECT CASE plans[place] WHEN %(upgraded)s THEN %(predecessor)s ELSE plans[place] END AS code) d
    JOIN plans p ON p.organization_id = %(org)s AND p.code = d.code
    -- Half of those with a trial are in it when the run comes.
    CROSS JOIN LATERAL (SELECT CAST(CASE WHEN p.trial_period > 0 AND c.sequential_id / cardinality(plans) %% 2 = 0
                                         THEN %(trial_started)s ELSE %(started)s END AS timestamptz) AS began) at
    WHERE c.organization_id = %(org)s
"""
_ZONES = """
    UPDATE customers SET timezone = (ARRAY[NULL, 'Europe/Paris', 'Asia/Tokyo', 'Asia/Kolkata'])[1 + sequential_id %% 4]
    WHERE organization_id = %(org)s
"""
# Each subscriber sends the codes of its plan in turns; a weekly one in the last week, which is the one that is billed.
_EVENTS = """
    INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties, value,
                        precise_total_amount_cents, event_metadata, created_at, timestamp)
    SELECT uuidv7(), %(org)s, 'sub-' || s, 'tx-' || n, e.code,
           jsonb_build_object('units', e.amount::text, 'region', (ARRAY['eu', 'us', 'asia'])[1 + k %% 3],
                              'model', (ARRAY['small', 'large'])[1 + k / 3 %% 2], 'project', 'p' || k %% 2,
                              'item', 'seat-' || k %% 7),
           CASE WHEN e.code = ANY(%(numbers)s) THEN e.amount END,
           CASE WHEN e.code = 'resale' THEN e.amount * 0.37 END, '{}', e.at, e.at
    FROM generate_series(1::bigint, %(events)s) n
    CROSS JOIN LATERAL (SELECT n %% %(subscriptions)s + 1 AS s, n / %(subscriptions)s AS k) i
    CROSS JOIN LATERAL (SELECT (%(plans)s::text[])[s %% cardinality(%(plans)s::text[]) + 1] AS plan) p
    CROSS JOIN LATERAL (SELECT %(codes)s::jsonb -> p.plan AS codes) c
    CROSS JOIN LATERAL (SELECT
        c.codes ->> (k %% jsonb_array_length(c.codes))::integer AS code,
        (n * 7919 %% 2011)::numeric AS amount,
        CASE WHEN p.plan = 'weekly' THEN timestamptz '2024-03-26T00:00:00Z' + (n * 7907 %% 400000) * interval '1 s'
             ELSE CAST(%(started)s AS timestamptz) + (n * 7907 %% 2550000) * interval '1 s' END AS at) e
"""
_UPGRADE = """
    WITH ended AS (
        UPDATE subscriptions s SET status = 'terminated', terminated_at = %(at)s, updated_at = %(at)s
        FROM customers c
        WHERE s.organization_id = %(org)s AND c.id = s.customer_id
          AND (%(plans)s::text[])[c.sequential_id %% cardinality(%(plans)s::text[]) + 1] = %(upgraded)s
        RETURNING s.*
    )
    INSERT INTO subscriptions (id, organization_id, customer_id, plan_id, external_id, previous_subscription_id, status,
        billing_time, subscription_at, started_at, activated_at, on_termination_invoice, consolidate_invoice,
        payment_method_type,
        progressive_billing_disabled, skip_invoice_custom_sections, created_at, updated_at)
    SELECT uuidv7(), %(org)s, e.customer_id, p.id, e.external_id, e.id, 'active', e.billing_time, e.subscription_at,
           %(at)s, %(at)s, 'generate', true, 'provider', false, false, %(at)s, %(at)s
    FROM ended e JOIN plans p ON p.organization_id = %(org)s AND p.code = %(upgraded)s
    RETURNING id, previous_subscription_id
"""
_TRIALS = """
    UPDATE subscriptions s SET trial_ended_at = s.started_at + p.trial_period * interval '1 day'
    FROM plans p WHERE p.id = s.plan_id AND p.trial_period > 0 AND s.started_at = %(started)s
    RETURNING s.id
"""
_MONTH = (
    " FROM events WHERE organization_id = %(org)s AND timestamp >= '2024-03-01' AND timestamp < '2024-04-01'"
    " AND deleted_at IS NULL AND code = ANY(%(codes)s)"
)
AGGREGATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (f"SELECT external_subscription_id, count(*) {_MONTH} GROUP BY 1", ("requests",)),
    (
        "SELECT external_subscription_id, properties ->> 'region', properties ->> 'model', properties ->> 'project',"
        f" sum(value), count(value) {_MONTH} GROUP BY 1, 2, 3, 4",
        ("tokens",),
    ),
    (
        f"SELECT external_subscription_id, sum(value), array_agg(value ORDER BY timestamp) {_MONTH} GROUP BY 1",
        ("spend",),
    ),
    (
        f"SELECT external_subscription_id, sum(value), sum(precise_total_amount_cents) {_MONTH} GROUP BY 1",
        ("resale",),
    ),
    (f"SELECT external_subscription_id, max(value), count(value) {_MONTH} GROUP BY 1", ("peak",)),
    (
        "SELECT DISTINCT ON (external_subscription_id) external_subscription_id, value"
        f" {_MONTH} ORDER BY external_subscription_id, timestamp DESC",
        ("level",),
    ),
    (
        "SELECT external_subscription_id, sum(value * extract(epoch FROM timestamptz '2024-04-01' - timestamp)),"
        f" count(*) {_MONTH} GROUP BY 1",
        ("storage",),
    ),
    (
        "SELECT external_subscription_id, sum(value), array_agg(value ORDER BY timestamp),"
        f" array_agg(timestamp ORDER BY timestamp) {_MONTH} GROUP BY 1",
        ("licences",),
    ),
    (
        "SELECT external_subscription_id, properties ->> 'item',"
        " array_agg(properties ->> 'operation_type' ORDER BY timestamp), array_agg(timestamp ORDER BY timestamp)"
        f" {_MONTH} GROUP BY 1, 2",
        ("seats",),
    ),
)
"""The least that the measured run has to read: a statement, and the codes that it looks at."""


def _tenant(at: str) -> Tenant:
    return Tenant(ORGANIZATION, datetime.fromisoformat(at))


async def seed_mixed(connection: psycopg.Connection[Any], *, subscriptions: int, events: int) -> None:
    """Replaces whatever stands in the database."""
    seed_organization(connection, customers=subscriptions)
    async with tenant_work(_tenant(STARTED)) as work:
        await create_catalog(work)
    values: dict[str, Any] = {
        "org": ORGANIZATION, "plans": list(CODES_BY_PLAN), "predecessor": PREDECESSOR, "upgraded": UPGRADED,
        "started": STARTED, "trial_started": TRIAL_STARTED, "subscriptions": subscriptions, "events": events,
        "codes": psycopg.types.json.Jsonb(CODES_BY_PLAN), "numbers": NUMBERS,
    }  # fmt: skip
    for statement in (_ZONES, _SUBSCRIBERS, _EVENTS):
        connection.execute(statement, values)
    connection.execute("VACUUM ANALYZE")
    for began in (STARTED, TRIAL_STARTED):
        await _start(connection, began)
    changed = connection.execute(_UPGRADE, {**values, "at": UPGRADED_AT}).fetchall()
    await _first_units([new for new, _ in changed], UPGRADED_AT)
    await _bill([(old, new) for new, old in changed], UPGRADED_AT, "upgrading")
    ended = connection.execute(_TRIALS, values).fetchall()
    await _bill(ended, TRIAL_ENDED, "subscription_starting", skip_charges=True)
    connection.execute("VACUUM ANALYZE")


async def _start(connection: psycopg.Connection[Any], began: str) -> None:
    """What is due when subscriptions begin: of those in trial the fixed charges paid in advance alone."""
    found = connection.execute(
        "SELECT s.id, p.pay_in_advance, coalesce(p.trial_period, 0) > 0"
        " FROM subscriptions s JOIN plans p ON p.id = s.plan_id"
        " WHERE s.organization_id = %s AND s.started_at = %s ORDER BY s.customer_id",
        [ORGANIZATION, began],
    ).fetchall()
    await _first_units([row for row, _, _ in found], began)
    paid = [(row,) for row, in_advance, in_trial in found if in_advance and not in_trial]
    await _bill(paid, began, "subscription_starting", skip_charges=True)
    first_units = (datetime.fromisoformat(began) + FIRST_UNITS_AFTER).isoformat()
    await _bill([(row,) for row, _, in_trial in found if in_trial], first_units, "in_advance_charge")


async def _first_units(ids: Sequence[UUID], at: str) -> None:
    async with tenant_work(_tenant(at)) as work:
        await record_first_units(work, ids)


async def _bill(groups: Sequence[tuple[UUID, ...]], at: str, reason: str, *, skip_charges: bool = False) -> None:
    instant = datetime.fromisoformat(at)
    for start in range(0, len(groups), CHUNK):
        part = groups[start : start + CHUNK]
        async with tenant_work(_tenant(at)) as work:
            await bill_subscriptions(work, [BillRequest(each, instant, reason, skip_charges) for each in part])
