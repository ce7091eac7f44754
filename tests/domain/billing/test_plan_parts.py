"""What else a plan bills: fixed charges, commitments, minimum amounts, filters, pricing units; and whose taxes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.billing.finalize import refresh
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.test_bill import PERIODIC, STARTING, TERMINATING, bill
from tests.domain.billing.world import World, instant

IN_ADVANCE = "in_advance_charge"


def lines(world: World, invoice_id: UUID) -> list[tuple[str, int, Decimal]]:
    fees = world.rows("fees", order="position", invoice_id=invoice_id)
    return [(fee.fee_type, fee.amount_cents, fee.units) for fee in fees]


def filtered(world: World, charge_id: UUID, metric_id: UUID, values: list[str], amount: str) -> UUID:
    """A charge filter on the dimension `cloud`."""
    owner: dict[str, Any] = {"organization_id": world.organization_id}
    known = world.rows("billable_metric_filters", billable_metric_id=metric_id)
    key = known[0].id if known else world.insert(
        "billable_metric_filters", billable_metric_id=metric_id, key="cloud", values=["aws", "gcp"], **owner
    )  # fmt: skip
    filter_id = world.insert(
        "charge_filters", charge_id=charge_id, code=values[0], properties={"amount": amount}, position=0, **owner
    )
    world.insert(
        "charge_filter_values", charge_filter_id=filter_id, billable_metric_filter_id=key, values=values, **owner
    )
    return filter_id


async def test_a_prorated_fixed_charge_in_arrears_bills_the_days_its_units_were_held() -> None:
    with World(instant("2023-07-19T12:12:00Z")) as world:
        plan = world.plan(0)
        fixed = world.fixed_charge(plan, "1.00", "10", prorated=True)
        subscription = world.subscription(world.customer(), plan, "2023-07-19T12:12:00Z")
        world.units(subscription, fixed, "10", "2023-07-19T12:12:01Z")
        world.at("2023-08-01T00:10:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        assert lines(world, invoice.id) == [("subscription", 0, Decimal(1)), ("fixed_charge", 419, Decimal(10))]
        (period,) = world.rows("invoice_subscriptions", invoice_id=invoice.id)
        assert period.fixed_charges_from_datetime == instant("2023-07-19T12:12:00Z")


async def test_a_fixed_charge_in_advance_is_billed_once_a_period_and_only_more_units_cost_more_inside_it() -> None:
    with World(instant("2024-06-01T00:00:00Z")) as world:
        plan = world.plan(1000, pay_in_advance=True)
        fixed = world.fixed_charge(plan, "10", "5", pay_in_advance=True, prorated=True)
        subscription = world.subscription(world.customer(), plan, "2024-06-01T00:00:00Z")
        world.units(subscription, fixed, "5", "2024-06-01T00:00:01Z")
        first = await bill(world, subscription, reason=STARTING, skip_charges=True)
        assert lines(world, first[0]) == [("subscription", 1000, Decimal(1)), ("fixed_charge", 5000, Decimal(5))]
        world.at("2024-06-11T00:00:00Z")
        world.units(subscription, fixed, "8", "2024-06-11T00:00:00Z")
        second = await bill(world, subscription, reason=IN_ADVANCE)
        assert lines(world, second[0]) == [("fixed_charge", 2000, Decimal(3))]
        world.at("2024-06-12T00:00:00Z")
        world.units(subscription, fixed, "2", "2024-06-12T00:00:00Z")
        third = await bill(world, subscription, reason=IN_ADVANCE)
        assert lines(world, third[0]) == [("fixed_charge", 0, Decimal(0))]
        world.at("2024-06-13T00:00:00Z")
        assert await bill(world, subscription, reason=IN_ADVANCE) == [], "no units changed then"
        world.at("2024-07-01T00:10:00Z")
        following = await bill(world, subscription)
        assert lines(world, following[0]) == [("subscription", 1000, Decimal(1)), ("fixed_charge", 2000, Decimal(2))]


async def test_a_refreshed_draft_keeps_the_fixed_charge_paid_in_advance_as_it_was_when_the_period_began() -> None:
    with World(instant("2024-06-01T00:00:00Z"), entity={"invoice_grace_period": 20}) as world:
        plan = world.plan(0, pay_in_advance=True)
        fixed = world.fixed_charge(plan, "10", "5", pay_in_advance=True)
        subscription = world.subscription(world.customer(), plan, "2024-06-01T00:00:00Z")
        world.units(subscription, fixed, "5", "2024-06-01T00:00:01Z")
        draft = await bill(world, subscription, reason=STARTING, skip_charges=True)
        world.at("2024-06-05T00:00:00Z")
        world.units(subscription, fixed, "9", "2024-06-05T00:00:00Z")
        more = await bill(world, subscription, reason=IN_ADVANCE)
        assert world.rows("invoices", id=more[0])[0].status == "finalized", "no grace period for what is paid at once"
        async with tenant_work(world.tenant) as work:
            await refresh(work, draft)
        assert lines(world, draft[0])[1:] == [("fixed_charge", 5000, Decimal(5))]
        assert lines(world, more[0]) == [("fixed_charge", 4000, Decimal(4))]


async def test_a_commitment_tops_the_first_days_up_to_its_share_of_the_period() -> None:
    with World(instant("2023-02-04T00:00:00Z")) as world:
        plan = world.plan(100_000)
        world.commitment(plan, 1_000_000)
        subscription = world.subscription(world.customer(), plan, "2023-02-04T00:00:00Z")
        world.at("2023-03-01T00:10:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        assert lines(world, invoice.id) == [("subscription", 89286, Decimal(1)), ("commitment", 803571, Decimal(1))]


async def test_a_commitment_of_a_plan_in_advance_is_settled_on_the_next_invoice() -> None:
    with World(instant("2023-02-01T00:00:00Z")) as world:
        plan = world.plan(100_000, "weekly", pay_in_advance=True)
        world.commitment(plan, 1_000_000)
        subscription = world.subscription(world.customer(), plan, "2023-02-01T00:00:00Z")
        first = await bill(world, subscription, reason=STARTING, skip_charges=True)
        assert [line[0] for line in lines(world, first[0])] == ["subscription"]
        world.at("2023-02-06T10:00:00Z")
        second = await bill(world, subscription)
        assert lines(world, second[0]) == [("subscription", 100_000, Decimal(1)), ("commitment", 642857, Decimal(1))]


async def test_a_reached_commitment_leaves_no_line() -> None:
    with World(instant("2024-03-01T00:00:00Z")) as world:
        plan = world.plan(100_000)
        world.commitment(plan, 100_000)
        subscription = world.subscription(world.customer(), plan, "2024-03-01T00:00:00Z")
        world.at("2024-04-01T00:10:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        assert lines(world, invoice.id) == [("subscription", 100_000, Decimal(1))]


async def test_what_a_charge_lacks_to_its_minimum_hangs_on_its_fee() -> None:
    with World(instant("2024-05-01T00:00:00Z")) as world:
        plan = world.plan(0)
        world.charge(plan, world.metric("calls"), "standard", {"amount": "3"}, min_amount_cents=1000)
        subscription = world.subscription(
            world.customer(), plan, "2024-05-01T00:00:00Z", external_id="s",
            status="terminated", terminated_at=instant("2024-05-16T10:00:00Z"),
        )  # fmt: skip
        world.event("s", "calls", "2024-05-02T00:00:00Z", "1")
        world.at("2024-05-16T10:00:00Z")
        invoice = world.invoice_of(await bill(world, subscription, reason=TERMINATING))
        _, usage, raised = world.rows("fees", order="position", invoice_id=invoice.id)
        assert (usage.amount_cents, raised.amount_cents) == (300, 216)
        assert raised.true_up_parent_fee_id == usage.id
        assert (raised.units, raised.events_count) == (1, 0)


async def test_every_filter_has_its_price_and_what_none_takes_the_charges_own() -> None:
    with World(instant("2024-05-01T00:00:00Z")) as world:
        plan, metric = world.plan(0), world.metric("calls")
        charge = world.charge(plan, metric, "standard", {"amount": "1"})
        aws = filtered(world, charge, metric, ["aws"], "2")
        every = filtered(world, charge, metric, ["__ALL_FILTER_VALUES__"], "3")
        subscription = world.subscription(world.customer(), plan, "2024-05-01T00:00:00Z", external_id="s")
        for cloud in ("aws", "gcp", "other"):
            world.event("s", "calls", "2024-05-02T00:00:00Z", "10")
            world.execute(
                "UPDATE events SET properties = properties || jsonb_build_object('cloud', %s::text) WHERE id ="
                " (SELECT max(id::text)::uuid FROM events WHERE organization_id = %s)", cloud, world.organization_id,
            )  # fmt: skip
        world.at("2024-06-01T00:10:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        fees = world.rows("fees", order="position", invoice_id=invoice.id, fee_type="charge")
        found = {fee.charge_filter_id: fee.amount_cents for fee in fees}
        assert found == {aws: 2000, every: 3000, None: 1000}


async def test_every_group_is_a_fee_and_units_are_broken_down_where_the_invoice_shows_it() -> None:
    with World(instant("2024-05-01T00:00:00Z")) as world:
        plan = world.plan(0)
        properties = {
            "amount": "1",
            "pricing_group_keys": ["region"],
            "presentation_group_keys": [
                {"value": "team", "options": {"display_in_invoice": True}}, {"value": "hidden"},
            ],
        }  # fmt: skip
        world.charge(plan, world.metric("calls"), "standard", properties)
        subscription = world.subscription(world.customer(), plan, "2024-05-01T00:00:00Z", external_id="s")
        for number, units in enumerate(("1", "2", "4")):
            world.event("s", "calls", f"2024-05-02T00:00:0{number}Z", units)
        world.execute(
            "UPDATE events SET properties = properties || jsonb_build_object('region', CASE value WHEN 4 THEN 'us' ELSE"
            " 'eu' END, 'team', CASE value WHEN 2 THEN 'b' ELSE 'a' END) WHERE organization_id = %s",
            world.organization_id,
        )
        world.at("2024-06-01T00:10:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        fees = world.rows("fees", order="position", invoice_id=invoice.id, fee_type="charge")
        found = [(fee.grouped_by, fee.amount_cents) for fee in fees]
        assert found == [({"region": "eu"}, 300), ({"region": "us"}, 400)]
        assert fees[0].presentation_breakdowns == [
            {"presentation_by": {"team": "a"}, "units": "1.0"},
            {"presentation_by": {"team": "b"}, "units": "2.0"},
        ]


def in_credits(world: World, charge_id: UUID) -> UUID:
    """Prices a charge in credits, of which four make a unit of money."""
    owner: dict[str, Any] = {"organization_id": world.organization_id}
    unit = world.insert("pricing_units", code="cr", name="Credits", short_name="CR", **owner)
    world.insert("applied_pricing_units", charge_id=charge_id, pricing_unit_id=unit, conversion_rate="0.25", **owner)
    return unit


async def test_a_charge_in_a_pricing_unit_is_converted_and_keeps_both_amounts() -> None:
    with World(instant("2024-05-01T00:00:00Z")) as world:
        plan = world.plan(0)
        charge = world.charge(plan, world.metric("calls"), "standard", {"amount": "2.469"})
        unit = in_credits(world, charge)
        subscription = world.subscription(world.customer(), plan, "2024-05-01T00:00:00Z", external_id="s")
        world.event("s", "calls", "2024-05-02T00:00:00Z", "5")
        world.at("2024-06-01T00:10:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        (fee,) = world.rows("fees", invoice_id=invoice.id, fee_type="charge")
        (kept,) = world.rows("fee_pricing_units", fee_id=fee.id)
        assert (fee.amount_cents, fee.precise_amount_cents) == (309, Decimal("308.75"))
        assert (kept.amount_cents, kept.short_name, kept.pricing_unit_id) == (1235, "CR", unit)


async def test_what_a_minimum_in_a_pricing_unit_lacks_is_converted_from_whole_cents_of_the_unit() -> None:
    with World(instant("2024-05-01T00:00:00Z")) as world:
        plan = world.plan(0)
        charge = world.charge(plan, world.metric("calls"), "standard", {"amount": "12.345"}, min_amount_cents=2000)
        in_credits(world, charge)
        subscription = world.subscription(world.customer(), plan, "2024-05-01T00:00:00Z", external_id="s")
        world.event("s", "calls", "2024-05-02T00:00:00Z", "1")
        world.at("2024-06-01T00:10:00Z")
        invoice = world.invoice_of(await bill(world, subscription))
        _, raised = world.rows("fees", order="position", invoice_id=invoice.id, fee_type="charge")
        (kept,) = world.rows("fee_pricing_units", fee_id=raised.id)
        assert (kept.amount_cents, kept.precise_amount_cents) == (765, Decimal("765.5"))
        assert (raised.amount_cents, raised.precise_amount_cents) == (191, Decimal("191.25"))


async def test_the_nearest_level_that_has_taxes_decides_and_levels_are_not_mixed() -> None:
    with World(instant("2024-05-01T00:00:00Z")) as world:
        plan = world.plan(10_000)
        charge = world.charge(plan, world.metric("calls"), "standard", {"amount": "1"})
        fixed = world.fixed_charge(plan, "1", "7")
        commitment = world.commitment(plan, 100_000)
        customer = world.customer()
        subscription = world.subscription(customer, plan, "2024-05-01T00:00:00Z", external_id="s")
        world.units(subscription, fixed, "7", "2024-05-01T00:00:01Z")
        world.event("s", "calls", "2024-05-02T00:00:00Z", "3")
        taxes = {name: world.tax(rate, name) for name, rate in (("entity", "1"), ("own", "5"), ("plan", "20"))}
        world.execute("DELETE FROM billing_entity_taxes WHERE tax_id <> %s AND organization_id = %s",
                      taxes["entity"], world.organization_id)  # fmt: skip
        world.put_tax(taxes["own"], "charge_taxes", charge_id=charge)
        world.at("2024-06-01T00:10:00Z")
        invoice = world.invoice_of(await bill(world, subscription))

        def applied(invoice_id: UUID) -> dict[str, list[str]]:
            rows = world.execute(
                "SELECT f.fee_type, t.tax_code FROM fees f JOIN fee_applied_taxes t ON t.fee_id = f.id"
                " WHERE f.invoice_id = %s ORDER BY f.position", invoice_id,
            )  # fmt: skip
            return {kind: [code for one, code in rows if one == kind] for kind, _ in rows}

        assert applied(invoice.id) == {
            "subscription": ["entity"], "charge": ["own"], "fixed_charge": ["entity"], "commitment": ["entity"],
        }  # fmt: skip
        world.put_tax(taxes["plan"], "plan_taxes", plan_id=plan)
        world.put_tax(taxes["own"], "commitment_taxes", commitment_id=commitment)
        world.at("2024-07-01T00:10:00Z")
        following = world.invoice_of(await bill(world, subscription, reason=PERIODIC))
        assert applied(following.id) == {"subscription": ["plan"], "fixed_charge": ["plan"], "commitment": ["own"]}
        assert world.now - instant("2024-07-01T00:00:00Z") == timedelta(minutes=10)
