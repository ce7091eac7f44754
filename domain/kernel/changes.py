"""What a command changes, before and after: noticed when entities are flushed, or noted by bulk writers.

    with changes of the session: {("customers", id): {"name": ("Ada", "Ada Ltd")}}

Costs no statement: what an entity was is in memory since it was loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import LoaderCallableStatus, Session

__all__ = ["Changes", "changes_of", "note_change", "watch_changes"]

Changes = dict[tuple[str, UUID], dict[str, tuple[Any, Any]]]
"""By table and id: the fields with their values before and after."""

_KEY: Final = "changes"
_BORING: Final = frozenset({"id", "organization_id", "created_at", "updated_at"})


def watch_changes(session: AsyncSession) -> None:
    """From here on this session keeps what changes."""
    session.sync_session.info[_KEY] = {}


def changes_of(session: AsyncSession) -> Changes:
    """What has changed so far; what was changed back is left out. Empty for a session that is not watched."""
    found: Changes = session.sync_session.info.get(_KEY, {})
    return {
        key: moved
        for key, fields in found.items()
        if (moved := {name: pair for name, pair in fields.items() if pair[0] != pair[1]})
    }


def note_change(session: AsyncSession, table: str, row_id: UUID, fields: Mapping[str, tuple[Any, Any]]) -> None:
    """Notes the change of a row that was written without its entity."""
    found: Changes | None = session.sync_session.info.get(_KEY)
    if found is not None:
        _merge(found, (table, row_id), fields)


def _merge(found: Changes, key: tuple[str, UUID], fields: Mapping[str, tuple[Any, Any]]) -> None:
    kept = found.setdefault(key, {})
    for name, (before, after) in fields.items():
        kept[name] = (kept[name][0] if name in kept else before, after)


@sa.event.listens_for(Session, "before_flush")
def _flushing(session: Session, context: object, instances: object) -> None:
    found: Changes | None = session.info.get(_KEY)
    if found is None:
        return
    for entity in session.dirty:
        state: Any = sa.inspect(entity)
        # Only what was set since the entity was loaded; what it was before is missing where it was never read.
        fields = {
            name: (before, state.dict[name])
            for name, before in state.committed_state.items()
            if name not in _BORING and name in state.dict and not isinstance(before, LoaderCallableStatus)
        }
        if fields:
            _merge(found, (state.mapper.local_table.name, entity.id), fields)
