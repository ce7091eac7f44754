"""/api/v1/credit_notes: asked for by clients, made when a subscription ends, spent on later invoices."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.billing.bill import bill_subscriptions
from domain.billing.finalize import finalize, refresh
from domain.billing.requests import BillRequest
from domain.billing.subscribe import subscribe
from domain.billing.terminate import terminate_active
from domain.billing.unused_days import credit_unused_days
from domain.catalog.models import Plan
from domain.credits.create_note import credit_invoice, credit_remainder
from domain.credits.note_events import CreditNotesIssued
from domain.credits.spend_notes import give_back_notes
from domain.credits.wallets.top_up_invoices import follow_payments, invoice_top_ups
from domain.customers.models import Customer
from domain.invoicing.events import InvoicePaymentStatusUpdated
from domain.kernel.errors import ValidationFailed
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.announce import ANNOUNCEMENTS
from domain.subscriptions.models import Subscription
from tests.domain.billing.world import World, instant
from tests.rest_api.conftest import Api, Recorded

MARCH = "2024-03-01T00:10:00Z"


@pytest.fixture
def world(api: Api) -> Iterator[World]:
    with World(instant(MARCH), organization_id=api.tenant.organization_id, adopted=True) as world:
        yield world


def _at(api: Api, when: str) -> Tenant:
    """The organization with its clock at that instant."""
    return Tenant(api.tenant.organization_id, instant(when))


async def one_off(api: Api, amount: int = 10_000, customer: str = "ada") -> tuple[str, str]:
    """An invoice of one add-on at this price in cents, 20 % tax; its id and its fee's."""
    code = f"setup-{uuid4().hex}"
    await api.post("/taxes", {"tax": {"name": "VAT", "code": "vat", "rate": "20", "applied_to_organization": True}})
    await api.post("/add_ons", {"add_on": {"name": "Setup", "code": code, "amount_cents": amount,
                                           "amount_currency": "EUR"}})  # fmt: skip
    await api.post("/customers", {"customer": {"external_id": customer, "name": "Ada", "currency": "EUR"}})
    body = {"invoice": {"external_customer_id": customer, "currency": "EUR", "fees": [{"add_on_code": code}]}}
    made = await api.post("/invoices", body)
    assert made.status_code == 200, made.text
    invoice = made.json()["invoice"]
    return invoice["lago_id"], invoice["fees"][0]["lago_id"]


async def pay(api: Api, invoice: str, cents: int) -> None:
    body = {"payment": {"invoice_id": invoice, "amount_cents": cents, "reference": "transfer"}}
    assert (await api.post("/payments", body)).status_code == 200


async def ask(api: Api, invoice: str, *items: tuple[str, Any], path: str = "", **more: Any) -> Any:
    note = {"invoice_id": invoice, "items": [{"fee_id": fee, "amount_cents": cents} for fee, cents in items], **more}
    return await api.post(f"/credit_notes{path}", {"credit_note": note})


async def noted(api: Api, invoice: str, *items: tuple[str, Any], **more: Any) -> Any:
    response = await ask(api, invoice, *items, **more)
    assert response.status_code == 200, response.text
    return response.json()["credit_note"]


