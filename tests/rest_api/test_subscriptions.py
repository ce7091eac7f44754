"""/api/v1/subscriptions: who gets which subscription when, and what is asked to be billed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.billing.events import BillingDue
from domain.subscriptions.events import (
    SubscriptionCanceled,
    SubscriptionStarted,
    SubscriptionTerminated,
    SubscriptionUpdated,
)
from tests.rest_api.conftest import Api, Recorded


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def plan(api: Api, code: str = "basic", **fields: Any) -> str:
    body = {
        "name": code, "code": code, "interval": "monthly", "amount_cents": 1_000, "amount_currency": "EUR",
        "pay_in_advance": False, **fields,
    }  # fmt: skip
    assert (await api.post("/plans", {"plan": body})).status_code == 200
    return code


async def subscribe(api: Api, external_id: str = "sub", plan_code: str = "basic", **fields: Any) -> dict[str, Any]:
    response = await ask(api, external_id, plan_code, **fields)
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()["subscription"]
    return shown


async def ask(api: Api, external_id: str = "sub", plan_code: str = "basic", **fields: Any) -> Any:
    body = {"external_customer_id": "cust", "external_id": external_id, "plan_code": plan_code, **fields}
    return await api.post("/subscriptions", {"subscription": body})


async def test_a_subscription_that_starts_today_is_active_and_shown_with_its_plan(api: Api) -> None:
    await plan(api)
    shown = await subscribe(api, name="Main")
    assert shown["status"] == "active"
    assert shown["name"] == "Main"
    assert shown["plan"]["code"] == shown["plan_code"] == "basic"
    assert shown["started_at"].endswith("Z")
    assert len(shown["started_at"]) == len("2024-03-01T12:00:00.250Z")
    assert shown["external_customer_id"] == "cust"
    assert shown["previous_plan_code"] is shown["next_plan_code"] is shown["terminated_at"] is None
    again = (await api.get("/subscriptions/sub")).json()["subscription"]
    assert again == shown


async def test_an_unknown_customer_is_made_with_the_currency_of_the_plan(api: Api) -> None:
    await plan(api)
    await subscribe(api)
    customer = (await api.get("/customers/cust")).json()["customer"]
    assert customer["currency"] == "EUR"


async def test_a_plan_in_arrears_bills_nothing_at_the_start(api: Api, recorded: Recorded) -> None:
    await plan(api)
    shown = await subscribe(api)
    assert [str(event.subscription_ids[0]) for event in recorded.of(SubscriptionStarted)] == [shown["lago_id"]]
    assert recorded.of(BillingDue) == []


async def test_a_plan_paid_in_advance_bills_its_start_without_usage(api: Api, recorded: Recorded) -> None:
    await plan(api, pay_in_advance=True)
    await subscribe(api)
    (due,) = recorded.of(BillingDue)
    assert (due.reason, due.skip_charges) == ("subscription_starting", True)


async def test_a_trial_keeps_the_first_bill_of_a_plan_in_advance_away(api: Api, recorded: Recorded) -> None:
    await plan(api, pay_in_advance=True, trial_period=10)
    await subscribe(api)
    assert recorded.of(BillingDue) == []


async def test_a_start_in_the_future_is_pending(api: Api, recorded: Recorded) -> None:
    await plan(api)
    shown = await subscribe(api, subscription_at=ago(-5))
    assert (shown["status"], shown["started_at"]) == ("pending", None)
    assert recorded.of(SubscriptionStarted) == []
    assert (await api.get("/subscriptions/sub")).status_code == 404
    assert (await api.get("/subscriptions/sub?status=pending")).json()["subscription"]["status"] == "pending"


async def test_a_start_in_the_past_is_active_since_then_and_billed_on_the_next_billing_day(
    api: Api, recorded: Recorded
) -> None:
    await plan(api, pay_in_advance=True)
    begun = ago(40)
    shown = await subscribe(api, subscription_at=begun)
    assert shown["status"] == "active"
    assert shown["started_at"][:19] == begun[:19]
    assert recorded.of(BillingDue) == []


async def test_the_same_plan_again_changes_nothing(api: Api) -> None:
    await plan(api)
    first = await subscribe(api)
    assert (await subscribe(api))["lago_id"] == first["lago_id"]


async def test_a_dearer_plan_is_an_upgrade_at_once_billed_together_with_the_old_one(
    api: Api, recorded: Recorded
) -> None:
    await plan(api)
    await plan(api, "premium", amount_cents=300, interval="weekly", pay_in_advance=True)
    old = await subscribe(api, billing_time="anniversary")
    new = await subscribe(api, plan_code="premium")
    assert new["lago_id"] != old["lago_id"]
    assert (new["previous_plan_code"], new["subscription_at"]) == ("basic", old["subscription_at"])
    assert new["billing_time"] == "anniversary"
    ended = (await api.get("/subscriptions/sub?status=terminated")).json()["subscription"]
    assert (ended["lago_id"], ended["next_plan_code"]) == (old["lago_id"], "premium")
    (due,) = recorded.of(BillingDue)
    assert due.reason == "upgrading"
    assert [str(each) for each in due.subscription_ids] == [old["lago_id"], new["lago_id"]]


async def test_a_plan_of_the_same_yearly_amount_is_an_upgrade(api: Api) -> None:
    await plan(api)
    await plan(api, "yearly", interval="yearly", amount_cents=12_000)
    await subscribe(api)
    assert (await subscribe(api, plan_code="yearly"))["plan_code"] == "yearly"


async def test_a_cheaper_plan_waits_for_the_end_of_the_period(api: Api, recorded: Recorded) -> None:
    await plan(api)
    await plan(api, "light", amount_cents=999)
    await plan(api, "lighter", amount_cents=998)
    current = await subscribe(api)
    shown = await subscribe(api, plan_code="light")
    assert (shown["lago_id"], shown["plan_code"], shown["next_plan_code"]) == (current["lago_id"], "basic", "light")
    period_end = datetime.fromisoformat(shown["current_billing_period_ending_at"]).date()
    assert shown["downgrade_plan_date"] == str(period_end + timedelta(days=1))
    assert len(recorded.of(SubscriptionUpdated)) == 1
    # Thinking again replaces what was planned.
    assert (await subscribe(api, plan_code="lighter"))["next_plan_code"] == "lighter"
    canceled = (await api.get("/subscriptions?status[]=canceled")).json()["subscriptions"]
    assert [each["plan_code"] for each in canceled] == ["light"]


async def test_a_pending_subscription_changes_its_plan_in_place(api: Api) -> None:
    await plan(api)
    await plan(api, "premium", amount_cents=9_000)
    first = await subscribe(api, subscription_at=ago(-5))
    second = await subscribe(api, plan_code="premium")
    assert (second["lago_id"], second["plan_code"]) == (first["lago_id"], "premium")


async def test_ending_bills_what_is_owed_and_cancels_what_was_planned(api: Api, recorded: Recorded) -> None:
    await plan(api)
    await plan(api, "light", amount_cents=1)
    shown = await subscribe(api)
    await subscribe(api, plan_code="light")
    ended = (await api.delete("/subscriptions/sub")).json()["subscription"]
    assert (ended["status"], ended["lago_id"]) == ("terminated", shown["lago_id"])
    assert ended["terminated_at"] is not None
    assert recorded.of(BillingDue)[-1].reason == "subscription_terminating"
    assert [str(event.subscription_ids[0]) for event in recorded.of(SubscriptionTerminated)] == [shown["lago_id"]]
    assert (await api.get("/subscriptions?status[]=canceled")).json()["meta"]["total_count"] == 1
    assert (await api.delete("/subscriptions/sub")).status_code == 404


async def test_ending_without_a_bill(api: Api, recorded: Recorded) -> None:
    await plan(api)
    await subscribe(api)
    ended = (await api.delete("/subscriptions/sub?on_termination_invoice=skip")).json()["subscription"]
    assert ended["on_termination_invoice"] == "skip"
    assert recorded.of(BillingDue) == []


async def test_what_becomes_of_days_paid_in_advance_is_kept_on_the_subscription(api: Api) -> None:
    await plan(api, pay_in_advance=True)
    for mode, kept in (("", "credit"), ("?on_termination_credit_note=skip", "skip")):
        await subscribe(api)
        ended = await api.delete(f"/subscriptions/sub{mode}")
        assert ended.json()["subscription"]["on_termination_credit_note"] == kept
    await plan(api, "arrears")
    await subscribe(api, plan_code="arrears")
    ended = await api.delete("/subscriptions/sub?on_termination_credit_note=refund")
    assert ended.json()["subscription"]["on_termination_credit_note"] is None
    await subscribe(api)
    wrong = await api.delete("/subscriptions/sub?on_termination_credit_note=gift")
    assert wrong.json()["error_details"] == {"on_termination_credit_note": ["value_is_invalid"]}


async def test_a_pending_subscription_is_canceled(api: Api) -> None:
    await plan(api)
    await subscribe(api, subscription_at=ago(-5))
    ended = (await api.delete("/subscriptions/sub?status=pending")).json()["subscription"]
    assert (ended["status"], ended["terminated_at"]) == ("canceled", None)
    assert ended["canceled_at"] is not None


async def test_calling_off_a_downgrade_is_told_of_both(api: Api, recorded: Recorded) -> None:
    await plan(api)
    await plan(api, "cheap", amount_cents=1)
    current = await subscribe(api)
    await subscribe(api, plan_code="cheap")
    recorded.clear()
    ended = (await api.delete("/subscriptions/sub?status=pending")).json()["subscription"]
    assert ended["status"] == "canceled"
    for kind, row in ((SubscriptionUpdated, current), (SubscriptionCanceled, ended)):
        assert [str(each.subscription_ids[0]) for each in recorded.of(kind)] == [row["lago_id"]]


async def test_editing_changes_what_was_given_and_nothing_else(api: Api, recorded: Recorded) -> None:
    await plan(api)
    await subscribe(api, name="Before", purchase_order_number="PO-1")
    ending = ago(-400)
    response = await api.put("/subscriptions/sub", {"subscription": {"name": "After", "ending_at": ending}})
    shown = response.json()["subscription"]
    assert (shown["name"], shown["ending_at"], shown["purchase_order_number"]) == ("After", ending, "PO-1")
    assert len(recorded.of(SubscriptionUpdated)) == 1


async def test_the_only_subscription_of_an_external_id_is_edited_whatever_its_status(api: Api) -> None:
    await plan(api)
    await plan(api, "cheap", amount_cents=1)
    await subscribe(api, subscription_at=ago(-30))
    early = await api.put("/subscriptions/sub", {"subscription": {"ending_at": ago(-20)}})
    assert early.json()["error_details"] == {"ending_at": ["invalid_date"]}
    wrong = {"on_termination_invoice": "perhaps", "on_termination_credit_note": "perhaps"}
    refused = await api.put("/subscriptions/sub", {"subscription": wrong})
    assert refused.json()["error_details"] == {"on_termination_invoice": ["invalid_value"]}
    shown = (await api.put("/subscriptions/sub", {"subscription": {"name": "Later"}})).json()["subscription"]
    assert (shown["status"], shown["name"]) == ("pending", "Later")
    await subscribe(api, "other")
    await subscribe(api, "other", "cheap")
    shown = (await api.put("/subscriptions/other", {"subscription": {"name": "Now"}})).json()["subscription"]
    assert (shown["status"], shown["name"]) == ("active", "Now")
    shown = (await api.put("/subscriptions/other?status=pending", {"subscription": {"name": "Then"}})).json()
    assert (shown["subscription"]["status"], shown["subscription"]["name"]) == ("pending", "Then")


async def test_moving_the_start_of_a_pending_one_to_the_past_activates_it(api: Api, recorded: Recorded) -> None:
    await plan(api)
    await subscribe(api, subscription_at=ago(-5))
    response = await api.put("/subscriptions/sub?status=pending", {"subscription": {"subscription_at": ago(3)}})
    assert response.json()["subscription"]["status"] == "active"
    assert len(recorded.of(SubscriptionStarted)) == 1


async def test_the_list_shows_active_ones_unless_asked_otherwise(api: Api, stranger: Api) -> None:
    await plan(api)
    await plan(stranger)
    await subscribe(api, "one")
    await subscribe(api, "two")
    await subscribe(api, "later", subscription_at=ago(-5))
    await subscribe(stranger, "theirs")
    listed = (await api.get("/subscriptions")).json()
    assert {each["external_id"] for each in listed["subscriptions"]} == {"one", "two"}
    assert (await api.get("/subscriptions?status[]=pending")).json()["meta"]["total_count"] == 1
    assert (await api.get("/customers/cust/subscriptions?per_page=1")).json()["meta"]["total_pages"] == 2
    assert (await api.get("/customers/nobody/subscriptions")).json()["code"] == "customer_not_found"
    assert (await api.get("/subscriptions?status[]=asleep")).status_code == 422


async def test_a_page_costs_the_same_however_long(api: Api, statements: list[str]) -> None:
    await plan(api)
    await subscribe(api, "first")
    del statements[:]
    await api.get("/subscriptions")
    one = len(statements)
    for number in range(8):
        await subscribe(api, f"more-{number}")
    del statements[:]
    assert len((await api.get("/subscriptions")).json()["subscriptions"]) == 9
    assert len(statements) == one


@pytest.mark.parametrize(
    ("fields", "status", "details"),
    [
        ({"external_id": " "}, 422, {"external_id": ["value_is_mandatory"]}),
        ({"external_customer_id": ""}, 422, {"external_customer_id": ["value_is_mandatory"]}),
        ({"billing_time": "lunar"}, 422, {"billing_time": ["value_is_invalid"]}),
        ({"subscription_at": "soon"}, 422, {"subscription_at": ["invalid_date"]}),
        ({"ending_at": "2001-01-01T00:00:00Z"}, 422, {"ending_at": ["invalid_date"]}),
        ({"external_id": {"a": 1}}, 422, {"external_id": ["value_is_invalid"]}),
        ({"external_id": "x" * 300}, 422, {"external_id": ["value_is_too_long"]}),
        ({"name": "a\x00b"}, 422, {"name": ["value_is_invalid"]}),
        ({"consolidate_invoice": "perhaps"}, 422, {"consolidate_invoice": ["value_is_invalid"]}),
        (
            {"payment_method": {"payment_method_type": "cheque"}, "name": "x" * 300},
            422,
            {"payment_method": ["invalid_payment_method"], "name": ["value_is_too_long"]},
        ),
        ({"activation_rules": {"type": "payment"}}, 422, {"activation_rules": ["invalid_format"]}),
        (
            {"activation_rules": [{"type": "signature", "timeout_hours": -1}]},
            422,
            {
                "activation_rules": ["invalid_type"],
                "timeout_hours": ["value_must_be_positive_or_zero"],
            },
        ),
        (
            {"activation_rules": [{"type": "payment"}, {"type": "payment"}]},
            422,
            {
                "activation_rules": ["duplicated_type"],
                "customer": ["no_linked_payment_provider"],
            },
        ),
        (
            {"activation_rules": [{"type": "payment", "timeout_hours": 4}]},
            422,
            {
                "customer": ["no_linked_payment_provider"],
            },
        ),
        ({"subscription_at": "9999-12-31T23:59:59Z"}, 422, {"subscription_at": ["value_is_out_of_range"]}),
        ({"subscription_at": "0001-01-01"}, 422, {"subscription_at": ["value_is_out_of_range"]}),
        ({"plan_code": "nothing"}, 404, None),
        ({"plan_code": 7}, 404, None),
        ({"billing_entity_code": "nobody"}, 404, None),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_made(
    api: Api, fields: dict[str, Any], status: int, details: object
) -> None:
    await plan(api)
    response = await ask(api, **fields)
    assert (response.status_code, response.json().get("error_details")) == (status, details)
    assert (await api.get("/subscriptions")).json()["meta"]["total_count"] == 0


async def test_rules_and_reasons_of_activation_are_shown_and_no_rule_can_be_added_afterwards(api: Api) -> None:
    await plan(api)
    shown = (await ask(api, activation_rules=[])).json()["subscription"]
    assert (shown["activation_rules"], shown["cancellation_reason"]) == ([], None)
    body = {"subscription": {"activation_rules": [{"type": "payment"}]}}
    answer = await api.put(f"/subscriptions/{shown['external_id']}", body)
    assert answer.json()["error_details"] == {"activation_rules": ["subscription_not_pending"]}


async def test_an_external_id_that_another_customer_uses_is_taken(api: Api, stranger: Api) -> None:
    await plan(api)
    await plan(stranger)
    await subscribe(api)
    response = await ask(api, external_customer_id="another")
    assert response.json()["error_details"] == {"external_id": ["value_already_exist"]}
    # Another organization's are its own affair.
    await subscribe(stranger)


async def test_of_many_at_once_one_subscription_comes_to_be(api: Api) -> None:
    await plan(api)
    answers = await asyncio.gather(*(ask(api, external_customer_id=f"cust-{n % 3}") for n in range(9)))
    assert {answer.status_code for answer in answers} <= {200, 422}
    assert any(answer.status_code == 200 for answer in answers)
    assert (await api.get("/subscriptions")).json()["meta"]["total_count"] == 1


async def test_what_belongs_to_another_organization_is_not_found(api: Api, stranger: Api) -> None:
    await plan(stranger)
    await subscribe(stranger, "theirs")
    assert (await api.get("/subscriptions/theirs")).json()["code"] == "subscription_not_found"
    assert (await api.put("/subscriptions/theirs", {"subscription": {"name": "x"}})).status_code == 404
    assert (await api.delete("/subscriptions/theirs")).status_code == 404
    assert (await ask(api, plan_code="basic")).json()["code"] == "plan_not_found"


async def test_a_body_without_its_root_is_a_bad_request(api: Api) -> None:
    response = await api.post("/subscriptions", {"plan_code": str(uuid4())})
    assert response.status_code == 400
    assert response.json()["error"].endswith("invalid: subscription")
