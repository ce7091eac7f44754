"""Every field of the catalog's and the events' bodies, one after the other, holds what no client should send.

No answer is a failure of ours, every refusal names what is wrong, and what is refused leaves nothing behind.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from rest_api.app import rest_routes
from tests.metering_world import Makers, World, makers

__all__ = ["makers"]

NESTED: Any = "deep"
for _ in range(60):
    NESTED = [NESTED]
# Raw JSON, since some of it can't be made by an encoder.
HOSTILE = [
    "null", "true", "false", '""', '" "', "[]", "{}", "[[]]", "[null]", "[{}]", '{"a": {"b": 1}}', json.dumps(NESTED),
    "0", "-0", "-0.0", "-1", "0.1", "1e30", "1e400", "-1e400", "1e-400", str(10**30), str(2**63), str(-(2**63)),
    str(2**31), '"NaN"', '"Infinity"', '"-1"', '"1e5"', '"1_000"', '"٣"', '"0x10"', '"1.5"', '"\\ud800"', '"\\u0000"',
    '"a\\u0000b"', '["\\u0000"]', '{"\\u0000": "\\u0000"}', '"9999-12-31T23:59:59Z"', '"1969-07-20"', '"10000-01-01"',
    "253402300800", "-62135596801", json.dumps("x" * 10_000), json.dumps([str(n) for n in range(2_000)]),
    '"\'; DROP TABLE events; --"', '"%s"', '"🎉"',
]  # fmt: skip
MARK = "@@hostile@@"
Body = dict[str, Any]


def metric(code: str) -> Body:
    return {"billable_metric": {
        "name": "m", "code": code, "description": "d", "aggregation_type": "sum_agg", "field_name": "value",
        "recurring": False, "expression": "event.properties.a * 2", "rounding_function": "round",
        "rounding_precision": 2, "weighted_interval": None, "filters": [{"key": "region", "values": ["eu", "us"]}],
    }}  # fmt: skip


def charge(metric_id: str, code: str) -> Body:
    return {
        "billable_metric_id": metric_id, "code": code, "charge_model": "graduated", "invoiceable": True,
        "pay_in_advance": False, "prorated": False, "min_amount_cents": 5, "invoice_display_name": "c",
        "regroup_paid_fees": None, "accepts_target_wallet": False, "tax_codes": ["vat"],
        "applied_pricing_unit": None,
        "properties": {
            "graduated_ranges": [
                {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "2"},
                {"from_value": 11, "to_value": None, "per_unit_amount": "1", "flat_amount": "2"},
            ],
            "pricing_group_keys": ["cloud"],
            "presentation_group_keys": [{"value": "team", "options": {"display_in_invoice": True}}],
        },
        "filters": [{
            "invoice_display_name": "f", "values": {"region": ["eu"]},
            "properties": {"graduated_ranges": [
                {"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "2"}
            ]},
        }],
    }  # fmt: skip


def other_models() -> list[Body]:
    return [
        {"charge_model": "percentage", "properties": {
            "rate": "1", "fixed_amount": "1", "free_units_per_events": 1, "free_units_per_total_aggregation": "5",
            "per_transaction_min_amount": "1", "per_transaction_max_amount": "3",
        }},
        {"charge_model": "package", "properties": {"amount": "1", "free_units": 1, "package_size": 10}},
        {"charge_model": "volume", "properties": {"volume_ranges": [
            {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "2"},
            {"from_value": 11, "to_value": None, "per_unit_amount": "1", "flat_amount": "2"},
        ]}},
        {"charge_model": "graduated_percentage", "properties": {"graduated_percentage_ranges": [
            {"from_value": 0, "to_value": None, "rate": "1", "flat_amount": "2"},
        ]}},
        {"charge_model": "standard", "properties": {"amount": "1", "grouped_by": ["a"]}},
    ]  # fmt: skip


def plan(metric_id: str, code: str) -> Body:
    return {"plan": {
        "name": "p", "code": code, "interval": "yearly", "amount_cents": 100, "amount_currency": "EUR",
        "pay_in_advance": False, "trial_period": 3, "bill_charges_monthly": True, "bill_fixed_charges_monthly": False,
        "description": "d", "invoice_display_name": "i", "tax_codes": ["vat"], "metadata": {"k": "v"},
        "minimum_commitment": {"amount_cents": 10, "invoice_display_name": "c", "tax_codes": ["vat"]},
        "charges": [charge(metric_id, "c1")],
        "fixed_charges": [{
            "add_on_code": "addon", "charge_model": "standard", "units": 2, "pay_in_advance": False, "prorated": False,
            "code": "fix", "properties": {"amount": "1"}, "invoice_display_name": "x", "tax_codes": ["vat"],
        }],
        "usage_thresholds": [{"amount_cents": 10, "threshold_display_name": "t", "recurring": False}],
    }}  # fmt: skip


def feature(code: str) -> Body:
    return {"feature": {
        "code": code, "name": "f", "description": "d",
        "privileges": [{"code": "max", "name": "m", "value_type": "integer"},
                       {"code": "region", "value_type": "select", "config": {"select_options": ["eu", "us"]}}],
    }}  # fmt: skip


def event() -> Body:
    return {
        "transaction_id": uuid4().hex, "code": "base", "external_subscription_id": "sub", "timestamp": 1711000000,
        "precise_total_amount_cents": "12.5", "properties": {"value": "1", "a": 2, "region": "eu"},
    }  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a body below its root."""
    if len(path) >= 1:
        yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, (*path, index))


