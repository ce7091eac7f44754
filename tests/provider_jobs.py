"""Commands of this process ask for their jobs as in production; the test runs them one by one, those that call out as
well."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from domain.kernel.unit_of_work import Reactions, install_reactions
from infrastructure.database import bare_url
from tests.databases import ask

__all__ = ["Jobs", "jobs_run"]

# What takes long and has tests of its own.
LEFT_OUT = frozenset({"invoicing.generate_documents", "credits.generate_documents", "payments.generate_receipts"})


class Jobs:
    """The jobs that wait, as (id, actor). `left_out`: those that are passed over."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[UUID, str]] = deque()
        self.left_out = set(LEFT_OUT)

    async def dispatch(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.waiting.extend((row["id"], row["actor"]) for row in rows)

    async def run(self) -> list[str]:
        """Until nothing waits; the names of what ran, in order."""
        from tasks.runner import run

        ran = []
        while self.waiting:
            job_id, actor = self.waiting.popleft()
            if actor not in self.left_out and await run(job_id):
                ran.append(actor)
        return ran

    def put_off(self) -> list[tuple[UUID, str]]:
        """Those that failed and wait for another try, made due."""
        found = ask(
            bare_url(),
            "UPDATE jobs SET due_at = now() - interval '1 s' "
            "WHERE status = 'pending' AND attempts > 0 RETURNING id, actor",
        )
        self.waiting.extend(found)
        return found

    def failed(self) -> list[tuple[str, str]]:
        """(actor, error) of the jobs that were given up."""
        return ask(bare_url(), "SELECT actor, error FROM jobs WHERE status = 'failed'")


@contextmanager
def jobs_run() -> Iterator[Jobs]:
    """While the block runs."""
    from tasks import app
    from tasks.jobs import JOBS
    from tasks.reactions import requests

    assert app, "every job is declared"
    jobs = Jobs()
    install_reactions(Reactions(requests, jobs.dispatch, {name: each.queue for name, each in JOBS.items()}))
    yield jobs
    install_reactions(None)