async def test_a_note_shows_what_it_takes_back(api: Api, recorded: Recorded) -> None:
    invoice, fee = await one_off(api)
    estimated = await ask(api, invoice, (fee, 2_500), path="/estimate")
    estimate = estimated.json()["estimated_credit_note"]
    assert estimate["items"] == [{"lago_fee_id": fee, "amount_cents": 2_500}]
    assert (estimate["sub_total_excluding_taxes_amount_cents"], estimate["taxes_amount_cents"]) == (2_500, 500)
    assert (estimate["max_creditable_amount_cents"], estimate["max_refundable_amount_cents"]) == (3_000, 0)
    assert (estimate["max_offsettable_amount_cents"], estimate["taxes_rate"]) == (3_000, 20)
    assert estimate["applied_taxes"][0]["base_amount_cents"] == 2_500

    note = await noted(
        api, invoice, (fee, 2_500), credit_amount_cents=3_000, reason="order_change", description="Too much",
        metadata={"ticket": "7"},
    )  # fmt: skip
    assert (note["credit_status"], note["refund_status"], note["reason"]) == ("available", None, "order_change")
    assert note["number"] == f"{note['invoice_number']}-CN001"
    assert (note["total_amount_cents"], note["balance_amount_cents"], note["sequential_id"]) == (3_000, 3_000, 1)
    assert (note["taxes_amount_cents"], note["taxes_rate"], note["metadata"]) == (500, 20, {"ticket": "7"})
    assert note["customer"]["external_id"] == "ada"
    assert (note["items"][0]["amount_cents"], note["items"][0]["fee"]["lago_id"]) == (2_500, fee)
    assert (note["applied_taxes"][0]["tax_code"], note["applied_taxes"][0]["amount_cents"]) == ("vat", 500)
    assert (await api.get(f"/credit_notes/{note['lago_id']}")).json()["credit_note"] == note
    (event,) = recorded.of(CreditNotesIssued)
    async with tenant_work(api.tenant) as work:
        told = await ANNOUNCEMENTS["credit_note.created"].load(work, event.credit_note_ids)
    assert [each["number"] for each in told.values()] == [note["number"]]


async def test_everything_of_an_invoice_comes_back_to_the_cent_and_no_more(api: Api) -> None:
    invoice, fee = await one_off(api, 76_900)
    await pay(api, invoice, 92_280)
    first = await noted(api, invoice, (fee, 72_686), credit_amount_cents=87_224)
    assert (first["total_amount_cents"], first["credit_amount_cents"]) == (87_223, 87_223)
    over = await ask(api, invoice, (fee, 4_215), credit_amount_cents=5_058)
    assert over.json()["error_details"] == {"amount_cents": ["higher_than_remaining_fee_amount"]}
    # The last note's taxes absorb what rounding has kept before: 842.8 and the 0.2 of the first.
    estimate = (await ask(api, invoice, (fee, 4_214), path="/estimate")).json()["estimated_credit_note"]
    assert (float(estimate["precise_taxes_amount_cents"]), estimate["taxes_amount_cents"]) == (843, 843)
    last = await noted(api, invoice, (fee, 4_214), refund_amount_cents=5_057)
    assert (last["refund_status"], last["refund_amount_cents"], last["credit_status"]) == ("pending", 5_057, None)
    assert first["total_amount_cents"] + last["total_amount_cents"] == 92_280
    for state in ("succeeded", "failed"):
        updated = await api.put(f"/credit_notes/{last['lago_id']}", {"credit_note": {"refund_status": state}})
        assert updated.json()["credit_note"]["refund_status"] == state
    wrong = await api.put(f"/credit_notes/{last['lago_id']}", {"credit_note": {"refund_status": "lost"}})
    assert wrong.json()["error_details"] == {"refund_status": ["value_is_invalid"]}


async def test_an_offset_lowers_what_is_due_and_settles_the_invoice(api: Api, recorded: Recorded) -> None:
    invoice, fee = await one_off(api)
    await pay(api, invoice, 2_000)
    too_much = await ask(api, invoice, (fee, 10_000), offset_amount_cents=12_000)
    assert too_much.json()["error_details"] == {"offset_amount_cents": ["higher_than_remaining_invoice_amount"]}
    await noted(api, invoice, (fee, 10_000), offset_amount_cents=10_000, refund_amount_cents=2_000)
    shown = (await api.get(f"/invoices/{invoice}")).json()["invoice"]
    assert (shown["total_offsetted_credit_note_amount_cents"], shown["total_due_amount_cents"]) == (10_000, 0)
    assert shown["payment_status"] == "succeeded"
    assert recorded.of(InvoicePaymentStatusUpdated) == [InvoicePaymentStatusUpdated((UUID(invoice),))]