def with_hostile(body: Body, path: tuple[Any, ...], hostile: str) -> bytes:
    changed = copy.deepcopy(body)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = MARK
    return json.dumps(changed).replace(f'"{MARK}"', hostile).encode()


async def base(world: World) -> str:
    async def made(path: str, body: Body) -> Any:
        answer = await world.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    await made("/taxes", {"tax": {"name": "VAT", "code": "vat", "rate": 20}})
    add_on = {"name": "a", "code": "addon", "amount_cents": 100, "amount_currency": "EUR"}
    await made("/add_ons", {"add_on": add_on})
    found = await made("/billable_metrics", metric("base"))
    metric_id: str = found["billable_metric"]["lago_id"]
    await made("/features", feature("seats"))
    await made("/plans", plan(metric_id, "base"))
    await made("/customers", {"customer": {"external_id": "cust"}})
    await made("/subscriptions", {"subscription": {
        "external_customer_id": "cust", "external_id": "sub", "plan_code": "base",
    }})  # fmt: skip
    return metric_id


def requests(metric_id: str) -> list[tuple[str, str, Body]]:
    """Method, path and a body that would be taken."""
    code = f"c{uuid4().hex[:10]}"
    add_on = {"name": "a", "code": code, "amount_cents": 100, "amount_currency": "EUR", "description": "d",
              "invoice_display_name": "i", "tax_codes": ["vat"]}  # fmt: skip
    tax = {"name": "t", "code": code, "rate": 10, "description": "d", "applied_to_organization": False}
    expression = {
        "expression": "event.properties.a + 1",
        "event": {"code": "x", "timestamp": 1, "properties": {"a": 1}},
    }
    filter_ = {"values": {"region": ["us"]}, "invoice_display_name": "f", "properties": charge("", "")["properties"],
               "cascade_updates": False}  # fmt: skip
    fixed = {"add_on_code": "addon", "code": code, "charge_model": "standard", "units": "2", "pay_in_advance": False,
             "prorated": False, "properties": {"amount": "1"}, "tax_codes": ["vat"]}  # fmt: skip
    entitlements = {"entitlements": {"seats": {"max": 5, "region": "eu"}}}
    return [
        ("POST", "/billable_metrics", metric(code)),
        ("PUT", "/billable_metrics/base", metric("base")),
        ("POST", "/billable_metrics/evaluate_expression", expression),
        ("POST", "/plans", plan(metric_id, code)),
        ("PUT", "/plans/base", {"plan": {**plan(metric_id, "base")["plan"], "cascade_updates": True}}),
        ("POST", "/plans/base/charges", {"charge": charge(metric_id, code)}),
        ("PUT", "/plans/base/charges/c1", {"charge": {**charge(metric_id, "c1"), "cascade_updates": True}}),
        *[
            ("POST", "/plans/base/charges", {"charge": {"billable_metric_id": metric_id, "code": f"{code}{n}", **each}})
            for n, each in enumerate(other_models())
        ],
        ("POST", "/plans/base/charges/c1/filters", {"filter": filter_}),
        ("POST", "/plans/base/fixed_charges", {"fixed_charge": fixed}),
        ("PUT", "/plans/base/fixed_charges/fix", {"fixed_charge": fixed}),
        ("POST", "/features", feature(code)),
        ("PUT", "/features/seats", feature("seats")),
        ("POST", "/plans/base/entitlements", entitlements),
        ("PATCH", "/plans/base/entitlements", entitlements),
        ("PATCH", "/subscriptions/sub/entitlements", entitlements),
        ("POST", "/add_ons", {"add_on": add_on}),
        ("PUT", "/add_ons/addon", {"add_on": {**add_on, "code": "addon"}}),
        ("POST", "/taxes", {"tax": tax}),
        ("PUT", "/taxes/vat", {"tax": {**tax, "code": "vat"}}),
        ("POST", "/events", {"event": event()}),
        ("POST", "/events/batch", {"events": [event(), event()]}),
        ("POST", "/events/estimate_fees", {"event": event()}),
        ("POST", "/events/estimate_instant_fees", {"event": event()}),
        ("POST", "/events/batch_estimate_instant_fees", {"events": [event(), event()]}),
    ]  # fmt: skip


