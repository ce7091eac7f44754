"""The statement that stores events, run as the ingest door: it may insert events and read what a metric counts.

Its parameters are made in event_columns.py.
"""

from __future__ import annotations

from typing import Final

from domain.kernel.tenancy import TENANT_ROLE, Door
from domain.metering.postgres_store import number_of

__all__ = ["ASSUME_INGEST", "ASSUME_TENANT", "FIND_OWN", "INSERT_COMPUTED", "INSERT_EVENTS", "INSERT_NEW"]

# The transaction gets its number before the insert looks at the metrics. So whoever changes a metric can tell when no
# insert that saw the old one is left: see fill_values.py.
ASSUME_INGEST: Final = f"""
    SELECT set_config('role', '{Door.INGEST}', true), set_config('tarn.organization_id', '', true),
           pg_current_xact_id()
"""
ASSUME_TENANT: Final = f"""
    SELECT set_config('role', '{TENANT_ROLE}', true), set_config('tarn.organization_id', %s, true)
"""


def _insert(condition: str, conflict: str = "ON CONFLICT DO NOTHING") -> str:
    # DO NOTHING names no target and nothing is returned: both would ask for the right to read events. How many rows
    # were stored is told by the count; sorted, so that the sequence follows the order in which events were sent.
    return f"""
    INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties, value,
                        precise_total_amount_cents, event_metadata, created_at, timestamp)
    SELECT e.id, r.organization_id, e.external_subscription_id, e.transaction_id, e.code, e.properties,
           CASE WHEN m.aggregation_type IN ('sum_agg', 'max_agg', 'latest_agg', 'weighted_sum_agg')
                THEN {number_of("(e.properties ->> m.field_name)")} END,
           e.precise_total_amount_cents, r.event_metadata, r.created_at, e.timestamp
    FROM unnest(CAST(%(ids)s AS uuid[]), CAST(%(requests)s AS int[]), CAST(%(external_subscription_ids)s AS text[]),
                CAST(%(transaction_ids)s AS text[]), CAST(%(codes)s AS text[]), CAST(%(properties)s AS jsonb[]),
                CAST(%(amounts)s AS numeric[]), CAST(%(timestamps)s AS timestamptz[]), CAST(%(rules)s AS int[]))
         WITH ORDINALITY AS e(id, request, external_subscription_id, transaction_id, code, properties,
                              precise_total_amount_cents, timestamp, rule, place)
    JOIN unnest(CAST(%(organization_ids)s AS uuid[]), CAST(%(event_metadata)s AS jsonb[]),
                CAST(%(created_at)s AS timestamptz[]))
         WITH ORDINALITY AS r(organization_id, event_metadata, created_at, place) ON r.place = e.request
    LEFT JOIN unnest(CAST(%(expressions)s AS text[]), CAST(%(field_names)s AS text[]))
         WITH ORDINALITY AS x(expression, field_name, place) ON x.place = e.rule
    LEFT JOIN billable_metrics AS m
        ON m.organization_id = r.organization_id AND m.code = e.code AND m.deleted_at IS NULL
    {condition}
    ORDER BY e.place
    {conflict}
"""  # noqa: S608


_COMPUTED_AS_THE_METRIC_SAYS: Final = """
    WHERE CASE WHEN m.field_name IS NOT NULL THEN m.expression END IS NOT DISTINCT FROM x.expression
      AND (x.expression IS NULL OR x.field_name = m.field_name)
"""

INSERT_EVENTS: Final = _insert(_COMPUTED_AS_THE_METRIC_SAYS)
"""Passes over duplicates, and over a row that was computed with another expression than its metric has: see
expression_rules.py."""

INSERT_NEW: Final = _insert(_COMPUTED_AS_THE_METRIC_SAYS, conflict="")
"""The same where a duplicate fails the statement: PostgreSQL need not ask each unique index before it stores a row."""

INSERT_COMPUTED: Final = _insert("")
"""For rows computed with what this transaction read."""

FIND_OWN: Final = "SELECT id FROM events WHERE organization_id = %s AND id = ANY(%s)"
