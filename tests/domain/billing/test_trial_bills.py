"""The base fee that a trial made free until now, on invoices that are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from domain.billing.due import bill_due
from domain.billing.subscribe import plan_by_code, subscribe
from domain.billing.trials import bill_ended_trials
from domain.customers.find_or_create import find_or_create
from domain.kernel.unit_of_work import tenant_work
from tests.background import Background, background
from tests.domain.billing.world import World, instant


@pytest.fixture
def jobs(ledger: object) -> Iterator[Background]:
    """In the place of the ledger that keeps what is asked for."""
    with background() as jobs:
        yield jobs


async def run(world: World, jobs: Background, at: str, step: Any) -> None:
    tenant = world.at(at)
    async with tenant_work(tenant) as work:
        await step(work)
    await jobs.run(tenant)


def put_on(code: str) -> Any:
    async def step(work: Any) -> None:
        await subscribe(work, await find_or_create(work, "ada", "USD"), await plan_by_code(work, code), "sub", {})

    return step


@pytest.mark.parametrize("grace_period", [0, 3])
async def test_a_trial_that_ends_after_a_downgrade_is_billed_though_the_start_was(
    migrated: str, jobs: Background, grace_period: int
) -> None:
    """The trial counts from the first subscription; the change of plan came with a bill, without a base fee."""
    with World(instant("2024-01-01"), entity={"invoice_grace_period": grace_period}) as world:
        world.plan(31_000, code="dear")
        plan_id = world.plan(3_000, code="cheap", pay_in_advance=True, trial_period=30)
        world.fixed_charge(plan_id, "1", "5", pay_in_advance=True)
        world.fixed_charge(plan_id, "2", "5")
        world.commitment(plan_id, 100_000)
        world.customer(external_id="ada")
        await run(world, jobs, "2024-01-15T10:00", put_on("dear"))
        await run(world, jobs, "2024-01-15T10:01", put_on("cheap"))
        await run(world, jobs, "2024-02-01T00:10", bill_due)
        await run(world, jobs, "2024-02-14T10:35", bill_ended_trials)
        at = world.now

        def fees() -> list[tuple[str, int]]:
            found = world.execute(
                "SELECT f.fee_type, f.amount_cents FROM fees f JOIN invoices i ON i.id = f.invoice_id "
                "WHERE i.organization_id = %s AND i.created_at = %s",
                world.organization_id, at,
            )  # fmt: skip
            return [(row[0], row[1]) for row in found]

        # 16 of 29 days; fixed charges and the minimum are for the next billing day.
        assert fees() == [("subscription", 1_655)]
        if grace_period:
            from domain.billing.finalize import finalize_due

            await run(world, jobs, "2024-02-17T00:20", finalize_due)
            assert fees() == [("subscription", 1_655)]
            assert world.rows("invoices", "status", created_at=at) == [("finalized",)]