TABLES = (
    "billable_metrics", "billable_metric_filters", "plans", "charges", "charge_filters", "charge_filter_values",
    "fixed_charges", "add_ons", "taxes", "commitments", "events", "jobs", "features", "privileges", "entitlements",
    "entitlement_values",
)  # fmt: skip


def written(world: World) -> Any:
    counts = ", ".join(f"(SELECT count(*) FROM {table} WHERE organization_id = o.id)" for table in TABLES)
    return world.rows(f"SELECT {counts} FROM organizations AS o WHERE id = %s", world.tenant.organization_id)


TRIED = 0.12
"""The part of all places that one run tries, each with one value."""


async def test_no_field_of_a_body_breaks_the_server_or_leaves_half_of_it_written(makers: Makers) -> None:
    chance = random.Random(20241127)
    world = await makers.organization(routes=rest_routes())
    metric_id = await base(world)
    refused = 0
    for number in range(len(requests(metric_id))):
        method, path, template = requests(metric_id)[number]
        for place in places(template):
            if chance.random() < TRIED:
                hostile = chance.choice(HOSTILE)
                _, _, body = requests(metric_id)[number]
                content = with_hostile(body, place, hostile)
                before = written(world) if chance.random() < 0.5 else None
                told = f"{method} {path} {'.'.join(map(str, place))} = {hostile[:60]}"
                try:
                    answer = await world.client.request(
                        method, f"/api/v1{path}", content=content, headers={"authorization": f"Bearer {world.key}"}
                    )
                except Exception as error:
                    raise AssertionError(f"{told}: {error!r}") from error
                assert answer.status_code < 500, f"{told}: {answer.text}"
                if answer.status_code >= 400:
                    refused += 1
                    said = answer.json()
                    assert said.get("code") or said.get("error"), told
                    if answer.status_code == 422:
                        assert said["error_details"], f"{told}: {answer.text}"
                    assert before is None or written(world) == before, told
    assert refused > 20