async def test_two_notes_at_once_take_no_more_than_there_is(api: Api) -> None:
    invoice, fee = await one_off(api)
    answers = await asyncio.gather(*(ask(api, invoice, (fee, 6_000), credit_amount_cents=7_200) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [200, 422, 422]


@pytest.mark.parametrize(
    ("more", "status", "details"),
    [
        ({"reason": "boredom"}, 422, {"reason": ["value_is_invalid"]}),
        ({"items": "all"}, 422, {"items": ["must_be_an_array"]}),
        ({"items": None}, 422, {"items": ["must_be_an_array"]}),
        ({"items": [7]}, 404, "fee_not_found"),
        ({"items": [{"fee_id": str(uuid4()), "amount_cents": 1}]}, 404, "fee_not_found"),
        ({"amount": -1}, 422, {"amount_cents": ["invalid_value"]}),
        ({"amount": "many"}, 422, {"amount_cents": ["invalid_value"]}),
        ({"amount": 10**30}, 422, {"amount_cents": ["invalid_value"]}),
        ({"amount": 10_001}, 422, {"amount_cents": ["higher_than_remaining_fee_amount"]}),
        ({"credit_amount_cents": 1_000}, 422, {"base": ["does_not_match_item_amounts"]}),
        ({"credit_amount_cents": -5}, 422, {"credit_amount_cents": ["value_is_out_of_range"]}),
        ({"credit_amount_cents": 10**20}, 422, {"credit_amount_cents": ["value_is_out_of_range"]}),
        (
            {"credit_amount_cents": 0, "refund_amount_cents": 1_200},
            422,
            {"refund_amount_cents": ["cannot_refund_unpaid_invoice", "higher_than_remaining_invoice_amount"]},
        ),
        ({"amount": 0, "credit_amount_cents": 0}, 422, {"base": ["total_amount_must_be_positive"]}),
        ({"metadata": {"a": {"b": 1}}}, 422, {"metadata": ["nested_structure_not_allowed"]}),
        ({"invoice_id": str(uuid4())}, 404, "invoice_not_found"),
        ({"invoice_id": 7}, 404, "invoice_not_found"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_reason(
    api: Api, more: dict[str, Any], status: int, details: object
) -> None:
    invoice, fee = await one_off(api)
    amount = more.pop("amount", 1_000)
    body = {"invoice_id": invoice, "items": [{"fee_id": fee, "amount_cents": amount}], "credit_amount_cents": 1_200}
    response = await api.post("/credit_notes", {"credit_note": {**body, **more}})
    assert response.status_code == status, response.text
    assert response.json().get("error_details", response.json()["code"]) == details
    assert (await api.get("/credit_notes")).json()["credit_notes"] == []


async def test_a_voided_note_is_gone_and_frees_nothing(api: Api, stranger: Api) -> None:
    invoice, fee = await one_off(api)
    note = await noted(api, invoice, (fee, 10_000), credit_amount_cents=12_000)
    path = f"/credit_notes/{note['lago_id']}"
    for method, url in (("GET", path), ("PUT", f"{path}/void"), ("DELETE", f"{path}/metadata")):
        assert (await stranger.call(method, url)).json()["code"] == "credit_note_not_found"
    voided = (await api.put(f"{path}/void", {})).json()["credit_note"]
    assert (voided["credit_status"], voided["balance_amount_cents"]) == ("voided", 0)
    assert (await api.put(f"{path}/void", {})).json()["code"] == "no_voidable_amount"
    again = await ask(api, invoice, (fee, 1), credit_amount_cents=1)
    assert again.json()["error_details"] == {"amount_cents": ["higher_than_remaining_fee_amount"]}


async def test_metadata_are_merged_replaced_and_removed(api: Api) -> None:
    invoice, fee = await one_off(api)
    note = await noted(api, invoice, (fee, 100), credit_amount_cents=120, metadata={"a": "1"})
    path = f"/credit_notes/{note['lago_id']}"
    merged = await api.call("PATCH", f"{path}/metadata", {"metadata": {"b": "2"}})
    assert merged.json() == {"metadata": {"a": "1", "b": "2"}}
    updated = await api.put(path, {"credit_note": {"metadata": {"c": "3"}}})
    assert updated.json()["credit_note"]["metadata"] == {"a": "1", "b": "2", "c": "3"}
    assert (await api.delete(f"{path}/metadata/b")).json() == {"metadata": {"a": "1", "c": "3"}}
    assert (await api.delete(f"{path}/metadata/b")).json()["code"] == "metadata_not_found"
    assert (await api.post(f"{path}/metadata", {"metadata": {"d": "4"}})).json() == {"metadata": {"d": "4"}}
    assert (await api.delete(f"{path}/metadata")).json() == {"metadata": None}


async def test_lists_are_filtered_and_cost_the_same_for_one_and_for_many(api: Api, statements: list[str]) -> None:
    invoice, fee = await one_off(api)
    await pay(api, invoice, 6_000)
    credit = await noted(api, invoice, (fee, 1_000), credit_amount_cents=1_200)
    statements.clear()
    await api.get("/credit_notes")
    one = len(statements)
    refund = await noted(api, invoice, (fee, 2_000), refund_amount_cents=2_400, reason="duplicated_charge")
    offset = await noted(api, invoice, (fee, 500), offset_amount_cents=600)
    other, other_fee = await one_off(api, customer="bob")
    bobs = await noted(api, other, (other_fee, 100), credit_amount_cents=120)
    statements.clear()
    shown = (await api.get("/credit_notes")).json()
    assert len(statements) == one
    assert [each["lago_id"] for each in shown["credit_notes"]] == [
        each["lago_id"] for each in (bobs, offset, refund, credit)
    ]
    for query, found in (
        ("external_customer_id=bob", [bobs]),
        ("reason[]=duplicated_charge", [refund]),
        ("credit_status=available", [bobs, credit]),
        ("refund_status=pending", [refund]),
        ("types[]=refund&types[]=offset", [offset, refund]),
        ("amount_from=1200&amount_to=2400", [refund, credit]),
        ("currency=USD", []),
        (f"invoice_number={credit['invoice_number']}", [offset, refund, credit]),
        (f"search_term={credit['number']}", [credit]),
        ("issuing_date_from=2999-01-01", []),
        ("self_billed=true", []),
    ):
        listed = (await api.get(f"/credit_notes?{query}")).json()["credit_notes"]
        assert [each["number"] for each in listed] == [each["number"] for each in found], query
    of_bob = (await api.get("/customers/bob/credit_notes")).json()["credit_notes"]
    assert [each["lago_id"] for each in of_bob] == [bobs["lago_id"]]
    assert (await api.get("/credit_notes?types[]=gift")).status_code == 422
    assert (await api.get("/credit_notes?billing_entity_codes[]=x")).json()["code"] == "billing_entity_not_found"


async def test_a_whole_invoice_is_credited_for_others_that_void_it(api: Api) -> None:
    invoice, _ = await one_off(api)
    await pay(api, invoice, 5_000)
    async with tenant_work(api.tenant) as work:
        with pytest.raises(ValidationFailed) as refused:
            await credit_invoice(work, UUID(invoice), credit_cents=12_001)
    assert refused.value.details == {"credit_refund_amount": ["total_amount_exceeds_invoice_amount"]}
    async with tenant_work(api.tenant) as work:
        with pytest.raises(ValidationFailed) as refused:
            await credit_invoice(work, UUID(invoice), refund_cents=5_001)
    assert refused.value.details == {"refund_amount": ["higher_than_remaining_invoice_amount"]}
    async with tenant_work(api.tenant) as work:
        assert await credit_invoice(work, UUID(invoice)) is None
        await credit_invoice(work, UUID(invoice), credit_cents=1_000, refund_cents=5_000)
        await credit_remainder(work, UUID(invoice))
        assert await credit_remainder(work, UUID(invoice)) is None
    rest, first = (await api.get("/credit_notes")).json()["credit_notes"]
    assert (first["credit_amount_cents"], first["refund_amount_cents"]) == (1_000, 5_000)
    assert (rest["total_amount_cents"], rest["credit_status"], rest["balance_amount_cents"]) == (6_000, "voided", 0)


async def test_unused_days_are_credited_and_spent_oldest_first_over_several_invoices(
    api: Api, world: World, recorded: Recorded
) -> None:
    """A subscription paid in advance ends in the middle of March; its note and an older one pay the April bills."""
    world.tax("20", "vat")
    customer = world.customer(external_id="ada")
    plan = world.plan(3_100, pay_in_advance=True)
    old = world.plan(1_000)
    ending = world.subscription(customer, plan, "2024-02-01T00:00:00Z", external_id="ending")
    others = [world.subscription(customer, old, "2024-02-01T00:00:00Z", external_id=f"sub-{n}") for n in range(3)]
    async with tenant_work(api.tenant) as work:
        await bill_subscriptions(work, [BillRequest((ending,), instant(MARCH), "subscription_periodic")])
    (paid,) = (await api.get("/invoices?external_customer_id=ada")).json()["invoices"]
    details = (await api.get(f"/invoices/{paid['lago_id']}")).json()["invoice"]
    early = await noted(api, paid["lago_id"], (details["fees"][0]["lago_id"], 100), credit_amount_cents=120)
    async with tenant_work(api.tenant) as work:
        row = await work.session.get_one(Subscription, ending)
        await terminate_active(work, [row], instant("2024-03-16T12:00:00Z"))
    latest = (await api.get("/credit_notes")).json()["credit_notes"][0]
    # 15 of 31 days at 100 cents less the 100 taken back before, with 20 % tax.
    assert (latest["credit_amount_cents"], latest["reason"]) == (1_680, "order_cancellation")
    april = instant("2024-04-01T00:10:00Z")
    async with tenant_work(api.tenant) as work:
        made = await bill_subscriptions(work, [BillRequest((each,), april, "subscription_periodic") for each in others])
    totals = [world.rows("invoices", id=each)[0] for each in made]
    assert [row.credit_notes_amount_cents for row in totals] == [1_200, 600, 0]
    assert [row.total_amount_cents for row in totals] == [0, 600, 1_200]
    shown = (await api.get(f"/invoices/{made[0]}")).json()["invoice"]
    assert [(each["item"]["type"], each["item"]["code"], each["amount_cents"]) for each in shown["credits"]] == [
        ("credit_note", early["number"], 120),
        ("credit_note", latest["number"], 1_080),
    ]
    assert {each["credit_status"] for each in (await api.get("/credit_notes")).json()["credit_notes"]} == {"consumed"}
    async with tenant_work(api.tenant) as work:
        await give_back_notes(work, made[:1])
    balances = [each["balance_amount_cents"] for each in (await api.get("/credit_notes")).json()["credit_notes"]]
    assert balances == [1_080, 120]


async def test_the_note_of_a_draft_follows_it_and_is_issued_with_it(api: Api, world: World, recorded: Recorded) -> None:
    world.tax("20", "vat")
    world.execute(
        "UPDATE billing_entities SET invoice_grace_period = 3 WHERE organization_id = %s", world.organization_id
    )
    customer = world.customer(external_id="ada")
    plan = world.plan(3_100, pay_in_advance=True)
    subscription = world.subscription(customer, plan, "2024-02-01T00:00:00Z")
    async with tenant_work(_at(api, MARCH)) as work:
        (draft,) = await bill_subscriptions(
            work, [BillRequest((subscription,), instant(MARCH), "subscription_periodic")]
        )
    async with tenant_work(_at(api, "2024-03-21T12:00:00Z")) as work:
        row = await work.session.get_one(Subscription, subscription)
        row.on_termination_credit_note = "offset"
        await terminate_active(work, [row], instant("2024-03-21T12:00:00Z"))
        (ending,) = await bill_subscriptions(
            work, [BillRequest((subscription,), instant("2024-03-21T12:00:00Z"), "subscription_terminating")]
        )
    (note,) = world.rows("credit_notes")
    assert (note.status, note.offset_amount_cents, note.number[-12:]) == ("draft", 1_200, "-DRAFT-CN001")
    assert (await api.get("/credit_notes")).json()["credit_notes"] == []
    for path in (f"/credit_notes/{note.id}", f"/credit_notes/{note.id}/void"):
        assert (await api.call("PUT", path, {"credit_note": {"metadata": {}}})).status_code == 404
    # The tax is gone, so the note has none either.
    world.execute("DELETE FROM billing_entity_taxes WHERE organization_id = %s", world.organization_id)
    async with tenant_work(api.tenant) as work:
        await refresh(work, [draft])
    (note,) = world.rows("credit_notes")
    assert (note.status, note.offset_amount_cents, note.taxes_amount_cents) == ("draft", 1_000, 0)
    assert recorded.of(CreditNotesIssued) == []
    async with tenant_work(api.tenant) as work:
        await finalize(work, [ending, draft])
    (shown,) = (await api.get("/credit_notes")).json()["credit_notes"]
    assert shown["number"] == f"{shown['invoice_number']}-CN001"
    assert "DRAFT" not in shown["number"]
    invoice = (await api.get(f"/invoices/{draft}")).json()["invoice"]
    assert (invoice["total_amount_cents"], invoice["total_due_amount_cents"]) == (3_100, 2_100)
    assert recorded.of(CreditNotesIssued) == [CreditNotesIssued((UUID(shown["lago_id"]),))]


async def test_prepaid_credits_are_paid_back_out_of_their_wallet(api: Api, world: World, recorded: Recorded) -> None:
    """What is refunded of a top-up leaves the wallet; one that was never paid can only be offset, and fails then."""
    await api.post("/customers", {"customer": {"external_id": "ada", "currency": "EUR"}})
    body = {"external_customer_id": "ada", "rate_amount": "2", "name": "W", "currency": "EUR"}
    wallet = (await api.post("/wallets", {"wallet": body})).json()["wallet"]["lago_id"]

    async def bought() -> tuple[str, str, UUID]:
        buy = {"wallet_transaction": {"wallet_id": wallet, "paid_credits": "10"}}
        made = UUID((await api.post("/wallet_transactions", buy)).json()["wallet_transactions"][0]["lago_id"])
        async with tenant_work(api.tenant) as work:
            (invoice,) = await invoice_top_ups(work, [made])
        (fee,) = world.rows("fees", invoice_id=invoice)
        return str(invoice), str(fee.id), made

    invoice, fee, _ = await bought()
    unpaid = await ask(api, invoice, (fee, 500), path="/estimate")
    assert (unpaid.status_code, unpaid.json()["code"]) == (405, "invalid_type_or_status")
    assert (await ask(api, invoice, (fee, 500), refund_amount_cents=500)).json()["code"] == "invalid_type_or_status"
    await pay(api, invoice, 2_000)
    async with tenant_work(api.tenant) as work:
        await follow_payments(work, [UUID(invoice)])
    estimate = (await ask(api, invoice, (fee, 500), path="/estimate")).json()["estimated_credit_note"]
    assert (estimate["max_creditable_amount_cents"], estimate["max_refundable_amount_cents"]) == (0, 500)
    credit = await ask(api, invoice, (fee, 500), credit_amount_cents=500)
    assert credit.json()["error_details"] == {"credit_amount_cents": ["cannot_credit_invoice"]}
    note = await noted(api, invoice, (fee, 500), refund_amount_cents=500)
    shown = (await api.get(f"/wallets/{wallet}")).json()["wallet"]
    assert (shown["balance_cents"], shown["credits_balance"]) == (1_500, "7.5")
    (out,) = (await api.get(f"/wallets/{wallet}/wallet_transactions?transaction_status=voided")).json()[
        "wallet_transactions"
    ]
    assert (out["lago_credit_note_id"], out["amount"], out["status"]) == (note["lago_id"], "5.0", "settled")
    await api.post("/wallet_transactions", {"wallet_transaction": {"wallet_id": wallet, "voided_credits": "7"}})
    spent = await ask(api, invoice, (fee, 101), refund_amount_cents=101)
    assert spent.json()["error_details"] == {"amount_cents": ["higher_than_wallet_balance"]}
    async with tenant_work(api.tenant) as work:
        for credit, refund in ((50, 0), (0, 101)):
            with pytest.raises(ValidationFailed):
                await credit_invoice(work, UUID(invoice), credit_cents=credit, refund_cents=refund)

    other, other_fee, purchase = await bought()
    part = await ask(api, other, (other_fee, 500), offset_amount_cents=500)
    assert part.json()["error_details"] == {"offset_amount_cents": ["not_equal_to_total_amount"]}
    await noted(api, other, (other_fee, 2_000), offset_amount_cents=2_000)
    (failed,) = world.rows("wallet_transactions", id=purchase)
    assert failed.status == "failed"
    assert (await api.get(f"/invoices/{other}")).json()["invoice"]["payment_status"] == "succeeded"
    await api.delete(f"/wallets/{wallet}")
    assert (await ask(api, invoice, (fee, 1), refund_amount_cents=1)).json()["code"] == "invalid_type_or_status"


async def test_ending_many_subscriptions_credits_them_with_the_statements_of_one(
    api: Api, world: World, statements: list[str]
) -> None:
    world.tax("20", "vat")
    plan = world.plan(3_100, pay_in_advance=True)
    subscriptions = world.subscriptions(5, plan, "2024-02-01T00:00:00Z")
    async with tenant_work(_at(api, MARCH)) as work:
        await bill_subscriptions(
            work, [BillRequest((each,), instant(MARCH), "subscription_periodic") for each in subscriptions]
        )
    counts, made = [], []
    for some in (subscriptions[:1], subscriptions[1:]):
        async with tenant_work(_at(api, "2024-03-11T12:00:00Z")) as work:
            rows = [await work.session.get_one(Subscription, each) for each in some]
            statements.clear()
            made += await credit_unused_days(work, rows, instant("2024-03-11T12:00:00Z"))
            # What each row says becomes of its days is written row by row.
            counts.append(sum(not each.startswith("UPDATE subscriptions") for each in statements))
    assert counts[0] == counts[1]
    assert {row.credit_amount_cents for row in world.rows("credit_notes")} == {2_400}
    assert len(made) == len(world.rows("credit_notes")) == 5


async def test_an_upgrade_always_credits_and_a_voided_invoice_never(api: Api, world: World) -> None:
    customer = world.customer(external_id="ada", currency="USD")
    plan, dearer = world.plan(3_100, pay_in_advance=True), world.plan(6_200, pay_in_advance=True, code="dear")
    subscription = world.subscription(
        customer, plan, "2024-02-01T00:00:00Z", external_id="sub", on_termination_credit_note="refund"
    )
    other = world.subscription(customer, plan, "2024-02-01T00:00:00Z")
    async with tenant_work(_at(api, MARCH)) as work:
        _, voided = await bill_subscriptions(
            work, [BillRequest((each,), instant(MARCH), "subscription_periodic") for each in (subscription, other)]
        )
    world.execute("UPDATE invoices SET status = 'voided' WHERE id = %s", voided)
    async with tenant_work(_at(api, "2024-03-11T12:00:00Z")) as work:
        await terminate_active(work, [await work.session.get_one(Subscription, other)], instant("2024-03-11T12:00:00Z"))
        assert (await work.session.get_one(Subscription, other)).on_termination_credit_note == "credit"
        await subscribe(
            work, await work.session.get_one(Customer, customer), await work.session.get_one(Plan, dearer), "sub", {}
        )
    # The day of the upgrade belongs to the new plan: 21 of 31 days come back.
    (note,) = world.rows("credit_notes")
    assert (note.credit_amount_cents, note.refund_amount_cents, note.credit_status) == (2_100, 0, "available")
