"""Coupons and applied coupons over GraphQL."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.graphql_api.conftest import Caller

COUPON = """
    id name code description couponType amountCents amountCurrency percentageRate frequency frequencyDuration
    expiration expirationAt reusable limitedPlans limitedBillableMetrics status terminatedAt appliedCouponsCount
    customersCount plans { code } billableMetrics { code } organization { id }
"""
APPLIED = """
    id status amountCents amountCentsRemaining amountCurrency percentageRate frequency frequencyDuration
    frequencyDurationRemaining terminatedAt coupon { code } customer { externalId }
"""
CREATE = f"mutation A($input: CreateCouponInput!) {{ createCoupon(input: $input) {{ {COUPON} }} }}"
UPDATE = f"mutation A($input: UpdateCouponInput!) {{ updateCoupon(input: $input) {{ {COUPON} }} }}"
TERMINATE = "mutation A($input: TerminateCouponInput!) { terminateCoupon(input: $input) { status terminatedAt } }"
DESTROY = "mutation A($input: DestroyCouponInput!) { destroyCoupon(input: $input) { id clientMutationId } }"
APPLY = f"mutation A($input: CreateAppliedCouponInput!) {{ createAppliedCoupon(input: $input) {{ {APPLIED} }} }}"
REMOVE = "mutation A($input: TerminateAppliedCouponInput!) { terminateAppliedCoupon(input: $input) { id status } }"
COUPONS = """
    query C($status: CouponStatusEnum, $term: String) {
        coupons(limit: 10, status: $status, searchTerm: $term) { collection { code } metadata { totalCount } }
    }
