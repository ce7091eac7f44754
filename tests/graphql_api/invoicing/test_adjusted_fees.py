"""Lines of a draft set by hand, over GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

MARCH = "2024-03-01T00:10:00Z"
FIELDS = "id amountCents units preciseUnitAmount invoiceDisplayName adjustedFee adjustedFeeType invoiceId"
CREATE = f"mutation($input: CreateAdjustedFeeInput!) {{ createAdjustedFee(input: $input) {{ {FIELDS} }} }}"
PREVIEW = f"mutation($input: PreviewAdjustedFeeInput!) {{ previewAdjustedFee(input: $input) {{ {FIELDS} }} }}"
DESTROY = "mutation($id: ID!) { destroyAdjustedFee(input: {id: $id}) { id } }"
REFRESH = "mutation($id: ID!) { refreshInvoice(input: {id: $id}) { status totalAmountCents } }"
FINALIZE = "mutation($id: ID!) { finalizeInvoice(input: {id: $id}) { status totalAmountCents } }"
INVOICE = (
    "query($id: ID!) { invoice(id: $id) { totalAmountCents invoiceSubscriptions { subscription { id } } "
    f"fees {{ {FIELDS} feeType charge {{ id }} fixedCharge {{ id }} }} }} }}"
)


@pytest.fixture
def world(admin: Caller) -> Iterator[World]:
    assert admin.organization_id is not None
    with World(instant(MARCH), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.customers = len(world.rows("customers"))
        world.execute("UPDATE billing_entities SET invoice_grace_period = 3 WHERE id = %s", world.organization_id)
        yield world
        world.execute("UPDATE billing_entities SET invoice_grace_period = 0 WHERE id = %s", world.organization_id)


class Draft:
    """A draft of 10.00 for a month, twelve calls for 13.00 and three seats for 6.00; one charge without usage."""

    def __init__(self, world: World) -> None:
        name = self.name = f"c-{uuid4().hex}"
        plan = world.plan(1000)
        ranges = [
            {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
            {"from_value": 11, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "2"},
        ]
        metric = world.metric(name)
        self.calls = world.charge(plan, metric, "graduated", {"graduated_ranges": ranges}, min_amount_cents=1500)
        self.unused = world.charge(plan, world.metric(f"{name}-unused"), "standard", {"amount": "5"}, position=1)
        self.percentage = world.charge(plan, world.metric(f"{name}-rate"), "percentage", {"rate": "5"}, position=2)
        self.seats = world.fixed_charge(plan, "2", "3")
        customer = world.customer(external_id=name)
        self.subscription = world.subscription(customer, plan, "2024-02-01T00:00:00Z", external_id=name)
        world.units(self.subscription, self.seats, "3", "2024-02-01T00:00:00Z")
        world.event(name, name, "2024-02-05T00:00:00Z", "12")
        self.id = UUID(int=0)

    async def bill(self, world: World) -> Draft:
        async with tenant_work(Tenant(world.organization_id)) as work:
            request = BillRequest((self.subscription,), instant(MARCH), "subscription_periodic")
            (self.id,) = await bill_subscriptions(work, [request])
        return self


async def shown(admin: Caller, draft: Draft) -> dict[str, Any]:
    return dict((await admin.data(INVOICE, {"id": str(draft.id)}))["invoice"])


def fee_of(invoice: dict[str, Any], kind: str, key: str | None = None, owner: UUID | None = None) -> dict[str, Any]:
    found = [each for each in invoice["fees"] if each["feeType"] == kind and (not key or each[key]["id"] == str(owner))]
    return dict(found[0])


async def test_what_is_set_lasts_over_refreshes_and_finalization(admin: Caller, world: World) -> None:
    draft = await Draft(world).bill(world)
    before = await shown(admin, draft)
    # 10.00, 13.00 and 2.00 up to the minimum of the calls, 6.00.
    assert before["totalAmountCents"] == "3100"
    base, calls = fee_of(before, "subscription"), fee_of(before, "charge", "charge", draft.calls)
    seats = fee_of(before, "fixed_charge")
    assert (base["adjustedFee"], base["adjustedFeeType"]) == (False, None)

    async def adjust(**values: Any) -> dict[str, Any]:
        found = await admin.data(CREATE, {"input": {"invoiceId": str(draft.id), **values}})
        return dict(found["createAdjustedFee"])

    named = await adjust(feeId=base["id"], invoiceDisplayName="Flat")
    assert (named["invoiceDisplayName"], named["amountCents"], named["adjustedFeeType"]) == ("Flat", "1000", None)
    calls = fee_of(await shown(admin, draft), "charge", "charge", draft.calls)
    units = await adjust(feeId=calls["id"], units=20)
    assert (units["amountCents"], units["units"], units["adjustedFeeType"]) == ("1700", 20, "adjusted_units")
    seats = fee_of(await shown(admin, draft), "fixed_charge")
    amount = await adjust(feeId=seats["id"], units=2, unitPreciseAmount="1.005")
    assert (amount["amountCents"], amount["adjustedFeeType"], amount["preciseUnitAmount"]) == (
        "201",
        "adjusted_amount",
        1.005,
    )
    made = await adjust(subscriptionId=str(draft.subscription), chargeId=str(draft.unused), units=2)
    assert (made["amountCents"], made["invoiceId"]) == ("1000", str(draft.id))
    # The minimum of the calls is reached now: 10.00 + 17.00 + 2.01 + 10.00.
    assert (await shown(admin, draft))["totalAmountCents"] == "3901"

    world.event(draft.name, draft.name, "2024-02-06T00:00:00Z", "500")
    assert (await admin.data(REFRESH, {"id": str(draft.id)}))["refreshInvoice"]["totalAmountCents"] == "3901"
    again = await shown(admin, draft)
    unused = fee_of(again, "charge", "charge", draft.unused)
    assert (await admin.data(DESTROY, {"id": unused["id"]}))["destroyAdjustedFee"]["id"] == unused["id"]
    assert (await shown(admin, draft))["totalAmountCents"] == "2901"
    final = (await admin.data(FINALIZE, {"id": str(draft.id)}))["finalizeInvoice"]
    assert (final["status"], final["totalAmountCents"]) == ("finalized", "2901")
    assert sorted(each["adjustedFee"] for each in (await shown(admin, draft))["fees"]) == [True, True, True]


async def test_a_preview_tells_and_stores_nothing(admin: Caller, world: World) -> None:
    draft = await Draft(world).bill(world)
    base = fee_of(await shown(admin, draft), "subscription")
    sent = {"invoiceId": str(draft.id), "feeId": base["id"], "units": 3}
    assert (await admin.data(PREVIEW, {"input": sent}))["previewAdjustedFee"]["amountCents"] == "3000"
    assert fee_of(await shown(admin, draft), "subscription") == base
    assert world.rows("adjusted_fees", invoice_id=draft.id) == []
    await admin.data(CREATE, {"input": sent})
    set_before = fee_of(await shown(admin, draft), "subscription")
    over = (await admin.data(PREVIEW, {"input": {**sent, "feeId": set_before["id"], "units": 4}}))["previewAdjustedFee"]
    assert over["amountCents"] == "4000"
    assert fee_of(await shown(admin, draft), "subscription")["amountCents"] == "3000"


async def test_what_cannot_be_set_is_refused(admin: Caller, stranger: Caller, world: World) -> None:
    draft = await Draft(world).bill(world)
    base = fee_of(await shown(admin, draft), "subscription")
    subscription = {"invoiceId": str(draft.id), "subscriptionId": str(draft.subscription)}

    async def refused(**values: Any) -> Any:
        answer = await admin.error(CREATE, {"input": {"invoiceId": str(draft.id), **values}})
        return answer["details"]

    assert await refused(feeId=str(UUID(int=5)), units=1) == {"fee": ["not_found"]}
    assert await refused(subscriptionId=str(UUID(int=5)), chargeId=str(draft.calls)) == {"subscription": ["not_found"]}
    assert await refused(**subscription, chargeId=str(UUID(int=5))) == {"charge": ["not_found"]}
    assert await refused(**subscription, fixedChargeId=str(UUID(int=5))) == {"fixedCharge": ["not_found"]}
    assert await refused(**subscription, chargeId=str(draft.calls), chargeFilterId=str(UUID(int=5))) == {
        "chargeFilter": ["not_found"]
    }
    assert await refused(**subscription, chargeId=str(draft.percentage), units=1) == {
        "charge": ["invalid_charge_model"]
    }
    assert await refused(feeId=base["id"], unitPreciseAmount="1") == {"units": ["value_is_mandatory"]}
    assert await refused(feeId=base["id"], units=-1, unitPreciseAmount="x") == {
        "units": ["value_is_out_of_range"],
        "unitPreciseAmount": ["value_is_invalid"],
    }
    assert await refused(feeId=base["id"], units=1e14, unitPreciseAmount="1e11") == {
        "unitPreciseAmount": ["value_is_out_of_range"]
    }
    assert (await admin.error(DESTROY, {"id": base["id"]}))["details"] == {"adjustedFee": ["not_found"]}
    foreign = {"input": {"invoiceId": str(draft.id), "feeId": base["id"], "units": 1}}
    assert (await stranger.error(CREATE, foreign))["details"] == {"invoice": ["not_found"]}
    assert (await stranger.error(DESTROY, {"id": base["id"]}))["details"] == {"fee": ["not_found"]}
    set_now = (await admin.data(CREATE, foreign))["createAdjustedFee"]
    assert await refused(feeId=set_now["id"], units=2) == {"adjustedFee": ["already_exists"]}
    await admin.data(FINALIZE, {"id": str(draft.id)})
    late = {"input": {"invoiceId": str(draft.id), "feeId": base["id"], "units": 2}}
    assert (await admin.error(CREATE, late))["code"] == "feature_unavailable"
