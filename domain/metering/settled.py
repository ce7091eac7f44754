"""Telling when nothing can appear any more that was under way at a certain moment."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

__all__ = ["SETTLED"]

SETTLED: Final = sa.text(
    """
    SELECT horizon::text, pg_snapshot_xmin(pg_current_snapshot()) >= horizon
    FROM (SELECT coalesce(CAST(:horizon AS xid8), pg_current_xact_id()) AS horizon) AS remembered
    """
)
"""Is every transaction over that was running when this one, or the one remembered, got its number? Ingestion takes its
number before it looks at anything, so its inserts are among them."""
