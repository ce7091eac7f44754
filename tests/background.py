"""Runs what commands ask for in the background, in this process and in order, without queue and workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, install_reactions, tenant_work

__all__ = ["Background", "background"]

# What calls out of the house or takes long, and has tests of its own.
LEFT_OUT = frozenset({"invoicing.generate_documents"})


class Background:
    """The jobs that wait; `done` are those that ran, `left_out` those that never do here."""

    def __init__(self, left_out: Collection[str] = LEFT_OUT) -> None:
        self.waiting: deque[Mapping[str, Any]] = deque()
        self.done: list[Mapping[str, Any]] = []
        self.left_out = left_out

    async def dispatch(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.waiting.extend(rows)

    async def run(self, tenant: Tenant) -> None:
        """Until nothing waits."""
        from infrastructure import exact_json
        from tasks.jobs import JOBS

        while self.waiting:
            row = self.waiting.popleft()
            definition = JOBS[row["actor"]]
            if definition.external or row["actor"] in self.left_out:
                continue
            arguments = exact_json.load(exact_json.dump(row["arguments"]))
            async with tenant_work(tenant) as work:
                await definition.run(work, **arguments)
            self.done.append(row)


@contextmanager
def background() -> Iterator[Background]:
    """Commands of this process ask this for what follows."""
    from tasks import app
    from tasks.jobs import JOBS
    from tasks.reactions import requests

    assert app, "every job is declared"
    kept = Background()
    install_reactions(Reactions(requests, kept.dispatch, {name: each.queue for name, each in JOBS.items()}))
    yield kept
    install_reactions(None)
