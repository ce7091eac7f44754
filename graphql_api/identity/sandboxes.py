"""Sandboxes: made, and moved through time. For tests of an integration, and for our own.

Called by a user for any sandbox of which they are an active member, whatever organization the header names. For all
others, and for organizations whose time is real, the answer is that of an unknown id.
"""

from __future__ import annotations

import strawberry
from strawberry import Info

from domain.identity import sandbox_clock
from domain.identity.sandboxes import create_sandbox, readable_instant, sandbox_of
from domain.kernel.tenancy import Door, Tenant
from domain.kernel.unit_of_work import door_work
from domain.kernel.validation import Reader
from graphql_api.context import current
from graphql_api.identity.inputs import (
    AdvanceSandboxClockInput,
    CreateSandboxInput,
    RunScheduledTaskInput,
    SetSandboxClockInput,
    SettleSandboxInput,
)
from graphql_api.operations import to_params, user_only
from graphql_api.scalars import ISO8601DateTime

__all__ = ["SandboxMutations"]

SETTLE_SECONDS = 25.0


@strawberry.type
class SandboxOrganization:
    """A new sandbox, with the key of its REST interface."""

    id: strawberry.ID
    name: str
    slug: str
    api_key: str
    frozen_at: ISO8601DateTime


@strawberry.type
class CreateSandboxPayload:
    organization: SandboxOrganization
    client_mutation_id: str | None


@strawberry.type
class SetSandboxClockPayload:
    frozen_at: ISO8601DateTime
    client_mutation_id: str | None


@strawberry.type
class AdvanceSandboxClockPayload:
    """`frozenAt` is where the clock stands now; while `pendingCount` is not 0 it is still on its way. `failures` are
    the jobs that failed for good."""

    frozen_at: ISO8601DateTime
    pending_count: int
    failures: list[str]
    client_mutation_id: str | None


@strawberry.type
class RunScheduledTaskPayload:
    """`pendingCount` jobs were still open when the wait ended; `failures` are the jobs that failed for good."""

    name: str
    pending_count: int
    failures: list[str]
    client_mutation_id: str | None


@strawberry.type
class SettleSandboxPayload:
    pending_count: int
    client_mutation_id: str | None


@strawberry.type
class SandboxMutations:
    @strawberry.mutation
    @user_only
    async def create_sandbox(self, info: Info, input: CreateSandboxInput) -> CreateSandboxPayload | None:
        """A new organization whose clock stands at `frozenAt`. The caller becomes its admin."""
        user_id = current(info).user_id
        assert user_id is not None
        async with door_work(Door.SANDBOX) as work:
            founded = await create_sandbox(work, user_id, to_params(input))
        return CreateSandboxPayload(
            organization=SandboxOrganization(
                id=strawberry.ID(str(founded.organization.id)),
                name=founded.organization.name,
                slug=founded.organization.slug,
                api_key=founded.api_key.value,
                frozen_at=ISO8601DateTime(input.frozen_at),
            ),
            client_mutation_id=input.client_mutation_id or None,
        )

    @strawberry.mutation
    @user_only
    async def set_sandbox_clock(self, info: Info, input: SetSandboxClockInput) -> SetSandboxClockPayload | None:
        """Moves the clock, forward or back, without running anything."""
        sandbox = await _sandbox(info, input.organization_id)
        read = Reader(to_params(input))
        at = readable_instant(read, "at")
        read.finish()
        assert at is not None
        await sandbox_clock.set_clock(sandbox.organization_id, at)
        return SetSandboxClockPayload(
            frozen_at=ISO8601DateTime(at), client_mutation_id=input.client_mutation_id or None
        )

    @strawberry.mutation
    @user_only
    async def advance_sandbox_clock(
        self, info: Info, input: AdvanceSandboxClockInput
    ) -> AdvanceSandboxClockPayload | None:
        """Moves the clock forward and runs every scheduled job that falls due on the way, in order."""
        sandbox = await _sandbox(info, input.organization_id)
        read = Reader(to_params(input))
        to = readable_instant(read, "to")
        read.finish()
        assert to is not None
        outcome = await sandbox_clock.advance(sandbox.organization_id, to)
        moved = await _sandbox(info, input.organization_id)
        assert moved.frozen_at is not None
        return AdvanceSandboxClockPayload(
            frozen_at=ISO8601DateTime(moved.frozen_at),
            pending_count=outcome.pending,
            failures=list(outcome.failures),
            client_mutation_id=input.client_mutation_id or None,
        )

    @strawberry.mutation
    @user_only
    async def run_scheduled_task(self, info: Info, input: RunScheduledTaskInput) -> RunScheduledTaskPayload | None:
        """Runs one scheduled job now and waits for the work that follows from it."""
        sandbox = await _sandbox(info, input.organization_id)
        outcome = await sandbox_clock.run_scheduled_task(sandbox.organization_id, input.name)
        return RunScheduledTaskPayload(
            name=input.name,
            pending_count=outcome.pending,
            failures=list(outcome.failures),
            client_mutation_id=input.client_mutation_id or None,
        )

    @strawberry.mutation
    @user_only
    async def settle_sandbox(self, info: Info, input: SettleSandboxInput) -> SettleSandboxPayload | None:
        """Waits, half a minute at most, until no background work is left; ask again while some is."""
        sandbox = await _sandbox(info, input.organization_id)
        pending = await sandbox_clock.settle(sandbox.organization_id, SETTLE_SECONDS)
        return SettleSandboxPayload(pending_count=pending, client_mutation_id=input.client_mutation_id or None)


async def _sandbox(info: Info, organization_id: strawberry.ID) -> Tenant:
    user_id = current(info).user_id
    assert user_id is not None
    return await sandbox_of(user_id, organization_id)
