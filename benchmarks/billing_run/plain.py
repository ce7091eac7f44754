"""What the plain run has to read at least: the calls, sums, sums by region and maxima of one month."""

from __future__ import annotations

__all__ = ["AGGREGATES"]

_MONTH = (
    " FROM events WHERE organization_id = %(org)s AND code = ANY(%(codes)s) AND timestamp >= '2024-03-01'"
    " AND timestamp < '2024-04-01' AND deleted_at IS NULL GROUP BY 1, 2"
)
AGGREGATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (f"SELECT external_subscription_id, code, count(*) {_MONTH}", ("calls",)),
    (f"SELECT external_subscription_id, code, sum(value), count(value) {_MONTH}", ("input", "output")),
    (
        f"SELECT external_subscription_id, properties ->> 'region', sum(value), count(value) {_MONTH}",
        ("tokens",),
    ),
    (f"SELECT external_subscription_id, code, max(value), count(value) {_MONTH}", ("seats",)),
)
"""A statement, and the codes that it looks at."""