"""


async def coupon(caller: Caller, code: str, **changes: Any) -> Any:
    fields = {"name": code, "code": code, "couponType": "fixed_amount", "amountCents": "1000", "amountCurrency": "EUR",
              "frequency": "once", "expiration": "no_expiration", **changes}  # fmt: skip
    return (await caller.data(CREATE, {"input": fields}))["createCoupon"]


async def customer(caller: Caller, external_id: str) -> str:
    document = "mutation A($input: CreateCustomerInput!) { createCustomer(input: $input) { id } }"
    return str((await caller.data(document, {"input": {"externalId": external_id}}))["createCustomer"]["id"])


async def metric(caller: Caller, code: str) -> str:
    document = "mutation A($input: CreateBillableMetricInput!) { createBillableMetric(input: $input) { id } }"
    fields = {"name": code, "code": code, "description": "", "aggregationType": "count_agg"}
    return str((await caller.data(document, {"input": fields}))["createBillableMetric"]["id"])


async def test_a_coupon_is_made_changed_ended_and_deleted(admin: Caller, stranger: Caller) -> None:
    calls = await metric(admin, "calls")
    made = await coupon(
        admin, "rate", couponType="percentage", amountCents=None, amountCurrency=None, percentageRate=33.33,
        frequency="recurring", frequencyDuration=3, expiration="time_limit", expirationAt="2099-01-01T00:00:00Z",
        reusable=False, appliesTo={"billableMetricIds": [calls]}, description="d",
    )  # fmt: skip
    coupon_id = made.pop("id")
    assert made == {
        "name": "rate", "code": "rate", "description": "d", "couponType": "percentage", "amountCents": None,
        "amountCurrency": None, "percentageRate": 33.33, "frequency": "recurring", "frequencyDuration": 3,
        "expiration": "time_limit", "expirationAt": "2099-01-01T00:00:00Z", "reusable": False, "limitedPlans": False,
        "limitedBillableMetrics": True, "status": "active", "terminatedAt": None, "appliedCouponsCount": 0,
        "customersCount": 0, "plans": [], "billableMetrics": [{"code": "calls"}],
        "organization": {"id": admin.organization_id},
    }  # fmt: skip
    change = {"id": coupon_id, "name": "New", "couponType": "percentage", "frequency": "forever",
              "expiration": "no_expiration", "expirationAt": None, "appliesTo": {"billableMetricIds": []}}  # fmt: skip
    changed = (await admin.data(UPDATE, {"input": change}))["updateCoupon"]
    assert (changed["name"], changed["frequency"], changed["limitedBillableMetrics"]) == ("New", "forever", False)
    for query in (f"query A($id: ID!) {{ coupon(id: $id) {{ {COUPON} }} }}",):
        assert (await admin.data(query, {"id": coupon_id}))["coupon"] == changed
        assert (await stranger.error(query, {"id": coupon_id}))["code"] == "not_found"
    assert (await admin.data(COUPONS, {"term": "rat"}))["coupons"]["metadata"] == {"totalCount": 1}
    ended = (await admin.data(TERMINATE, {"input": {"id": coupon_id}}))["terminateCoupon"]
    assert ended["status"] == "terminated"
    assert ended["terminatedAt"]
    assert (await admin.data(COUPONS, {"status": "active"}))["coupons"]["collection"] == []
    removed = (await admin.data(DESTROY, {"input": {"id": coupon_id, "clientMutationId": "m"}}))["destroyCoupon"]
    assert removed == {"id": coupon_id, "clientMutationId": "m"}
    for document in (TERMINATE, DESTROY):
        assert (await admin.error(document, {"input": {"id": coupon_id}}))["details"] == {"coupon": ["not_found"]}


async def test_wrong_terms_are_named(admin: Caller) -> None:
    fields = {"name": " ", "code": "wrong", "couponType": "fixed_amount", "frequency": "recurring",
              "expiration": "time_limit", "expirationAt": "2001-01-01T00:00:00Z"}  # fmt: skip
    assert (await admin.error(CREATE, {"input": fields}))["details"] == {
        "name": ["value_is_mandatory"], "amountCents": ["value_is_mandatory"], "amountCurrency": ["value_is_invalid"],
        "frequencyDuration": ["value_is_mandatory"], "expirationAt": ["invalid_date"],
    }  # fmt: skip
    unknown = {**fields, "name": "n", "amountCents": 1, "amountCurrency": "EUR", "frequency": "once",
               "expirationAt": None, "appliesTo": {"planIds": [str(uuid4())]}}  # fmt: skip
    assert (await admin.error(CREATE, {"input": unknown}))["details"] == {"plans": ["not_found"]}


async def test_a_customer_is_given_a_coupon_and_loses_it(admin: Caller, stranger: Caller) -> None:
    made, person = await coupon(admin, "ten"), await customer(admin, "c")
    foreign = await customer(stranger, "c")
    given = await admin.data(APPLY, {"input": {"couponId": made["id"], "customerId": person, "amountCents": "700"}})
    applied = given["createAppliedCoupon"]
    applied_id = applied.pop("id")
    assert applied == {
        "status": "active", "amountCents": "700", "amountCentsRemaining": "700", "amountCurrency": "EUR",
        "percentageRate": None, "frequency": "once", "frequencyDuration": None, "frequencyDurationRemaining": None,
        "terminatedAt": None, "coupon": {"code": "ten"}, "customer": {"externalId": "c"},
    }  # fmt: skip
    counts = "query A($id: ID!) { coupon(id: $id) { appliedCouponsCount customersCount } }"
    assert (await admin.data(counts, {"id": made["id"]}))["coupon"] == {"appliedCouponsCount": 1, "customersCount": 1}
    of_customer = "query A($id: ID!) { customer(id: $id) { appliedCoupons { id amountCentsRemaining } } }"
    listed = (await admin.data(of_customer, {"id": person}))["customer"]["appliedCoupons"]
    assert listed == [{"id": applied_id, "amountCentsRemaining": "700"}]
    query = """
        query A($code: [String!], $status: AppliedCouponStatusEnum) {
            appliedCoupons(couponCode: $code, status: $status, externalCustomerId: "c") { collection { id } }
        }
    """
    assert (await admin.data(query, {"code": ["ten"]}))["appliedCoupons"]["collection"] == [{"id": applied_id}]
    assert (await admin.data(query, {"status": "terminated"}))["appliedCoupons"]["collection"] == []
    for ids in ({"couponId": made["id"], "customerId": foreign}, {"couponId": made["id"], "customerId": "x"}):
        assert (await admin.error(APPLY, {"input": ids}))["details"] == {"customer": ["not_found"]}
    error = await admin.error(APPLY, {"input": {"couponId": str(uuid4()), "customerId": person}})
    assert error["details"] == {"coupon": ["not_found"]}
    removed = (await admin.data(REMOVE, {"input": {"id": applied_id}}))["terminateAppliedCoupon"]
    assert removed == {"id": applied_id, "status": "terminated"}
    assert (await admin.data(of_customer, {"id": person}))["customer"]["appliedCoupons"] == []
    error = await stranger.error(REMOVE, {"input": {"id": applied_id}})
    assert error["details"] == {"appliedCoupon": ["not_found"]}
