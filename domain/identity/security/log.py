"""Writing the security log, in the transaction of what it tells of. Source: handbook, platform 15.3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.identity.models import ApiKey
from domain.identity.security.devices import device_info
from domain.identity.security.events import LOG_EVENTS
from domain.identity.security.models import SecurityLog
from domain.kernel import clock
from domain.kernel.authors import Author
from domain.kernel.ids import new_id
from domain.kernel.retention import cleaning
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["KEPT", "changed", "clean_security_logs", "key_ending", "note_security", "note_security_of"]

KEPT: Final = timedelta(days=90)
ENDING: Final = 4

clean_security_logs = cleaning(SecurityLog, "logged_at", KEPT, lambda: clock.wall())
"""Removes what is older than 90 days."""

_logs = table(SecurityLog)


async def note_security(work: UnitOfWork, event: str, resources: Mapping[str, Any]) -> None:
    """Logs what the author of this work did to the bound organization. `resources` is flat: plain values, and what
    `changed` makes of two."""
    await note_security_of(work, event, {work.organization_id: resources}, work.author)


async def note_security_of(
    work: UnitOfWork, event: str, resources: Mapping[UUID, Mapping[str, Any]], author: Author
) -> None:
    """Logs one event in several organizations, through a door that may. One statement."""
    assert event in LOG_EVENTS, "only known events"
    if not resources:
        return
    now = clock.now()
    device = device_info(author.origin)
    rows = [
        {
            "id": new_id(),
            "organization_id": organization_id,
            "log_event": event,
            "user_id": author.user_id,
            "api_key_id": author.api_key_id,
            "resources": dict(content),
            "device_info": device,
            "logged_at": clock.wall().replace(microsecond=0),
            "created_at": now,
            "updated_at": now,
        }
        for organization_id, content in resources.items()
    ]
    await work.session.execute(sa.insert(_logs), rows)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What is different: {name: {"deleted": old, "added": new}}."""
    return {
        name: {"deleted": before.get(name), "added": value}
        for name, value in after.items()
        if before.get(name) != value
    }


def key_ending(key: ApiKey) -> str:
    """By what a key is recognized without giving it away."""
    return key.value[-ENDING:]
