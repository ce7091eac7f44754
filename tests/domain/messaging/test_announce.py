"""What is told, to the last key: one object of every kind, and how many statements that costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from domain.catalog.events import PlanCreated
from domain.kernel import clock, retention
from domain.kernel.ids import new_id
from domain.kernel.rows import table
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from domain.messaging.announce import ANNOUNCEMENTS, MOST_IDS, announce
from domain.messaging.clean import clean_webhooks
from domain.messaging.event_types import KNOWN, SENT
from domain.messaging.models import Webhook
from infrastructure import exact_json
from infrastructure.database import engine
from tests.domain.messaging.conftest import House
from tests.tenancy.rows import World, make_world

TABLE = {
    "billable_metric": "billable_metrics",
    "customer": "customers",
    "plan": "plans",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "fee": "fees",
    "feature": "features",
    "payment_dispute_lost": "invoices",
    "payment_provider_invoice_payment_error": "invoices",
    "triggered_alert": "triggered_usage_alerts",
    "payment": "payments",
    "credit_note_payment_provider_refund_error": "credit_notes",
    "payment_provider_payment_request_payment_error": "payment_requests",
    "payment_provider_wallet_transaction_payment_error": "wallet_transactions",
    "payment_request": "payment_requests",
    "payment_receipt": "payment_receipts",
    "credit_note": "credit_notes",
    "dunning_campaign": "customers",
    "wallet": "wallets",
    "wallet_transaction": "wallet_transactions",
}
# What is told of by the id of another row than the object's own.
TOLD_BY = {"subscription.usage_threshold_reached": "applied_usage_thresholds"}
INCLUDED = {
    "customer": {"integration_customers"},
    "feature": {"code", "name", "description", "privileges", "created_at"},
    "plan": {"charges", "usage_thresholds", "taxes"},
    "subscription": {"plan", "customer"},
    "subscription.started": {"entitlements"},
    "subscription.updated": {"entitlements"},
    "subscription.usage_threshold_reached": {"usage_threshold", "applicable_usage_thresholds"},
    "plan.created": {"entitlements"},
    "plan.updated": {"entitlements"},
    "invoice": {"customer"},
    "payment_request": {"customer", "invoices"},
    "payment_receipt": {"payment"},
    "dunning_campaign": {"dunning_campaign_code", "overdue_balances"},
    "wallet": {"recurring_transaction_rules"},
    "wallet_transaction": {"wallet"},
    "invoice.created": {
        "subscriptions", "billing_periods", "fees", "credits", "applied_taxes", "applied_invoice_custom_sections",
    },
    "invoice.drafted": {"subscriptions", "billing_periods", "fees", "credits", "applied_taxes", "error_details"},
    "invoice.ready_to_finalize": {"fees", "applied_taxes", "error_details"},
}  # fmt: skip
LEFT_OUT = {
    "plan.deleted": {"entitlements"},
    "subscription.terminated": {"entitlements"},
    "subscription.trial_ended": {"entitlements"},
    "invoice.created": {"error_details"},
    "invoice.generated": {"fees", "subscriptions"},
}


@pytest.fixture(scope="module")
def owner(environment: dict[str, str]) -> Iterator[sa.Engine]:
    url = "postgresql+psycopg://" + environment["DATABASE_URL"].partition("://")[2]
    found = sa.create_engine(url, json_serializer=exact_json.dump_text)
    yield found
    found.dispose()


@pytest.fixture
def world(owner: sa.Engine) -> World:
    """An organization with one of everything, an endpoint for everything among it."""
    return make_world(owner, currency="USD", amount_currency="USD", default_currency="USD")


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL sent while the block runs."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        sent.append(statement)

    sa.event.listen(engine().sync_engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(engine().sync_engine, "before_cursor_execute", note)


def tenant(world: World) -> Tenant:
    return Tenant(world["organizations"].id)


@pytest.mark.parametrize("webhook_type", sorted(ANNOUNCEMENTS))
async def test_each_type_tells_its_object_with_what_belongs_to_it(
    webhook_type: str, migrated: str, world: World
) -> None:
    object_type = ANNOUNCEMENTS[webhook_type].object_type
    told = world[TABLE[object_type]]
    async with tenant_work(tenant(world)) as work:
        by = world[TOLD_BY[webhook_type]] if webhook_type in TOLD_BY else told
        (webhook_id,) = await announce(work, webhook_type, [by.id])
        stored = await work.session.get_one(Webhook, webhook_id)
    assert (stored.webhook_type, stored.object_type, stored.object_id) == (webhook_type, object_type, by.id)
    assert stored.endpoint == world["webhook_endpoints"].webhook_url
    body = json.loads(stored.payload)
    content = body.pop(object_type)
    assert body == {
        "webhook_type": webhook_type, "object_type": object_type, "organization_id": str(tenant(world).organization_id),
    }  # fmt: skip
    if object_type == "payment_dispute_lost":
        content = content["invoice"]
    for about in ("invoice", "payment_request", "wallet_transaction", "credit_note"):
        if object_type in (f"payment_provider_{about}_payment_error", f"{about}_payment_provider_refund_error"):
            content["lago_id"] = content[f"lago_{about}_id"]
    if object_type == "dunning_campaign":
        content["lago_id"] = str(world["customers"].id) * (content["external_customer_id"] == told.external_id)
    if object_type == "feature":
        content["lago_id"] = str(told.id) * (content["code"] == told.code)
    assert content["lago_id"] == str(told.id)
    assert INCLUDED.get(object_type, set()) | INCLUDED.get(webhook_type, set()) <= set(content)
    assert not LEFT_OUT.get(webhook_type, set()) & set(content)
    if webhook_type == "invoice.created":
        assert [fee["lago_id"] for fee in content["fees"]] == [str(world["fees"].id)]


def test_what_is_offered_is_what_is_sent() -> None:
    from tasks.told import WEBHOOK_OF

    # Told by the hourly look over events, which no object stands for, or with what others said.
    told_directly = {
        "events.errors", "customer.vies_check", "customer.payment_provider_error", "customer.checkout_url_generated",
        "payment_provider.error",
    }  # fmt: skip
    offered = {known.name for known in SENT} - told_directly
    assert offered == set(ANNOUNCEMENTS) == {told for told, _ in WEBHOOK_OF.values()}
    assert set(ANNOUNCEMENTS) <= KNOWN


async def test_objects_that_are_gone_or_another_organizations_are_passed_over(
    migrated: str, owner: sa.Engine, world: World
) -> None:
    stranger = make_world(owner)
    async with tenant_work(tenant(world)) as work:
        ids = [new_id(), stranger["plans"].id, world["plans"].id]
        assert len(await announce(work, "plan.created", ids)) == 1
        with pytest.raises(KeyError):
            await announce(work, "plan.burned", ids)


@pytest.mark.parametrize(
    "webhook_type", ["customer.created", "invoice.created", "plan.updated", "subscription.started"]
)
async def test_many_objects_cost_as_many_statements_as_one(
    webhook_type: str, migrated: str, owner: sa.Engine, world: World
) -> None:
    """The rows are copies of one; the statements are counted where they leave the process."""
    name = TABLE[ANNOUNCEMENTS[webhook_type].object_type]
    ids = [world[name].id, *(_copy(owner, name, world[name].id) for _ in range(20))]
    counts = []
    for some in (ids[:1], ids):
        with statements() as sent:
            async with tenant_work(tenant(world)) as work:
                assert len(await announce(work, webhook_type, some)) == len(some)
        counts.append(len(sent))
    assert counts[0] == counts[1]


def _copy(owner: sa.Engine, name: str, id: object) -> Any:
    """The same row again, under another id and what else must be unique."""
    changes: dict[str, Any] = {"id": new_id()}
    unique = {"customers": ("external_id", "slug"), "plans": ("code",), "subscriptions": ("external_id",)}
    changes |= {column: str(new_id()) for column in unique.get(name, ())}
    if name == "customers":
        changes["sequential_id"] = new_id().int % 1_000_000_000
    statement = sa.text(
        f"INSERT INTO {name} OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(t, CAST(:changes AS jsonb))).*"
        f" FROM {name} t WHERE id = :id"
    )
    with owner.begin() as connection:
        connection.execute(statement, {"id": id, "changes": exact_json.dump_text(changes)})
    return changes["id"]


async def test_long_lists_become_several_jobs_and_no_id_is_told_twice(house: House) -> None:
    await house.endpoint("https://example.com/")
    ids = [new_id() for _ in range(2 * MOST_IDS + 50)]
    async with tenant_work(house.tenant) as work:
        work.record(PlanCreated(tuple(ids[:300])))
        work.record(PlanCreated(tuple(ids[200:])))
    jobs = [job["arguments"] for job in house.jobs("messaging.send")]
    assert {job["webhook_type"] for job in jobs} == {"plan.created"}
    assert sorted(len(job["ids"]) for job in jobs) == [50, MOST_IDS, MOST_IDS]
    assert sorted(each for job in jobs for each in job["ids"]) == sorted(map(str, ids))


@pytest.mark.parametrize("endpoints", [0, 3])
async def test_a_command_asks_once_whether_anybody_listens(house: House, endpoints: int) -> None:
    for number in range(endpoints):
        await house.endpoint(f"https://example.com/{number}")
    with statements() as sent:
        async with tenant_work(house.tenant) as work:
            for _ in range(5):
                work.record(PlanCreated((new_id(),)))
    assert len([statement for statement in sent if "webhook_endpoints" in statement]) == 1
    assert len(house.jobs("messaging.send")) == (1 if endpoints else 0)


async def test_webhooks_untouched_for_90_days_are_removed_in_batches(
    house: House, neighbour: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    for each in (house, neighbour):
        endpoint_id = await each.endpoint("https://example.com/")
        now = clock.wall()
        row = {
            "organization_id": each.tenant.organization_id, "webhook_endpoint_id": endpoint_id, "endpoint": "x",
            "webhook_type": "plan.created", "object_type": "plan", "payload": "{}", "status": "failed", "retries": 3,
            "created_at": now - timedelta(days=200),
        }  # fmt: skip
        ages = [timedelta(days=90, minutes=1)] * 3 + [timedelta(days=89, hours=23)]
        async with tenant_work(each.tenant) as work:
            rows = [{**row, "id": new_id(), "updated_at": now - age} for age in ages]
            await work.session.execute(sa.insert(table(Webhook)), rows)
    async with tenant_work(house.tenant) as work:
        assert [await clean_webhooks(work) for _ in range(3)] == [2, 1, 0]
    assert (len(house.webhooks()), len(neighbour.webhooks())) == (1, 4)
