"""What a command changes is noticed without asking the database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from domain.customers.models import Customer
from domain.kernel.changes import changes_of, note_change
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant


@pytest.fixture
def world(migrated: str) -> Iterator[World]:
    with World(instant("2024-03-01T00:00:00Z")) as world:
        yield world


async def test_changes_of_several_flushes_are_one_and_what_was_changed_back_is_none(world: World) -> None:
    ids = [world.customer(name="One"), world.customer(name="One")]
    async with tenant_work(world.tenant) as work:
        query = select(Customer).where(col(Customer.id).in_(ids)).order_by(col(Customer.id))
        changed, back = (await work.session.execute(query)).scalars()
        for name in ("Two", "Three"):
            changed.name = name
            await work.session.flush()
        changed.city = "Lyon"
        changed.email = None
        back.name = "Two"
        await work.session.flush()
        back.name = "One"
        await work.session.flush()
        assert changes_of(work.session) == {
            ("customers", changed.id): {"name": ("One", "Three"), "city": (None, "Lyon")}
        }


async def test_bulk_writers_note_theirs(world: World) -> None:
    row = new_id()
    async with tenant_work(world.tenant) as work:
        note_change(work.session, "invoices", row, {"payment_status": ("pending", "failed"), "paid": (1, 1)})
        note_change(work.session, "invoices", row, {"payment_status": ("failed", "succeeded")})
        assert changes_of(work.session) == {("invoices", row): {"payment_status": ("pending", "succeeded")}}
