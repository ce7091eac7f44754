"""/api/v1/plans, with their charges."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from domain.catalog.events import PlanAmountChanged, PlanCreated, PlanDeletionRequested, PlanUpdated
from domain.catalog.plans import remove_plans
from domain.customers.models import Customer
from domain.kernel import clock
from domain.kernel.ids import parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import tenant_work
from domain.subscriptions.models import Subscription
from tests.rest_api.conftest import Api, Recorded
from tests.rest_api.test_customers import sent as customer_sent

BASIC: dict[str, Any] = {
    "name": "Basic", "code": "basic", "interval": "monthly", "amount_cents": 1000, "amount_currency": "EUR",
    "pay_in_advance": False,
}  # fmt: skip
RANGES: list[dict[str, Any]] = [
    {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
    {"from_value": 11, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "2"},
]


async def made(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.post("/plans", {"plan": {**BASIC, **changes}})
    assert answer.status_code == 200, answer.text
    return answer.json()["plan"]  # type: ignore[no-any-return]


async def changed(api: Api, **changes: Any) -> dict[str, Any]:
    answer = await api.put("/plans/basic", {"plan": changes})
    assert answer.status_code == 200, answer.text
    return answer.json()["plan"]  # type: ignore[no-any-return]


async def errors(api: Api, **changes: Any) -> dict[str, list[str]]:
    answer = await api.post("/plans", {"plan": {**BASIC, **changes}})
    assert answer.status_code == 422, answer.text
    assert (await api.get("/plans/basic")).status_code == 404
    return answer.json()["error_details"]  # type: ignore[no-any-return]


async def metric(api: Api, code: str = "calls", **changes: Any) -> str:
    body = {"name": code, "code": code, "aggregation_type": "sum_agg", "field_name": "n", **changes}
    answer = await api.post("/billable_metrics", {"billable_metric": body})
    return answer.json()["billable_metric"]["lago_id"]  # type: ignore[no-any-return]


def standard(metric_id: str, amount: str = "1", **changes: Any) -> dict[str, Any]:
    return {
        "billable_metric_id": metric_id, "charge_model": "standard", "properties": {"amount": amount}, **changes
    }  # fmt: skip


async def test_a_plan_is_made_and_shown_with_all_its_fields(api: Api, recorded: Recorded) -> None:
    plan = await made(api, invoice_display_name="Shown", description="d", trial_period=7.5, charges=[])
    shown = {
        **BASIC, "invoice_display_name": "Shown", "description": "d", "trial_period": 7.5,
        "bill_charges_monthly": None, "bill_fixed_charges_monthly": None, "customers_count": 0,
        "active_subscriptions_count": 0, "draft_invoices_count": 0, "parent_id": None, "pending_deletion": False,
        "charges": [], "fixed_charges": [], "entitlements": [], "usage_thresholds": [],
        "applicable_usage_thresholds": [], "taxes": [],
    }  # fmt: skip
    assert {name: value for name, value in plan.items() if name not in ("lago_id", "created_at")} == shown
    assert (await api.get("/plans/basic")).json()["plan"] == plan
    [listed] = (await api.get("/plans")).json()["plans"]
    assert listed == {name: value for name, value in plan.items() if name != "fixed_charges"}
    assert len(recorded.of(PlanCreated)) == 1


@pytest.mark.parametrize("interval", ["weekly", "monthly", "quarterly", "semiannual", "yearly"])
async def test_usage_is_billed_monthly_only_on_long_intervals(api: Api, interval: str) -> None:
    long = interval in ("semiannual", "yearly")
    assert (await made(api, interval=interval))["bill_charges_monthly"] is (False if long else None)
    other = await made(api, code="other", interval=interval, bill_charges_monthly=True)
    assert other["bill_charges_monthly"] is (True if long else None)


async def test_every_wrong_field_is_named_at_once(api: Api) -> None:
    answer = await api.post("/plans", {"plan": {"description": "d"}})
    assert answer.json()["error_details"] == {
        "name": ["value_is_mandatory"],
        "code": ["value_is_mandatory"],
        "interval": ["value_is_invalid"],
        "amount_cents": ["value_is_mandatory"],
        "amount_currency": ["value_is_invalid"],
        "pay_in_advance": ["value_is_invalid"],
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", ["a"], "value_is_invalid"),
        ("code", "x" * 256, "value_is_too_long"),
        ("interval", "daily", "value_is_invalid"),
        ("interval", {"a": 1}, "value_is_invalid"),
        ("amount_cents", "ten", "value_is_invalid"),
        ("amount_cents", 10.5, "value_is_invalid"),
        ("amount_cents", 2**63, "value_is_out_of_range"),
        ("amount_cents", 10**400, "value_is_out_of_range"),
        ("amount_currency", "XXX", "value_is_invalid"),
        ("amount_currency", ["EUR"], "value_is_invalid"),
        ("pay_in_advance", "maybe", "value_is_invalid"),
        ("trial_period", "long", "value_is_invalid"),
        ("trial_period", -1, "value_is_out_of_range"),
        ("trial_period", 10**9, "value_is_out_of_range"),
        ("charges", "all", "value_is_invalid"),
        ("charges", ["x"], "value_is_invalid"),
        ("charges", {"a": 1}, "value_is_invalid"),
        ("entitlements", "all", "value_is_invalid"),
        ("entitlements", ["x"], "value_is_invalid"),
        ("entitlements", [{"code": "a"}, {"code": "a"}], "value_is_duplicated"),
    ],
)
async def test_wrong_values_are_422_on_their_field(api: Api, field: str, value: object, code: str) -> None:
    assert await errors(api, **{field: value}) == {field: [code]}


async def test_parts_of_a_plan_may_ask_for_nothing(api: Api) -> None:
    await made(
        api, fixed_charges=[], minimum_commitment={}, usage_thresholds=[], entitlements=None, tax_codes=[],
        metadata=None, bill_fixed_charges_monthly=False,
    )  # fmt: skip


async def test_a_negative_amount_is_taken(api: Api) -> None:
    assert (await made(api, amount_cents=-5))["amount_cents"] == -5


async def test_charges_are_shown_in_the_order_they_were_sent(api: Api) -> None:
    calls, storage = await metric(api), await metric(api, "storage")
    graduated = {"billable_metric_id": storage, "charge_model": "graduated", "properties": {"graduated_ranges": RANGES}}
    package = {
        "billable_metric_id": calls, "charge_model": "package", "invoice_display_name": "Packs",
        "properties": {"amount": "5", "free_units": 1, "package_size": 10, "unknown": "dropped"},
        "pay_in_advance": False, "prorated": False, "invoiceable": True, "min_amount_cents": 0, "filters": [],
        "tax_codes": [], "regroup_paid_fees": None, "applied_pricing_unit": None, "accepts_target_wallet": False,
    }  # fmt: skip
    charges = (await made(api, charges=[standard(calls, "0.014"), graduated, package]))["charges"]
    assert [charge["charge_model"] for charge in charges] == ["standard", "graduated", "package"]
    assert [charge["billable_metric_code"] for charge in charges] == ["calls", "storage", "calls"]
    assert charges[0]["properties"] == {"amount": "0.014"}
    assert charges[1]["properties"] == {"graduated_ranges": RANGES}
    first = charges[2]
    assert first.pop("lago_id")
    assert first.pop("created_at")
    assert first == {
        "lago_billable_metric_id": calls, "code": "calls_2", "invoice_display_name": "Packs",
        "billable_metric_code": "calls", "charge_model": "package", "invoiceable": True, "regroup_paid_fees": None,
        "pay_in_advance": False, "prorated": False, "min_amount_cents": 0, "accepts_target_wallet": False,
        "properties": {"amount": "5", "free_units": 1, "package_size": 10}, "applied_pricing_unit": None,
        "lago_parent_id": None, "filters": [], "taxes": [],
    }  # fmt: skip


async def test_decimals_of_properties_come_back_as_they_were_sent(api: Api) -> None:
    body = (
        '{"plan": {"name": "B", "code": "b", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR",'
        ' "pay_in_advance": false, "charges": [{"billable_metric_id": "%s", "charge_model": "graduated", "properties":'
        ' {"graduated_ranges": [{"from_value": 0, "to_value": 0.10, "per_unit_amount": "1.10", "flat_amount": "0"},'
        ' {"from_value": 0.10, "to_value": null, "per_unit_amount": "0", "flat_amount": "0"}]}}]}}'
    ) % await metric(api)
    answer = await api.call("POST", "/plans", content=body.encode())
    assert answer.status_code == 200, answer.text
    assert '"to_value":0.10' in answer.text
    assert '"per_unit_amount":"1.10"' in answer.text


async def test_missing_codes_of_charges_are_numbered_after_the_metric(api: Api) -> None:
    calls = await metric(api)
    sent = [standard(calls), standard(calls, code="calls_7"), standard(calls), standard(calls, code="own")]
    codes = [charge["code"] for charge in (await made(api, charges=sent))["charges"]]
    assert codes == ["calls", "calls_7", "calls_8", "own"]


async def test_properties_that_are_not_sent_are_the_defaults_of_the_model(api: Api) -> None:
    calls = await metric(api)
    sent = [{"billable_metric_id": calls, "charge_model": model} for model in ("standard", "package", "graduated")]
    charges = (await made(api, charges=sent))["charges"]
    assert charges[0]["properties"] == {"amount": "0"}
    assert charges[1]["properties"] == {"package_size": 1, "amount": "0", "free_units": 0}
    assert charges[2]["properties"]["graduated_ranges"][0]["per_unit_amount"] == "0"


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({"charge_model": "lottery"}, {"charge_model": ["value_is_invalid"]}),
        ({"charge_model": None}, {"charge_model": ["value_is_invalid", "value_is_mandatory"]}),
        ({"charge_model": {"a": 1}}, {"charge_model": ["value_is_invalid"]}),
        ({"charge_model": "volume"}, {"properties": ["missing_volume_ranges"]}),
        ({"charge_model": "percentage"}, {"properties": ["invalid_rate"]}),
        (
            {"charge_model": "custom", "properties": {}},
            {"charge_model": ["invalid_aggregation_type_or_charge_model"]},
        ),
        ({"properties": {"amount": 1}}, {"properties": ["invalid_amount"]}),
        ({"properties": {"amount": "-1"}}, {"properties": ["invalid_amount"]}),
        ({"properties": {"amount": "1e999999"}}, {"properties": ["invalid_amount"]}),
        ({"properties": "x"}, {"properties": ["value_is_invalid"]}),
        ({"properties": {"amount": "1", "grouped_by": "a"}}, {"properties": ["invalid_type"]}),
        ({"properties": {"amount": "1", "pricing_group_keys": [1]}}, {"properties": ["invalid_type"]}),
        ({"prorated": True}, {"prorated": ["invalid_billable_metric_or_charge_model"]}),
        ({"filters": "x"}, {"filters": ["value_is_invalid"]}),
        (
            {"filters": [{"values": {"a": ["b"]}}]},
            {"billable_metric_filter": ["relation_must_exist"], "values": ["value_is_invalid"]},
        ),
        ({"tax_codes": [1]}, {"tax_codes": ["value_is_invalid"]}),
        (
            {"min_amount_cents": 5, "pay_in_advance": True},
            {"min_amount_cents": ["not_compatible_with_pay_in_advance"]},
        ),
        ({"min_amount_cents": -5}, {"min_amount_cents": ["value_is_out_of_range"]}),
        ({"invoiceable": False}, {"invoiceable": ["must_be_true_unless_pay_in_advance"]}),
        (
            {"regroup_paid_fees": "invoice"},
            {"regroup_paid_fees": ["only_compatible_with_pay_in_advance_and_non_invoiceable"]},
        ),
        ({"applied_pricing_unit": "x"}, {"applied_pricing_unit": ["value_is_invalid"]}),
        ({"applied_pricing_unit": {"code": "a"}}, {"conversion_rate": ["value_is_mandatory"]}),
        (
            {"applied_pricing_unit": {"code": "a", "conversion_rate": 0}},
            {"conversion_rate": ["value_is_out_of_range"]},
        ),
        (
            {"applied_pricing_unit": {"code": "a", "conversion_rate": 1}},
            {"pricing_unit": ["relation_must_exist"]},
        ),
        ({"code": ["a"]}, {"code": ["value_is_invalid"]}),
    ],
)
async def test_wrong_charges_are_422_and_nothing_is_made(
    api: Api, changes: dict[str, Any], details: dict[str, list[str]]
) -> None:
    assert await errors(api, charges=[standard(await metric(api), **changes)]) == details


async def test_graduated_ranges_without_an_open_end_are_refused(api: Api) -> None:
    properties: dict[str, Any] = {"graduated_ranges": [RANGES[0]]}
    charge = {"billable_metric_id": await metric(api), "charge_model": "graduated", "properties": properties}
    assert await errors(api, charges=[charge]) == {"properties": ["invalid_graduated_ranges"]}


async def test_two_charges_can_not_have_one_code(api: Api) -> None:
    calls = await metric(api)
    twice = [standard(calls, code="a"), standard(calls, code="a")]
    assert await errors(api, charges=twice) == {"code": ["value_already_exist"]}


@pytest.mark.parametrize(
    ("metric_id", "code"),
    [
        ("0190c1a0-0000-7000-8000-000000000000", "billable_metrics_not_found"),
        ("nonsense", "billable_metrics_not_found"),
        ({"a": 1}, "billable_metrics_not_found"),
        (None, "billable_metric_not_found"),
        ("", "billable_metric_not_found"),
    ],
)
async def test_charges_of_metrics_that_are_not_there_are_404(api: Api, metric_id: Any, code: str) -> None:
    answer = await api.post("/plans", {"plan": {**BASIC, "charges": [standard(metric_id)]}})
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert (await api.get("/plans/basic")).status_code == 404


async def test_a_metric_of_another_organization_or_a_deleted_one_is_404(api: Api, stranger: Api) -> None:
    theirs, mine = await metric(stranger), await metric(api)
    await api.delete("/billable_metrics/calls")
    for metric_id in (theirs, mine):
        answer = await api.post("/plans", {"plan": {**BASIC, "charges": [standard(metric_id)]}})
        assert (answer.status_code, answer.json()["code"]) == (404, "billable_metrics_not_found")


async def test_codes_are_unique_while_kept(api: Api) -> None:
    await made(api)
    await made(api, code="other")
    taken = {"code": ["value_already_exist"]}
    assert (await api.post("/plans", {"plan": BASIC})).json()["error_details"] == taken
    assert (await api.put("/plans/other", {"plan": {"code": "basic"}})).json()["error_details"] == taken


async def test_of_many_at_once_one_gets_the_code(api: Api) -> None:
    calls = await metric(api)
    body = {"plan": {**BASIC, "charges": [standard(calls)]}}
    answers = await asyncio.gather(*(api.post("/plans", body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 7


async def test_a_metric_deleted_meanwhile_leaves_no_charge_behind(api: Api) -> None:
    calls = await metric(api)
    body = {"plan": {**BASIC, "charges": [standard(calls)]}}
    answer, _ = await asyncio.gather(api.post("/plans", body), api.delete("/billable_metrics/calls"))
    if answer.status_code == 200:
        assert (await api.get("/plans/basic")).json()["plan"]["charges"] == []
    else:
        assert answer.json()["code"] == "billable_metrics_not_found"


async def test_an_update_changes_what_is_given(api: Api, recorded: Recorded) -> None:
    before = await made(api, charges=[standard(await metric(api))])
    after = await changed(api, name="New", amount_cents=2000)
    assert after == before | {"name": "New", "amount_cents": 2000}
    assert len(recorded.of(PlanUpdated)) == 1
    assert len(recorded.of(PlanAmountChanged)) == 1
    await changed(api, description="d", cascade_updates=True)
    assert len(recorded.of(PlanAmountChanged)) == 1


async def test_an_update_is_judged_as_a_creation_is(api: Api) -> None:
    await made(api)
    answer = await api.put("/plans/basic", {"plan": {"name": "", "amount_currency": "XXX"}})
    assert answer.json()["error_details"] == {
        "name": ["value_is_mandatory"],
        "amount_currency": ["value_is_invalid"],
    }


async def test_the_list_of_charges_replaces_the_one_before(api: Api) -> None:
    calls, storage = await metric(api), await metric(api, "storage")
    first, second = (await made(api, charges=[standard(calls), standard(calls)]))["charges"]
    after = (
        await changed(
            api,
            charges=[standard(storage, "3"), {**standard(calls, "9"), "id": second["lago_id"], "code": "kept"}],
        )
    )["charges"]
    assert [(charge["code"], charge["properties"]["amount"]) for charge in after] == [("storage", "3"), ("kept", "9")]
    assert after[1]["lago_id"] == second["lago_id"]
    assert first["lago_id"] not in [charge["lago_id"] for charge in after]
    assert (await changed(api, name="x"))["charges"] == after
    assert (await changed(api, charges=None))["charges"] == after
    assert (await changed(api, charges=[]))["charges"] == []


async def test_a_removed_charge_frees_its_code_at_once(api: Api) -> None:
    calls = await metric(api)
    await made(api, charges=[standard(calls, code="a")])
    after = (await changed(api, charges=[standard(calls, "2", code="a")]))["charges"]
    assert [(charge["code"], charge["properties"]["amount"]) for charge in after] == [("a", "2")]


async def test_a_charge_of_another_plan_is_not_taken_over(api: Api) -> None:
    calls = await metric(api)
    [theirs] = (await made(api, code="other", charges=[standard(calls)]))["charges"]
    await made(api)
    [mine] = (await changed(api, charges=[{**standard(calls, "5"), "id": theirs["lago_id"]}]))["charges"]
    assert mine["lago_id"] != theirs["lago_id"]
    assert (await api.get("/plans/other")).json()["plan"]["charges"] == [theirs]


async def test_with_a_subscription_terms_are_silently_kept_and_prices_still_change(api: Api) -> None:
    calls, storage = await metric(api), await metric(api, "storage")
    plan = await made(api, charges=[standard(calls)])
    await customer_sent(api)
    async with tenant_work(api.tenant) as work:
        customer_id = (await work.session.execute(sa.select(table(Customer).c.id))).scalar_one()
        work.session.add(
            Subscription(
                organization_id=work.organization_id,
                customer_id=customer_id,
                plan_id=plan["lago_id"],
                external_id="sub",
                subscription_at=clock.now(),
                status="terminated",
            )
        )
    charge = {
        "id": plan["charges"][0]["lago_id"], "billable_metric_id": storage, "charge_model": "package", "code": "x",
        "properties": {"amount": "7"},
    }  # fmt: skip
    after = await changed(
        api, code="new", interval="yearly", pay_in_advance=True, amount_currency="USD", trial_period=3,
        bill_charges_monthly=True, name="New", amount_cents=5, charges=[charge],
    )  # fmt: skip
    locked = {name: plan[name] for name in ("code", "interval", "pay_in_advance", "amount_currency", "trial_period")}
    assert locked.items() <= after.items()
    assert (after["name"], after["amount_cents"], after["bill_charges_monthly"]) == ("New", 5, None)
    [kept] = after["charges"]
    assert (kept["charge_model"], kept["code"], kept["billable_metric_code"]) == ("standard", "calls", "calls")
    assert kept["properties"] == {"amount": "7"}


async def test_the_monthly_flag_follows_what_an_update_leaves_out(api: Api) -> None:
    await made(api, interval="yearly", bill_charges_monthly=True)
    assert (await changed(api, interval="yearly"))["bill_charges_monthly"] is False
    assert (await changed(api, interval="yearly", bill_charges_monthly=True))["bill_charges_monthly"] is True
    assert (await changed(api, name="New"))["bill_charges_monthly"] is None


async def test_deletion_is_asked_for_once_and_keeps_the_plan_until_it_is_done(api: Api, recorded: Recorded) -> None:
    plan = await made(api)
    for _ in range(2):
        assert (await api.delete("/plans/basic")).json()["plan"] == plan | {"pending_deletion": True}
    assert len(recorded.of(PlanDeletionRequested)) == 1
    assert [one["code"] for one in (await api.get("/plans")).json()["plans"]] == ["basic"]
    plan_id = parse_id(plan["lago_id"])
    assert plan_id is not None
    async with tenant_work(api.tenant) as work:
        await remove_plans(work, [plan_id])
    assert (await api.get("/plans")).json()["plans"] == []
    for answer in (
        await api.get("/plans/basic"),
        await api.delete("/plans/basic"),
        await api.put("/plans/basic", {"plan": BASIC}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "plan_not_found")
    await made(api)


async def test_another_organization_sees_nothing(api: Api, stranger: Api) -> None:
    await made(api)
    for answer in (
        await stranger.get("/plans/basic"),
        await stranger.put("/plans/basic", {"plan": {"name": "x"}}),
        await stranger.delete("/plans/basic"),
    ):
        assert answer.status_code == 404
    assert (await stranger.get("/plans")).json()["plans"] == []
    await made(stranger)


async def test_a_page_of_plans_with_charges_costs_a_fixed_number_of_statements(api: Api, statements: list[str]) -> None:
    calls = await metric(api)
    costs = {}
    for count in (1, 30, 100):
        have = (await api.get("/plans")).json()["meta"]["total_count"]
        for number in range(have, count):
            await made(api, code=f"plan{number}", charges=[standard(calls), standard(calls)])
        statements.clear()
        plans = (await api.get("/plans")).json()["plans"]
        assert len(plans) == count
        assert all(len(plan["charges"]) == 2 for plan in plans)
        costs[count] = len(statements)
    assert costs[1] == costs[30] == costs[100] <= 13


async def test_a_plan_of_many_charges_is_written_in_a_fixed_number_of_statements(
    api: Api, statements: list[str]
) -> None:
    calls = await metric(api)
    costs = []
    for count in (2, 200):
        statements.clear()
        await made(api, code=f"plan{count}", charges=[standard(calls) for _ in range(count)])
        costs.append(len(statements))
    assert costs[0] == costs[1]


async def test_more_charges_than_a_plan_may_have_are_refused(api: Api) -> None:
    assert await errors(api, charges=[{}] * 1001) == {"charges": ["too_many_values"]}
