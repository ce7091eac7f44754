"""One-off invoices: lines of add-ons, final at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from domain.billing.one_off import create_one_off_invoice
from domain.customers.models import Customer
from domain.invoicing.events import OneOffInvoicesCreated
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.conftest import Ledger
from tests.domain.billing.world import World, instant


def add_on(world: World, code: str, amount_cents: int) -> UUID:
    return world.insert(
        "add_ons", organization_id=world.organization_id, code=code, name=code, amount_cents=amount_cents,
        amount_currency="USD",
    )  # fmt: skip


async def create(world: World, customer_id: UUID, params: Mapping[str, Any]) -> UUID:
    async with tenant_work(world.tenant) as work:
        customer = await work.session.get_one(Customer, customer_id)
        return await create_one_off_invoice(work, customer, params)


async def test_lines_are_rounded_taxed_by_the_nearest_level_and_numbered_at_once(ledger: Ledger) -> None:
    with World(instant("2024-06-10T08:00:00Z"), entity={"net_payment_term": 10}) as world:
        add_on(world, "setup", 3333)
        taxed = add_on(world, "hours", 1000)
        world.tax("20", "vat")
        own = world.tax("5", "own")
        world.execute("DELETE FROM billing_entity_taxes WHERE tax_id = %s", own)
        world.put_tax(own, "add_on_taxes", add_on_id=taxed)
        fees = [
            {"add_on_code": "setup", "units": "1.5"},
            {"add_on_code": "hours", "unit_amount_cents": 200, "units": 3},
            {"add_on_code": "hours", "tax_codes": ["vat", "nobody"]},
        ]
        made = await create(world, world.customer(), {"fees": fees})
        (invoice,) = world.rows("invoices", id=made)
        assert (invoice.invoice_type, invoice.status, invoice.number) == ("one_off", "finalized", "NOR-1-001-001")
        assert [fee.amount_cents for fee in world.rows("fees", order="position")] == [5000, 600, 1000]
        assert [fee.taxes_amount_cents for fee in world.rows("fees", order="position")] == [1000, 30, 200]
        assert (invoice.taxes_amount_cents, invoice.total_amount_cents) == (1230, 7830)
        assert str(invoice.payment_due_date) == "2024-06-20"
        assert OneOffInvoicesCreated((made,)) in ledger.events


@pytest.mark.parametrize(
    ("fees", "refusal"),
    [
        ([], NotFound),
        (None, NotFound),
        ("setup", ValidationFailed),
        ([7], ValidationFailed),
        ([{"add_on_code": "unknown"}], NotFound),
        ([{"add_on_code": ["setup"]}], NotFound),
        ([{"add_on_code": "setup", "units": "many"}], ValidationFailed),
        ([{"add_on_code": "setup", "units": -1}], ValidationFailed),
        ([{"add_on_code": "setup", "units": "1e19"}], ValidationFailed),
        ([{"add_on_code": "setup", "unit_amount_cents": -5}], ValidationFailed),
        ([{"add_on_code": "setup", "from_datetime": "2024-06-01T00:00:00Z"}], ValidationFailed),
        ([{"add_on_code": "setup", "tax_codes": "vat"}], ValidationFailed),
    ],
)
async def test_what_cannot_be_billed_is_refused_and_nothing_is_written(fees: Any, refusal: type[Exception]) -> None:
    with World(instant("2024-06-10T08:00:00Z")) as world, World(instant("2024-06-10T08:00:00Z")) as other:
        add_on(world, "setup", 3333)
        add_on(other, "unknown", 3333)
        with pytest.raises(refusal):
            await create(world, world.customer(), {"fees": fees})
        assert world.rows("invoices") == []
