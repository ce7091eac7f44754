"""/api/v1/wallets and /api/v1/wallet_transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from domain.credits.wallets.flags import refresh_flagged
from domain.credits.wallets.threshold import top_up_intervals
from domain.credits.wallets.top_up_invoices import follow_payments
from domain.credits.wallets.update import terminate_expired, terminate_expired_rules
from domain.kernel.unit_of_work import tenant_work
from tests.background import Background, background
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api

NOW = "2024-03-01T10:00:00Z"


@pytest.fixture
def jobs(api: Api) -> Iterator[Background]:
    with background() as kept:
        yield kept


@pytest.fixture
def world(api: Api, jobs: Background) -> Iterator[World]:
    with World(instant(NOW), organization_id=api.tenant.organization_id, adopted=True) as world:
        world.execute(
            "UPDATE organizations SET sandbox = true, frozen_at = %s WHERE id = %s", world.now, world.organization_id
        )
        yield world


async def created(api: Api, world: World, jobs: Background, **more: Any) -> dict[str, Any]:
    """A wallet of the customer `ada`, with what came with it."""
    if not world.rows("customers", external_id="ada"):
        world.customer(external_id="ada", currency="EUR")
    body = {"external_customer_id": "ada", "rate_amount": "1", "currency": "EUR", **more}
    answer = await api.post("/wallets", {"wallet": body})
    assert answer.status_code == 200, answer.text
    await jobs.run(world.tenant)
    return dict(answer.json()["wallet"])


async def shown(api: Api, wallet: dict[str, Any]) -> dict[str, Any]:
    return dict((await api.get(f"/wallets/{wallet['lago_id']}")).json()["wallet"])


async def test_a_new_wallet_is_empty_until_its_credits_follow(api: Api, world: World, jobs: Background) -> None:
    world.metric("calls")
    wallet = await created(
        api, world, jobs, name="Big Wallet", granted_credits="10.123456", paid_credits="5", rate_amount="1.5",
        priority=7, expiration_at="2025-01-01T00:00:00Z", purchase_order_number="PO-1", transaction_name="First",
        transaction_priority=3, transaction_metadata=[{"key": "a", "value": "b"}], metadata={"tier": "gold"},
        applies_to={"fee_types": ["charge"], "billable_metric_codes": ["calls"]},
        paid_top_up_min_amount_cents=100, paid_top_up_max_amount_cents=1000,
    )  # fmt: skip
    assert (wallet["balance_cents"], wallet["credits_balance"], wallet["code"]) == (0, "0.0", "big_wallet")
    assert wallet["metadata"] == {"tier": "gold"}
    assert wallet["applies_to"] == {"fee_types": ["charge"], "billable_metric_codes": ["calls"]}
    now = await shown(api, wallet)
    assert (now["balance_cents"], now["credits_balance"], now["ongoing_balance_cents"]) == (1519, "10.12667", 1519)
    assert (now["priority"], now["rate_amount"], now["expiration_at"]) == (7, "1.5", "2025-01-01T00:00:00Z")
    rows = (await api.get(f"/wallets/{wallet['lago_id']}/wallet_transactions")).json()["wallet_transactions"]
    assert [(row["transaction_status"], row["status"], row["amount"], row["priority"]) for row in rows] == [
        ("granted", "settled", "15.19", 3), ("purchased", "pending", "7.5", 3)
    ]  # fmt: skip
    assert rows[0]["metadata"] == [{"key": "a", "value": "b"}]
    assert (rows[0]["remaining_amount_cents"], rows[0]["remaining_credit_amount"]) == (1519, "10.12667")
    assert (rows[1]["remaining_amount_cents"], rows[1]["name"]) == (None, "First")
    invoice = (await api.get(f"/invoices/{rows[1]['lago_invoice_id']}")).json()["invoice"]
    assert (invoice["invoice_type"], invoice["status"], invoice["total_amount_cents"]) == ("credit", "finalized", 750)
    assert (invoice["purchase_order_number"], invoice["taxes_amount_cents"]) == ("PO-1", 0)
    (fee,) = invoice["fees"]
    assert (fee["item"]["type"], fee["item"]["lago_item_id"], fee["units"]) == ("credit", rows[1]["lago_id"], "5.0")
    assert (fee["item"]["invoice_display_name"], fee["precise_unit_amount"]) == ("First", "1.5")


async def test_every_wrong_field_of_a_new_wallet_is_named_at_once(api: Api, world: World) -> None:
    world.customer(external_id="ada", currency="EUR")
    answer = await api.post(
        "/wallets",
        {
            "wallet": {
                "external_customer_id": "nobody", "rate_amount": "0", "currency": "XXX", "paid_credits": 5,
                "granted_credits": "-1", "expiration_at": "2020-01-01", "priority": 51,
                "paid_top_up_min_amount_cents": 10, "paid_top_up_max_amount_cents": 9,
                "applies_to": {"fee_types": ["nothing"], "billable_metric_codes": ["unknown"]},
                "transaction_metadata": [{"key": "a", "value": "b", "more": "c"}],
                "payment_method": {"payment_method_type": "magic"},
                "recurring_transaction_rules": [{"trigger": "interval"}],
            }
        },
    )  # fmt: skip
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {
        "customer": ["customer_not_found"], "rate_amount": ["value_is_out_of_range"],
        "currency": ["value_is_invalid"], "paid_credits": ["invalid_paid_credits", "invalid_amount"],
        "granted_credits": ["invalid_granted_credits", "invalid_amount"], "expiration_at": ["invalid_date"],
        "priority": ["value_is_invalid"],
        "paid_top_up_max_amount_cents": ["must_be_greater_than_or_equal_min"],
        "applies_to": ["invalid_limitations"], "allowed_fee_types": ["invalid_fee_types"],
        "billable_metrics": ["invalid_identifier"], "metadata": ["invalid_key_value_pair"],
        "payment_method": ["invalid_payment_method"],
        "recurring_transaction_rules": ["invalid_recurring_rule"],
    }  # fmt: skip
    valid = {"external_customer_id": "ada", "rate_amount": "1", "currency": "EUR"}
    for wrong, details in (
        ({"paid_credits": "0.004"}, {"paid_credits": ["amount_rounds_to_zero"]}),
        ({"paid_credits": "1e24"}, {"paid_credits": ["invalid_paid_credits", "invalid_amount"]}),
        (
            {"paid_credits": "1", "paid_top_up_min_amount_cents": 200},
            {"paid_credits": ["amount_below_minimum"]},
        ),
        ({"paid_credits": "3", "paid_top_up_max_amount_cents": 200}, {"paid_credits": ["amount_above_maximum"]}),
        (
            {"recurring_transaction_rules": [{"trigger": "interval"}, {"trigger": "interval"}]},
            {"recurring_transaction_rules": ["invalid_number_of_recurring_rules"]},
        ),
        (
            {
                "recurring_transaction_rules": [
                    {
                        "trigger": "threshold",
                        "threshold_credits": "9",
                        "method": "target",
                        "target_ongoing_balance": "8",
                    }
                ]
            },
            {"target_ongoing_balance": ["must_be_greater_than_or_equal_threshold"]},
        ),
        ({"metadata": {"a": {"b": "c"}}}, {"metadata": ["nested_structure_not_allowed"]}),
    ):
        answer = await api.post("/wallets", {"wallet": {**valid, **wrong}})
        assert (answer.status_code, answer.json()["error_details"]) == (422, details)
    answer = await api.post("/wallets", {"wallet": {**valid, "billing_entity_code": "unknown"}})
    assert (answer.status_code, answer.json()["code"]) == (404, "billing_entity_not_found")
    assert not world.rows("wallets")


async def test_a_customer_has_six_active_wallets_of_different_codes(api: Api, world: World, jobs: Background) -> None:
    first = await created(api, world, jobs, code="main")
    body = {"external_customer_id": "ada", "rate_amount": "1", "currency": "EUR"}
    taken = await api.post("/wallets", {"wallet": {**body, "code": "main"}})
    assert taken.json()["error_details"] == {"code": ["value_already_exist"]}
    for number in range(5):
        await created(api, world, jobs, name=f"W {number}")
    full = await api.post("/customers/ada/wallets", {"wallet": {"rate_amount": "1", "currency": "EUR"}})
    assert full.json()["error_details"] == {"customer": ["wallet_limit_reached"]}
    assert (await api.delete(f"/wallets/{first['lago_id']}")).json()["wallet"]["status"] == "terminated"
    again = await api.post("/customers/ada/wallets", {"wallet": {**body, "code": "main"}})
    assert again.status_code == 200
    listed = (await api.get("/wallets?external_customer_id=ada&per_page=2")).json()
    assert (len(listed["wallets"]), listed["meta"]["total_count"]) == (2, 7)
    assert (await api.get("/customers/ada/wallets/main")).json()["wallet"]["status"] == "active"
    assert (await api.get("/customers/nobody/wallets")).json()["code"] == "customer_not_found"
    assert (await api.get("/customers/ada/wallets/unknown")).json()["code"] == "wallet_not_found"


async def test_what_is_not_sent_stays_but_for_the_metrics(api: Api, world: World, jobs: Background) -> None:
    world.metric("calls")
    rule = {"trigger": "interval", "interval": "monthly", "paid_credits": "5", "method": "fixed"}
    wallet = await created(
        api, world, jobs, name="W", applies_to={"fee_types": ["charge"], "billable_metric_codes": ["calls"]},
        recurring_transaction_rules=[rule], metadata={"a": "1"},
    )  # fmt: skip
    (kept,) = wallet["recurring_transaction_rules"]
    path = f"/wallets/{wallet['lago_id']}"
    changed = (await api.put(path, {"wallet": {"name": "V", "priority": 2}})).json()["wallet"]
    assert (changed["name"], changed["priority"], changed["metadata"]) == ("V", 2, {"a": "1"})
    assert changed["applies_to"] == {"fee_types": ["charge"], "billable_metric_codes": []}
    assert changed["recurring_transaction_rules"] == [kept]
    edited = {"lago_id": kept["lago_id"], "paid_credits": "7", "trigger": "interval"}
    changed = (await api.put(path, {"wallet": {"recurring_transaction_rules": [edited]}})).json()["wallet"]
    (rule_now,) = changed["recurring_transaction_rules"]
    assert (rule_now["lago_id"], rule_now["paid_credits"], rule_now["interval"]) == (kept["lago_id"], "7.0", "monthly")
    other = {"trigger": "threshold", "threshold_credits": "1", "method": "target", "target_ongoing_balance": "9"}
    changed = (await api.put(path, {"wallet": {"recurring_transaction_rules": [other]}})).json()["wallet"]
    (rule_now,) = changed["recurring_transaction_rules"]
    assert (rule_now["trigger"], rule_now["target_ongoing_balance"]) == ("threshold", "9.0")
    changed = (await api.put(path, {"wallet": {"recurring_transaction_rules": []}})).json()["wallet"]
    assert changed["recurring_transaction_rules"] == []
    await api.delete(path)
    refused = await api.put(path, {"wallet": {"name": "X"}})
    assert refused.json()["error_details"] == {"wallet_id": ["wallet_is_terminated"]}
    assert (await api.put(f"/wallets/{uuid4()}", {"wallet": {"name": "X"}})).json()["code"] == "wallet_not_found"


async def test_metadata_is_replaced_merged_and_removed(api: Api, world: World, jobs: Background) -> None:
    wallet = await created(api, world, jobs, code="main")
    path, by_code = f"/wallets/{wallet['lago_id']}/metadata", "/customers/ada/wallets/main/metadata"
    assert (await api.post(path, {"metadata": {"a": "1", "b": "2"}})).json() == {"metadata": {"a": "1", "b": "2"}}
    assert (await api.call("PATCH", by_code, {"metadata": {"b": "3"}})).json() == {"metadata": {"a": "1", "b": "3"}}
    assert (await api.delete(f"{path}/a")).json() == {"metadata": {"b": "3"}}
    assert (await api.delete(f"{path}/a")).status_code == 404
    assert (await api.delete(by_code)).json() == {"metadata": None}
    assert "metadata" not in await shown(api, wallet)


async def test_credits_are_voided_from_the_oldest_and_each_cent_is_traced(
    api: Api, world: World, jobs: Background
) -> None:
    wallet = await created(api, world, jobs)
    wallet_id = wallet["lago_id"]

    async def move(**body: str) -> Any:
        return await api.post("/wallet_transactions", {"wallet_transaction": {"wallet_id": wallet_id, **body}})

    (first,) = (await move(granted_credits="30")).json()["wallet_transactions"]
    world.at("2024-03-01T11:00:00Z")
    (second,) = (await move(granted_credits="50")).json()["wallet_transactions"]
    (out,) = (await move(voided_credits="60")).json()["wallet_transactions"]
    assert (out["transaction_type"], out["status"], out["amount"]) == ("outbound", "settled", "60.0")
    funded = (await api.get(f"/wallet_transactions/{out['lago_id']}/fundings")).json()["wallet_transaction_fundings"]
    assert [(each["wallet_transaction"]["lago_id"], each["amount_cents"]) for each in funded] == [
        (first["lago_id"], 3000), (second["lago_id"], 3000)
    ]  # fmt: skip
    spent = (await api.get(f"/wallet_transactions/{second['lago_id']}/consumptions")).json()
    (consumption,) = spent["wallet_transaction_consumptions"]
    assert (consumption["amount_cents"], consumption["credit_amount"]) == (3000, "30.0")
    assert consumption["wallet_transaction"]["lago_id"] == out["lago_id"]
    wrong = await api.get(f"/wallet_transactions/{out['lago_id']}/consumptions")
    assert wrong.json()["error_details"] == {"transaction_type": ["invalid_transaction_type"]}
    (rest,) = (await move(voided_transaction_id=second["lago_id"], voided_credits="5")).json()["wallet_transactions"]
    assert rest["amount"] == "5.0"
    for body, details in (
        ({"voided_credits": "16"}, {"voided_credits": ["insufficient_credits"]}),
        (
            {"voided_transaction_id": second["lago_id"], "voided_credits": "15.01"},
            {"voided_credits": ["insufficient_credits"]},
        ),
        ({"voided_transaction_id": first["lago_id"]}, {"voided_transaction_id": ["no_remaining_amount"]}),
        ({"voided_transaction_id": str(uuid4())}, {"voided_transaction_id": ["wallet_transaction_not_found"]}),
        ({"granted_credits": "x"}, {"granted_credits": ["invalid_granted_credits", "invalid_amount"]}),
        ({"name": "n" * 256, "granted_credits": "1"}, {"name": ["too_long"]}),
        ({"wallet_id": str(uuid4())}, {"wallet_id": ["wallet_not_found"]}),
    ):
        answer = await move(**body)
        assert (answer.status_code, answer.json()["error_details"]) == (422, details)
    (all_of_it,) = (await move(voided_transaction_id=second["lago_id"])).json()["wallet_transactions"]
    assert all_of_it["amount"] == "15.0"
    now = await shown(api, wallet)
    assert (now["balance_cents"], now["consumed_credits"], now["consumed_amount_cents"]) == (0, "80.0", 8000)
    assert (await api.get(f"/wallet_transactions/{uuid4()}")).json()["code"] == "wallet_transaction_not_found"


async def test_movements_are_listed_by_status_and_metadata(api: Api, world: World, jobs: Background) -> None:
    wallet = await created(api, world, jobs, granted_credits="5")
    tagged = {"wallet_id": wallet["lago_id"], "granted_credits": "1", "metadata": [{"key": "batch", "value": "7"}]}
    await api.post("/wallet_transactions", {"wallet_transaction": tagged})
    path = f"/wallets/{wallet['lago_id']}/wallet_transactions"
    counts = {
        query: (await api.get(f"{path}?{query}")).json()["meta"]["total_count"]
        for query in ("status=settled", "status=unknown", "transaction_type=outbound", "metadata[batch]=7")
    }
    assert counts == {"status=settled": 2, "status=unknown": 2, "transaction_type=outbound": 0, "metadata[batch]=7": 1}


async def test_bought_credits_are_there_once_their_invoice_is_paid(api: Api, world: World, jobs: Background) -> None:
    wallet = await created(api, world, jobs, paid_credits="10", invoice_requires_successful_payment=True)
    (bought,) = world.rows("wallet_transactions")
    (invoice,) = world.rows("invoices")
    assert (invoice.status, invoice.number, bought.status) == ("open", "", "pending")
    assert (await api.get(f"/invoices/{invoice.id}")).status_code == 404
    for status, moved in (("failed", "failed"), ("succeeded", "settled"), ("failed", "settled")):
        world.at("2024-03-05T10:00:00Z")
        world.execute("UPDATE invoices SET payment_status = %s WHERE id = %s", status, invoice.id)
        async with tenant_work(world.tenant) as work:
            await follow_payments(work, [invoice.id])
        assert world.rows("wallet_transactions")[0].status == moved
    (invoice,) = world.rows("invoices")
    assert (invoice.status, str(invoice.issuing_date)) == ("finalized", "2024-03-05")
    assert invoice.number.endswith("-001")
    assert (await shown(api, wallet))["balance_cents"] == 1000


async def test_the_client_says_that_a_top_up_which_waits_for_its_payment_was_paid(
    api: Api, world: World, jobs: Background
) -> None:
    wallet = await created(api, world, jobs, paid_credits="15", granted_credits="5",
                           invoice_requires_successful_payment=True)  # fmt: skip
    (invoice,) = world.rows("invoices")
    world.at("2024-03-05T10:00:00Z")
    answer = await api.put(f"/invoices/{invoice.id}", {"invoice": {"payment_status": "succeeded"}})
    assert (answer.status_code, answer.json()["invoice"]["payment_status"]) == (200, "succeeded")
    await jobs.run(world.tenant)
    now = await shown(api, wallet)
    assert (now["balance_cents"], now["credits_balance"]) == (2000, "20.0")
    paid = (await api.get(f"/invoices/{invoice.id}")).json()["invoice"]
    assert (paid["status"], paid["issuing_date"], paid["total_amount_cents"]) == ("finalized", "2024-03-05", 1500)


async def test_the_page_where_bought_credits_are_paid_is_refused_for_what_is_not_to_be_paid(
    api: Api, world: World, jobs: Background
) -> None:
    wallet = await created(api, world, jobs)
    sent = {"wallet_id": wallet["lago_id"], "paid_credits": "1", "granted_credits": "1"}
    answer = await api.post("/wallet_transactions", {"wallet_transaction": sent})
    bought, granted = answer.json()["wallet_transactions"]

    async def refusal(transaction_id: str) -> Any:
        answer = (await api.post(f"/wallet_transactions/{transaction_id}/payment_url", {})).json()
        return answer.get("error_details", answer["code"])

    assert await refusal(granted["lago_id"]) == {"base": ["wallet_transaction_not_purchased"]}
    assert await refusal(bought["lago_id"]) == {"base": ["wallet_transaction_has_no_attached_invoice"]}
    await jobs.run(world.tenant)
    assert await refusal(bought["lago_id"]) == {"base": ["no_linked_payment_provider"]}
    shown_now = (await api.get(f"/wallet_transactions/{bought['lago_id']}")).json()["wallet_transaction"]
    await api.put(f"/invoices/{shown_now['lago_invoice_id']}", {"invoice": {"payment_status": "succeeded"}})
    await jobs.run(world.tenant)
    assert await refusal(bought["lago_id"]) == {"base": ["wallet_transaction_already_settled"]}
    assert await refusal(str(uuid4())) == "wallet_transaction_not_found"


async def test_an_interval_rule_tops_up_once_on_its_days(api: Api, world: World, jobs: Background) -> None:
    rule = {
        "trigger": "interval", "interval": "monthly", "paid_credits": "5", "granted_credits": "2",
        "started_at": "2024-01-31T00:00:00Z", "transaction_name": "Monthly",
    }  # fmt: skip
    wallet = await created(api, world, jobs, recurring_transaction_rules=[rule])
    made = []
    for when in ("2024-03-30T10:55:00Z", "2024-03-31T10:55:00Z", "2024-03-31T11:55:00Z", "2024-04-30T00:55:00Z"):
        world.at(when)
        async with tenant_work(world.tenant) as work:
            await top_up_intervals(work)
        await jobs.run(world.tenant)
        made.append(len(world.rows("wallet_transactions")))
    assert made == [0, 2, 2, 4]
    row = world.rows("wallet_transactions")[0]
    assert (row.source, row.name) == ("interval", "Monthly")
    assert (await shown(api, wallet))["balance_cents"] == 400


async def test_a_threshold_rule_tops_up_when_usage_has_used_the_wallet_up(
    api: Api, world: World, jobs: Background
) -> None:
    rule = {"trigger": "threshold", "threshold_credits": "5", "method": "target", "target_ongoing_balance": "20",
            "grants_target_top_up": True}  # fmt: skip
    wallet = await created(api, world, jobs, granted_credits="10", recurring_transaction_rules=[rule])
    plan = world.plan(0, amount_currency="EUR")
    world.charge(plan, world.metric("calls"), "standard", {"amount": "1"})
    (customer,) = world.rows("customers")
    world.subscription(customer.id, plan, "2024-03-01T00:00:00Z", external_id="sub")
    world.tax("10", "vat")
    world.event("sub", "calls", "2024-03-01T09:00:00Z", "8")
    world.execute(
        "INSERT INTO wallet_refreshes (id, organization_id, customer_id, created_at, updated_at)"
        " VALUES (gen_random_uuid(), %s, %s, now(), now())", world.organization_id, customer.id,
    )  # fmt: skip
    async with tenant_work(world.tenant) as work:
        assert await refresh_flagged(work) == 1
    await jobs.run(world.tenant)
    now = await shown(api, wallet)
    assert (now["ongoing_usage_balance_cents"], now["balance_cents"], now["ongoing_balance_cents"]) == (
        880, 10_00 + 18_80, 2000
    )  # fmt: skip
    topped = world.rows("wallet_transactions", source="threshold")
    assert [(row.transaction_status, row.amount_cents) for row in topped] == [("granted", 1880)]


async def test_an_invoice_of_credits_carries_the_sections_of_the_top_up_its_rule_its_wallet_or_the_customer(
    api: Api, world: World, jobs: Background
) -> None:
    owner = {"organization_id": world.organization_id}
    section = {
        code: world.insert("invoice_custom_sections", code=code, name=code.title(), details=code * 2, **owner)
        for code in ("customers", "wallets", "rules", "asked")
    }
    customer = world.customer(external_id="ada", currency="EUR")
    world.insert("customer_custom_sections", customer_id=customer, section_id=section["customers"], **owner)
    rule = {"trigger": "interval", "interval": "weekly", "paid_credits": "5", "started_at": "2024-02-23T00:00:00Z"}
    wallet = await created(api, world, jobs, recurring_transaction_rules=[rule])
    assert wallet["applied_invoice_custom_sections"] == []
    of_rule = wallet["recurring_transaction_rules"][0]["lago_id"]

    def selecting(*codes: str) -> dict[str, Any]:
        return {"invoice_custom_section": {"invoice_custom_section_codes": list(codes)}}

    async def bought(**more: Any) -> tuple[list[str], list[str]]:
        """The sections that a purchase shows, and those of its invoice."""
        body = {"wallet_id": wallet["lago_id"], "paid_credits": "1", **more}
        answer = (await api.post("/wallet_transactions", {"wallet_transaction": body})).json()
        (made,) = answer["wallet_transactions"]
        await jobs.run(world.tenant)
        again = (await api.get(f"/wallet_transactions/{made['lago_id']}")).json()["wallet_transaction"]
        assert again["applied_invoice_custom_sections"] == made["applied_invoice_custom_sections"]
        return codes_of(made), await printed(again["lago_invoice_id"])

    def codes_of(shown: Any) -> list[str]:
        return [each["invoice_custom_section"]["code"] for each in shown["applied_invoice_custom_sections"]]

    async def printed(invoice_id: Any) -> list[str]:
        invoice = (await api.get(f"/invoices/{invoice_id}")).json()["invoice"]
        return [each["code"] for each in invoice["applied_invoice_custom_sections"]]

    async def by_rule(when: str) -> list[str]:
        world.at(when)
        async with tenant_work(world.tenant) as work:
            await top_up_intervals(work)
        await jobs.run(world.tenant)
        return await printed(world.rows("wallet_transactions", source="interval")[-1].invoice_id)

    assert await bought() == ([], ["customers"])
    assert await bought(**selecting("asked", "rules")) == (["asked", "rules"], ["asked", "rules"])
    path = f"/wallets/{wallet['lago_id']}"
    changed = (await api.put(path, {"wallet": selecting("wallets")})).json()["wallet"]
    assert codes_of(changed) == ["wallets"]
    assert await bought() == (["wallets"], ["wallets"])
    assert await bought(invoice_custom_section={"skip_invoice_custom_sections": True}) == ([], [])
    assert await by_rule("2024-03-08T10:55:00Z") == ["wallets"]
    rules = [{"lago_id": of_rule, **selecting("rules")}]
    changed = (await api.put(path, {"wallet": {"recurring_transaction_rules": rules}})).json()["wallet"]
    assert codes_of(changed["recurring_transaction_rules"][0]) == ["rules"]
    assert codes_of(changed) == ["wallets"]
    assert await by_rule("2024-03-15T10:55:00Z") == ["rules"]
    skipping = {"invoice_custom_section": {"skip_invoice_custom_sections": True}}
    assert codes_of((await api.put(path, {"wallet": skipping})).json()["wallet"]) == []
    assert await bought() == ([], [])
    assert await bought(**selecting("asked")) == (["asked"], ["asked"])
    unknown = await api.put(path, {"wallet": selecting("nothing")})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "invoice_custom_section_not_found")
    refused = await api.put(path, {"wallet": {"invoice_custom_section": {
        "skip_invoice_custom_sections": True, "invoice_custom_section_codes": ["asked"]}}})  # fmt: skip
    assert refused.json()["error_details"] == {
        "invoice_custom_sections": ["skip_sections_and_selected_ids_sent_together"]
    }


async def test_what_expires_ends_by_the_clock(api: Api, world: World, jobs: Background) -> None:
    rule = {"trigger": "interval", "interval": "weekly", "expiration_at": "2024-03-02T00:00:00Z"}
    wallet = await created(
        api, world, jobs, granted_credits="5", expiration_at="2024-03-03T00:00:00Z",
        recurring_transaction_rules=[rule],
    )  # fmt: skip
    world.at("2024-03-02T00:50:00Z")
    async with tenant_work(world.tenant) as work:
        assert (await terminate_expired_rules(work), await terminate_expired(work)) == (1, 0)
    assert (await shown(api, wallet))["recurring_transaction_rules"] == []
    world.at("2024-03-03T00:45:00Z")
    async with tenant_work(world.tenant) as work:
        assert (await terminate_expired_rules(work), await terminate_expired(work)) == (0, 1)
    now = await shown(api, wallet)
    assert (now["status"], now["terminated_at"], now["balance_cents"]) == ("terminated", "2024-03-03T00:45:00Z", 500)


async def test_others_wallets_are_not_found(api: Api, stranger: Api, world: World, jobs: Background) -> None:
    wallet = await created(api, world, jobs, granted_credits="5")
    (row,) = world.rows("wallet_transactions")
    for method, path in (
        ("GET", f"/wallets/{wallet['lago_id']}"), ("PUT", f"/wallets/{wallet['lago_id']}"),
        ("DELETE", f"/wallets/{wallet['lago_id']}"), ("GET", f"/wallet_transactions/{row.id}"),
        ("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions"),
        ("GET", f"/wallet_transactions/{row.id}/consumptions"),
    ):  # fmt: skip
        body = {"wallet": {"name": "mine"}} if method == "PUT" else None
        assert (await stranger.call(method, path, body)).status_code == 404, path
    body = {"wallet_transaction": {"wallet_id": wallet["lago_id"], "granted_credits": "1"}}
    assert (await stranger.post("/wallet_transactions", body)).json()["error_details"] == {
        "wallet_id": ["wallet_not_found"]
    }
    assert (await shown(api, wallet))["balance_cents"] == 500
