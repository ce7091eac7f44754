"""The EU's register of VAT numbers is asked, waited for, and believed. It is a server on a port of this machine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from domain.billing.bill import bill_subscriptions
from domain.billing.billing_entities import update_entity
from domain.billing.customers import customer_to_subscribe, upsert_customer
from domain.billing.one_off import create_one_off_invoice
from domain.billing.requests import BillRequest
from domain.billing.subscribe import subscribe
from domain.catalog.add_ons import create_add_on
from domain.catalog.models import Plan
from domain.catalog.vies import pause_after
from domain.kernel import clock
from domain.kernel.unit_of_work import tenant_work
from infrastructure.settings import settings
from tests.domain.messaging.conftest import House
from tests.domain.messaging.receiver import Receiver, answer, receiver

CHECK = "customers.vies_check"


def said(error: str, **more: Any) -> bytes:
    return json.dumps({"isValid": error == "VALID", "userError": error, **more}).encode()


@pytest_asyncio.fixture(loop_scope="session")
async def register(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Receiver]:
    """The register; it does not answer until told otherwise."""
    async with receiver(answer(503)) as listening:
        monkeypatch.setenv("TARN_VIES_URL", listening.url.removesuffix("/hook"))
        settings.cache_clear()
        yield listening
    settings.cache_clear()


async def french(house: House) -> None:
    async with tenant_work(house.tenant) as work:
        entity = {"country": "FR", "eu_tax_management": True}
        await update_entity(work, entity, entity_id=house.tenant.organization_id)


async def customer(house: House, **fields: Any) -> None:
    async with tenant_work(house.tenant) as work:
        await upsert_customer(work, {"external_id": "c", **fields})


def codes(house: House) -> list[str]:
    query = """SELECT t.code FROM customer_taxes l JOIN taxes t ON t.id = l.tax_id
               WHERE l.organization_id = %(me)s ORDER BY t.code"""
    return [row["code"] for row in house.rows(query)]


async def test_turning_it_on_makes_the_taxes_once_and_keeps_rates_that_people_set(house: House) -> None:
    await french(house)
    query = "SELECT code, rate, auto_generated FROM taxes WHERE organization_id = %(me)s"
    rates = {row["code"]: row["rate"] for row in house.rows(query)}
    assert (rates["lago_eu_fr_standard"], rates["lago_eu_fr_exception_reunion"]) == (20, 8.5)
    assert (rates["lago_eu_reverse_charge"], rates["lago_eu_tax_exempt"]) == (0, 0)
    assert all(row["auto_generated"] for row in house.rows(query))
    assert sum(code.endswith("_standard") for code in rates) == 27
    house.rows("UPDATE taxes SET rate = 19.6 WHERE organization_id = %(me)s AND code = 'lago_eu_fr_standard'")
    await french(house)
    again = {row["code"]: row["rate"] for row in house.rows(query)}
    assert again == {**rates, "lago_eu_fr_standard": again["lago_eu_fr_standard"]}
    assert float(again["lago_eu_fr_standard"]) == 19.6


async def test_a_customer_is_taxed_by_its_address_and_again_when_that_changes(house: House) -> None:
    await customer(house, country="US")
    await french(house)
    assert codes(house) == []
    await customer(house, name="Older than the setting")
    assert codes(house) == ["lago_eu_tax_exempt"]
    for fields, code in (
        ({"country": "DE"}, "lago_eu_de_standard"),
        ({"country": None}, "lago_eu_fr_standard"),
        ({"country": "ES", "zipcode": "35 001"}, "lago_eu_es_exception_canary_islands"),
        ({"tax_identification_number": "not a number", "zipcode": None}, "lago_eu_es_standard"),
    ):
        await customer(house, **fields)
        assert codes(house) == [code]
    await customer(house, tax_codes=[])
    assert codes(house) == ["lago_eu_es_standard"], "no customer of the entity is without one"
    assert house.jobs(CHECK) == []


async def test_a_customer_that_comes_with_a_subscription_has_the_entitys_rate(house: House) -> None:
    await french(house)
    async with tenant_work(house.tenant) as work:
        await customer_to_subscribe(work, "new", "EUR")
    assert codes(house) == ["lago_eu_fr_standard"]


@pytest.mark.parametrize(
    ("number", "answered", "code", "valid"),
    [
        ("DE136695976", said("VALID", name="Hooli", address="---"), "lago_eu_reverse_charge", True),
        ("FR40303265045", said("VALID", name="Hooli", address="---"), "lago_eu_fr_standard", True),
        ("DE136695976", said("INVALID"), "lago_eu_de_standard", False),
    ],
)
async def test_the_registers_answer_decides_and_is_told(
    house: House, there: Receiver, register: Receiver, number: str, answered: bytes, code: str, valid: bool
) -> None:
    await house.endpoint(there.url, event_types=["customer.vies_check"])
    await french(house)
    register.says(answer(200, answered))
    await customer(house, country="DE", tax_identification_number=number)
    assert codes(house) == []
    await house.work("customers.")
    assert codes(house) == [code]
    assert [each.path.rpartition("/ms/")[2] for each in register.received] == [f"{number[:2]}/vat/{number[2:]}"]
    told = json.loads(house.webhook()["payload"])
    assert (told["webhook_type"], told["customer"]["external_id"]) == ("customer.vies_check", "c")
    assert told["customer"]["vies_check"]["valid"] is valid
    assert told["customer"]["vies_check"].get("company_name") == ("Hooli" if valid else None)
    assert told["customer"]["vies_check"].get("company_address") is None
    left = house.rows("SELECT * FROM pending_vies_checks WHERE organization_id = %(me)s")
    assert (house.jobs(CHECK), left) == ([], [])
    await customer(house, name="Same details")
    assert house.jobs(CHECK) == []


async def test_while_the_register_is_out_invoices_wait_and_then_get_tax_and_number(
    house: House, there: Receiver, register: Receiver
) -> None:
    await french(house)
    await customer(house, country="DE", tax_identification_number="DE136695976")
    async with tenant_work(house.tenant) as work:
        plan = Plan(
            organization_id=work.organization_id, code="p", name="P", interval="monthly", amount_cents=1_000,
            amount_currency="EUR", pay_in_advance=True,
        )  # fmt: skip
        work.session.add(plan)
        await work.session.flush()
        row = await subscribe(work, await customer_to_subscribe(work, "c", "EUR"), plan, "s", {})
        subscription_id = row.id
    async with tenant_work(house.tenant) as work:
        request = BillRequest((subscription_id,), clock.now(), "subscription_starting", skip_charges=True)
        await bill_subscriptions(work, [request])
    invoices = "SELECT * FROM invoices WHERE organization_id = %(me)s AND invoice_type = 'subscription'"
    one_off = "SELECT status, number FROM invoices WHERE organization_id = %(me)s AND invoice_type = 'one_off'"
    async with tenant_work(house.tenant) as work:
        await create_add_on(work, {"code": "a", "name": "A", "amount_cents": 100, "amount_currency": "EUR"})
        waiting_customer = await customer_to_subscribe(work, "c", "EUR")
        await create_one_off_invoice(work, waiting_customer, {"fees": [{"add_on_code": "a"}]})
    await house.work("billing.finish")
    assert house.rows(one_off)[0]["status"] == "pending"
    (waiting,) = house.rows(invoices)
    assert (waiting["status"], waiting["tax_status"], waiting["finalized_at"]) == ("pending", "pending", None)
    assert waiting["number"].endswith("-DRAFT")
    await house.work("customers.")
    (job,) = house.jobs(CHECK)
    assert (job["attempts"], job["waits"], codes(house)) == (1, True, [])
    register.says(answer(200, b"<html>"), answer(200, said("MS_UNAVAILABLE")), answer(200, said("VALID")))
    for attempts in (2, 3):
        house.wait()
        await house.work("customers.")
        assert house.jobs(CHECK)[0]["attempts"] == attempts
    (check,) = house.rows("SELECT * FROM pending_vies_checks WHERE organization_id = %(me)s")
    assert (check["attempts"], "MS_UNAVAILABLE" in check["last_error"]) == (3, True)
    house.wait()
    await house.work("customers.")
    await house.work("billing.finish")
    (final,) = house.rows(invoices)
    assert (final["status"], final["tax_status"], final["id"]) == ("finalized", "succeeded", waiting["id"])
    assert final["number"].endswith("-001-001")
    (single,) = house.rows(one_off)
    assert (single["status"], single["number"][-8:]) == ("finalized", "-001-002")
    assert codes(house) == ["lago_eu_reverse_charge"]


async def test_a_number_that_was_changed_meanwhile_is_not_asked_for(house: House, register: Receiver) -> None:
    await french(house)
    await customer(house, country="DE", tax_identification_number="DE136695976")
    await customer(house, tax_identification_number=None)
    await house.work("customers.")
    assert (register.received, house.jobs(CHECK), codes(house)) == ([], [], ["lago_eu_de_standard"])


def test_calls_are_repeated_ever_more_rarely() -> None:
    assert [pause_after(n) for n in range(1, 8)] == [timedelta(minutes=m) for m in (5, 5, 10, 20, 40, 60, 60)]
