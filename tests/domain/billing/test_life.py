"""What the clock does to subscriptions: starts, switches, ends, trials. Commands run at instants of our choosing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from domain.billing.activate import activate_due
from domain.billing.end import terminate_ended
from domain.billing.events import BillingDue
from domain.billing.subscribe import subscribe
from domain.billing.terminate import switch_to_next
from domain.billing.termination_alert import alert_of_terminations
from domain.billing.trials import bill_ended_trials
from domain.catalog.models import Plan
from domain.customers.find_or_create import find_or_create
from domain.identity.register import register
from domain.kernel.events import DomainEvent
from domain.kernel.rows import table
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import UnitOfWork, tenant_work
from domain.messaging.models import Webhook, WebhookEndpoint
from domain.subscriptions.events import SubscriptionTerminationAlert
from domain.subscriptions.models import Subscription
from tasks.horizon import termination_alerts

JANUARY = datetime(2024, 1, 15, 10, tzinfo=UTC)
s = table(Subscription).c


class World:
    """One organization; every step names its instant and sees what it recorded."""

    def __init__(self, organization_id: UUID) -> None:
        self.organization_id = organization_id
        self.recorded: list[DomainEvent] = []

    async def run(self, at: datetime, step: Any) -> Any:
        async with tenant_work(Tenant(self.organization_id, at)) as work:
            result = await step(work)
            self.recorded += work._events
            work._events.clear()
        return result

    def billed(self) -> list[BillingDue]:
        return [event for event in self.recorded if isinstance(event, BillingDue)]

    async def plan(self, code: str, amount_cents: int = 1_000, **fields: Any) -> None:
        async def make(work: UnitOfWork) -> None:
            values = {
                "interval": "monthly", "amount_currency": "EUR", "pay_in_advance": False, "name": code, **fields,
            }  # fmt: skip
            work.session.add(Plan(organization_id=self.organization_id, code=code, amount_cents=amount_cents, **values))

        await self.run(JANUARY, make)

    async def subscribe(self, at: datetime, code: str, zone: str | None = None, **fields: Any) -> UUID:
        async def make(work: UnitOfWork) -> UUID:
            plan = (await work.session.execute(sa.select(Plan).where(table(Plan).c.code == code))).scalar_one()
            customer = await find_or_create(work, "cust", "EUR")
            customer.timezone = zone
            await work.session.flush()
            return (await subscribe(work, customer, plan, "sub", fields)).id

        made: UUID = await self.run(at, make)
        return made

    async def rows(self) -> list[Any]:
        async def read(work: UnitOfWork) -> list[Any]:
            return list((await work.session.execute(sa.select(table(Subscription)).order_by(s.id))).all())

        found: list[Any] = await self.run(JANUARY, read)
        return found


@pytest.fixture
async def world(migrated: str) -> World:
    name = uuid4().hex
    made = await register({"email": f"{name}@example.com", "password": "a long password", "organization_name": name})
    return World(made.founded.organization.id)


async def test_a_planned_start_begins_on_its_local_day_at_the_instant_of_the_job(world: World) -> None:
    await world.plan("basic", pay_in_advance=True)
    await world.subscribe(JANUARY, "basic", zone="Asia/Tokyo", subscription_at="2024-02-01T09:00:00Z")
    # 23:59 on 31 January in Tokyo, then a minute later.
    assert await world.run(datetime(2024, 1, 31, 14, 59, tzinfo=UTC), activate_due) == 0
    job = datetime(2024, 1, 31, 15, 0, 30, 500, tzinfo=UTC)
    assert await world.run(job, activate_due) == 1
    (row,) = await world.rows()
    assert (row.status, row.started_at) == ("active", job.replace(microsecond=0))
    assert row.subscription_at == datetime(2024, 2, 1, 9, tzinfo=UTC)
    assert [due.reason for due in world.billed()] == ["subscription_starting"]
    assert await world.run(job, activate_due) == 0


async def test_a_planned_downgrade_ends_one_row_and_starts_the_other_at_the_same_instant(world: World) -> None:
    await world.plan("dear")
    await world.plan("cheap", 1, pay_in_advance=True)
    first = await world.subscribe(JANUARY, "dear")
    await world.subscribe(JANUARY, "cheap")
    at = datetime(2024, 2, 1, 0, 10, tzinfo=UTC)
    await world.run(at, lambda work: switch_to_next(work, [first], at))
    old, new = await world.rows()
    assert (old.status, old.terminated_at) == ("terminated", at)
    assert (new.status, new.started_at, new.previous_subscription_id) == ("active", at, first)
    (due,) = world.billed()
    assert (due.reason, due.subscription_ids) == ("upgrading", (old.id, new.id))
    await world.run(at, lambda work: switch_to_next(work, [first], at))
    assert len(world.billed()) == 1


async def test_a_row_ends_by_itself_on_its_local_day_and_is_billed(world: World) -> None:
    await world.plan("basic")
    await world.subscribe(
        JANUARY, "basic", zone="America/New_York", ending_at="2024-03-01T03:00:00Z"
    )  # still 29 February in New York
    assert await world.run(datetime(2024, 2, 28, 12, tzinfo=UTC), terminate_ended) == 0
    at = datetime(2024, 2, 29, 5, 5, tzinfo=UTC)
    assert await world.run(at, terminate_ended) == 1
    (row,) = await world.rows()
    assert (row.status, row.terminated_at) == ("terminated", at)
    assert [due.reason for due in world.billed()] == ["subscription_terminating"]
    assert await world.run(at, terminate_ended) == 0


async def test_the_end_of_a_trial_bills_a_plan_in_advance_once(world: World) -> None:
    await world.plan("trial", trial_period=Decimal(10), pay_in_advance=True)
    await world.subscribe(JANUARY, "trial")
    end = JANUARY + timedelta(days=10)
    assert await world.run(end - timedelta(seconds=1), bill_ended_trials) == 0
    assert world.billed() == []
    assert await world.run(end + timedelta(minutes=35), bill_ended_trials) == 1
    (row,) = await world.rows()
    assert row.trial_ended_at == end
    assert [(due.reason, due.skip_charges) for due in world.billed()] == [("subscription_starting", True)]
    assert await world.run(end + timedelta(hours=2), bill_ended_trials) == 0


async def test_a_backdated_start_never_overlaps_what_was_billed_before(world: World) -> None:
    await world.plan("basic")
    await world.subscribe(JANUARY, "basic", ending_at="2024-02-10T12:00:00Z")
    ended = datetime(2024, 2, 10, 12, 5, tzinfo=UTC)
    await world.run(ended, terminate_ended)
    later = datetime(2024, 3, 5, tzinfo=UTC)
    await world.subscribe(later, "basic", subscription_at="2024-02-01T00:00:00Z")
    _, again = await world.rows()
    assert again.subscription_at == datetime(2024, 2, 1, tzinfo=UTC)
    assert again.started_at == ended


async def test_an_end_is_announced_fifteen_and_forty_five_utc_days_before_and_once_a_day(world: World) -> None:
    await world.plan("basic")
    row = await world.subscribe(JANUARY, "basic", zone="Asia/Tokyo", ending_at="2024-06-30T23:30:00Z")
    told = []
    for day in ("2024-05-15", "2024-05-16", "2024-06-14", "2024-06-15", "2024-06-16", "2024-06-30"):
        at = datetime.fromisoformat(f"{day}T00:50:00+00:00")
        if await world.run(at, alert_of_terminations):
            told.append(day)
    assert told == ["2024-05-16", "2024-06-15"]
    assert [event.subscription_ids for event in world.recorded if isinstance(event, SubscriptionTerminationAlert)] == [
        (row,), (row,),
    ]  # fmt: skip
    at = datetime(2024, 6, 15, 1, 50, tzinfo=UTC)

    async def told_already(work: UnitOfWork) -> int:
        endpoint = WebhookEndpoint(organization_id=world.organization_id, webhook_url="https://there.test")
        work.session.add(endpoint)
        await work.session.flush()
        kind = "subscription.termination_alert"
        told = Webhook(
            organization_id=world.organization_id, webhook_endpoint_id=endpoint.id, webhook_type=kind, object_id=row,
            object_type="subscription", endpoint=endpoint.webhook_url, payload="{}",
        )  # fmt: skip
        work.session.add(told)
        await work.session.flush()
        return await alert_of_terminations(work)

    assert await world.run(at, told_already) == 0
    next_ticks = [
        await world.run(JANUARY, lambda work, day=day: termination_alerts(work, day))
        for day in (JANUARY, datetime(2024, 5, 16, 3, tzinfo=UTC), datetime(2024, 5, 17, tzinfo=UTC),
                    datetime(2024, 6, 16, tzinfo=UTC))
    ]  # fmt: skip
    assert next_ticks == [
        datetime(2024, 5, 16, tzinfo=UTC), datetime(2024, 5, 16, 3, tzinfo=UTC), datetime(2024, 6, 15, tzinfo=UTC),
        None,
    ]  # fmt: skip
