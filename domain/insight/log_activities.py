"""Writing the activity log. Source: handbook, platform 15.2.

What concerns a few objects is logged in the transaction of the command that did it. What concerns many, as a billing
run does, is logged by a job that the same transaction asks for: nothing is lost, and the run does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from domain.insight.activity_objects import objects_of
from domain.insight.activity_sql import insert_of
from domain.insight.activity_types import LOGGED, TABLES, kind_of
from domain.insight.models import ActivityLog
from domain.kernel import clock
from domain.kernel.authors import SYSTEM, Author
from domain.kernel.changes import Changes, changes_of
from domain.kernel.ids import new_id_text, parse_id
from domain.kernel.jobs import JobRequest
from domain.kernel.retention import cleaning
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

__all__ = ["KEPT", "LOG", "clean_activity_logs", "log_activities", "log_mail", "log_many"]

KEPT: Final = timedelta(days=30)
LOG: Final = "insight.log_activities"
"""The job that logs what concerns many objects, with the arguments of `log_many`."""
MOST_OBJECTS: Final = 5
"""So many objects of one type are logged at once, and kept where a client did it; more are named only."""
CHUNK: Final = 500

clean_activity_logs = cleaning(ActivityLog, "logged_at", KEPT, lambda: clock.now())
"""Removes what is too old to be shown."""


async def log_activities(work: UnitOfWork, happened: Mapping[str, Sequence[UUID]]) -> list[JobRequest]:
    """Logs what happened to which objects, by type of activity; the jobs that log the rest.

    One statement, and a few more to read the objects where a client did it to a few. What changed is kept for updates.
    """
    assert LOGGED.issuperset(happened), "only known types of activity"
    changes = changes_of(work.session)
    rows: list[dict[str, Any]] = []
    jobs = []
    for activity_type, ids in happened.items():
        if len(ids) > MOST_OBJECTS:
            jobs += [_job(work, activity_type, ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK)]
            continue
        contents = {} if work.author is SYSTEM else await objects_of(work, activity_type, ids)
        kind = kind_of(activity_type)
        for each in ids:
            rows.append(_row(activity_type, kind, each, contents.get(each), _changed(changes, activity_type, each)))
    await _write(work, work.author, clock.now(), rows)
    return jobs


async def log_many(
    work: UnitOfWork, activity_type: str, ids: Sequence[str], source: str, user_id: str | None, api_key_id: str | None,
    at: str,
) -> None:  # fmt: skip
    """The job's work: one statement for all. Run again it is a part of the same transaction as the job's end."""
    author = Author(source, parse_id(user_id), parse_id(api_key_id))
    kind = kind_of(activity_type)
    rows = [_row(activity_type, kind, each) for each in ids]
    await _write(work, author, datetime.fromisoformat(at), rows)


async def log_mail(work: UnitOfWork, author: Author, kind: str, object_id: UUID, content: Mapping[str, Any]) -> None:
    """A mail about an object was sent, or could not be; see `log_mails.py`. One statement."""
    await _write(work, author, clock.now(), [_row("email.sent", kind, object_id, content)])


def _job(work: UnitOfWork, activity_type: str, ids: Sequence[UUID]) -> JobRequest:
    author = work.author
    return JobRequest(
        LOG,
        {
            "activity_type": activity_type,
            "ids": list(ids),
            "source": author.source,
            "user_id": author.user_id,
            "api_key_id": author.api_key_id,
            "at": clock.now(),
        },
    )


def _changed(changes: Changes, activity_type: str, object_id: UUID) -> Mapping[str, Any] | None:
    """{field: [before, after]} for an update, null for anything else."""
    found = TABLES.get(kind_of(activity_type))
    if found is None or "updated" not in activity_type:
        return None
    return changes.get((found, object_id), {})


def _row(
    activity_type: str, kind: str, object_id: UUID | str, content: Any = None, changes: Any = None
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": new_id_text(),
        "activity_type": activity_type,
        "kind": kind,
        "object_id": object_id,
        "content": content,
        "changes": changes,
    }


async def _write(work: UnitOfWork, author: Author, at: datetime, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    values = {
        "organization_id": work.organization_id,
        "source": author.source,
        "user_id": author.user_id,
        "api_key_id": author.api_key_id,
        "rows": exact_json.dump_text(rows),
        "logged_at": at.replace(microsecond=0),
        "now": clock.now(),
    }
    await work.session.execute(insert_of({row["kind"] for row in rows}), values)
