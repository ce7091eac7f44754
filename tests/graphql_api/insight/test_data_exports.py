"""Exports of invoices and credit notes: asked for over GraphQL, made by their jobs, opened by the link of a mail."""

from __future__ import annotations

import asyncio
import csv
import email
import email.policy
import io
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import pytest_asyncio
from starlette.applications import Starlette

import tasks.app  # names all jobs
import tasks.exports
from domain.billing.bill import bill_subscriptions
from domain.billing.requests import BillRequest
from domain.credits.create_note import create_note
from domain.insight.exports import run as steps
from domain.insight.exports.kinds import columns_of
from domain.insight.exports.lines import lines_of
from domain.insight.exports.request import expire_exports
from domain.kernel.errors import NotAllowed
from domain.kernel.ids import new_id
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import Reactions, install_reactions, installed_reactions, tenant_work
from infrastructure import storage
from infrastructure.mail import mail_folder
from infrastructure.settings import settings
from rest_api.downloads import routes
from tasks.jobs import JOBS
from tasks.reactions import requests
from tasks.runner import run
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller

INVOICES = "mutation($input: CreateDataExportsInvoicesInput!) { createInvoicesDataExport(input: $input) { id status } }"
NOTES = """
    mutation($input: CreateDataExportsCreditNotesInput!) { createCreditNotesDataExport(input: $input) { id status } }
"""
EVIL = '=HYPERLINK("http://evil.example")'


@dataclass
class Exports:
    """The exports of an organization with two invoices, of which one has a credit note."""

    caller: Caller
    world: World
    files: httpx.AsyncClient
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def tenant(self) -> Tenant:
        return Tenant(self.world.organization_id)

    async def ask(self, kind: str, **filters: Any) -> str:
        """The id of an export that waits for its jobs."""
        invoices = kind.startswith("invoice")
        wanted = {"format": "csv", "resourceType": kind, "filters": filters}
        found = await self.caller.data(INVOICES if invoices else NOTES, {"input": wanted})
        answer = found["createInvoicesDataExport" if invoices else "createCreditNotesDataExport"]
        assert answer["status"] == "pending"
        return str(answer["id"])

    def waiting(self, *actors: str) -> list[UUID]:
        return [row.id for row in self.world.rows("jobs", status="pending") if not actors or row.actor in actors]

    async def work(self, *actors: str) -> None:
        """Runs all jobs that wait, and those that follow; of some kinds only."""
        while ids := self.waiting(*actors):
            for each in ids:
                self.world.execute("UPDATE jobs SET due_at = now() - interval '1 s' WHERE id = %s", each)
                await run(each)

    def row(self, export_id: str) -> Any:
        return self.world.rows("data_exports", id=export_id)[0]

    def mails(self, export_id: str) -> list[Any]:
        files = mail_folder().glob(f"data-export-{export_id}*.eml") if mail_folder().exists() else ()
        return [email.message_from_bytes(each.read_bytes(), policy=email.policy.default) for each in files]

    async def opened(self, export_id: str) -> httpx.Response:
        """What the link in the mail opens."""
        (mail,) = self.mails(export_id)
        text = mail.get_body(("plain",)).get_content()
        link = re.search(r"http\S+(/download/\S+)", text)
        assert link, text
        return await self.files.get(link[1])

    async def lines(self, export_id: str) -> list[dict[str, str]]:
        rows = list(csv.reader(io.StringIO((await self.opened(export_id)).text, newline="")))
        return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


async def _seed(world: World) -> dict[str, Any]:
    """Two customers billed for February, one of them for usage by region; a credit note on its base fee."""
    plan = world.plan(10_000, name="Gold", code="gold")
    world.put_tax(world.tax_alone("20", "vat"), "plan_taxes", plan_id=plan)
    world.charge(plan, world.metric("pages"), "standard", {"amount": "0.125", "pricing_group_keys": ["region"]})
    evil = world.customer(external_id="evil", name=EVIL, email="+x@example.com", currency="USD", country="FR")
    plain = world.customer(external_id="plain", name=None, firstname="Gavin", lastname="Belson", currency="USD")
    subscriptions = (
        world.subscription(evil, plan, "2024-02-01T00:00:00Z", external_id="sub-evil"),
        world.subscription(plain, plan, "2024-02-01T00:00:00Z", external_id="sub-plain"),
    )
    world.event("sub-evil", "pages", "2024-02-05T12:00:00Z", "3")
    async with tenant_work(Tenant(world.organization_id)) as work:
        await bill_subscriptions(
            work, [BillRequest((each,), world.now, "subscription_periodic") for each in subscriptions]
        )
    (invoice,) = world.rows("invoices", customer_id=evil)
    (fee,) = world.rows("fees", invoice_id=invoice.id, fee_type="subscription")
    async with tenant_work(Tenant(world.organization_id)) as work:
        params = {
            "invoice_id": str(invoice.id), "reason": "other", "description": "-1+1", "credit_amount_cents": 1200,
            "items": [{"fee_id": str(fee.id), "amount_cents": 1000}],
        }  # fmt: skip
        note_id = await create_note(work, params)
    (note,) = world.rows("credit_notes", id=note_id)
    (item,) = world.rows("credit_note_items", credit_note_id=note_id)
    world.execute(
        "UPDATE invoices SET document_key = 'there', payment_dispute_lost_at = '2024-03-02T10:00:00.5Z',"
        " timezone = 'America/New_York' WHERE id = %s",
        invoice.id,
    )
    (other,) = world.rows("invoices", customer_id=plain)
    return {"evil": evil, "plain": plain, "invoice": invoice, "other": other, "fee": fee, "note": note, "item": item}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TARN_DATA_DIR", str(tmp_path_factory.mktemp("exports")))
        settings.cache_clear()
        yield settings().data_dir
    settings.cache_clear()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def exports(admin: Caller, place: Path) -> AsyncIterator[Exports]:
    async def dispatch(rows: object) -> None:
        pass

    assert admin.organization_id
    transport = httpx.ASGITransport(Starlette(routes=routes))
    with World(instant("2024-03-01T00:10:00Z"), organization_id=UUID(admin.organization_id), adopted=True) as world:
        async with httpx.AsyncClient(transport=transport, base_url="http://tarn.test") as files:
            found = Exports(admin, world, files, await _seed(world))
            before = installed_reactions()
            install_reactions(Reactions(requests, dispatch, {name: job.queue for name, job in JOBS.items()}))
            yield found
            install_reactions(before)


@pytest.fixture(autouse=True)
def no_jobs_of_others(exports: Exports) -> None:
    exports.world.execute("DELETE FROM jobs")


async def test_invoices_are_exported_with_the_columns_of_the_interface(exports: Exports) -> None:
    exported, made = await exports.ask("invoices"), exports.made
    await exports.work()
    answer = await exports.opened(exported)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = re.fullmatch(r'attachment; filename="\d{14}_invoices\.csv"', answer.headers["content-disposition"])
    assert name, answer.headers
    lines = {line["customer_external_id"]: line for line in await exports.lines(exported)}
    assert list(lines) == ["evil", "plain"] or list(lines) == ["plain", "evil"]
    line, invoice = lines["evil"], made["invoice"]
    assert list(line) == columns_of("invoices", 1)
    assert line.pop("file_url").startswith("http")
    assert line == {
        "lago_id": str(invoice.id), "sequential_id": "1", "partner_billing": "false", "issuing_date": "2024-03-01",
        "customer_lago_id": str(made["evil"]), "customer_external_id": "evil", "customer_name": f"'{EVIL}",
        "customer_email": "'+x@example.com", "customer_country": "FR", "customer_tax_identification_number": "",
        "invoice_number": invoice.number, "purchase_order_number": "", "invoice_type": "subscription",
        "payment_status": "pending", "status": "finalized", "currency": "USD", "fees_amount_cents": "10038",
        "coupons_amount_cents": "0", "taxes_amount_cents": "2008", "credit_notes_amount_cents": "0",
        "prepaid_credit_amount_cents": "0", "total_amount_cents": "12046", "payment_due_date": "2024-03-01",
        "payment_dispute_lost_at": "2024-03-02T10:00:00Z", "payment_overdue": "false",
        "total_due_amount_cents": "12046", "total_paid_amount_cents": "0",
        "total_offsetted_credit_note_amount_cents": "0", "progressive_billing_credit_amount_cents": "0",
    }  # fmt: skip
    assert (lines["plain"]["customer_name"], lines["plain"]["file_url"]) == ("Gavin Belson", "")
    (mail,) = exports.mails(exported)
    assert (mail["To"], mail["Subject"]) == (exports.caller.email, "Your export of invoices is ready")
    row = exports.row(exported)
    assert (row.status, row.expires_at - row.completed_at) == ("completed", steps.KEPT)
    assert exports.world.rows("data_export_parts") == []
    (log,) = exports.world.rows("security_logs", log_event="export.created")
    assert (log.resources, str(log.user_id)) == ({"export_type": "invoices"}, exports.caller.user_id)


async def test_fees_are_exported_with_their_dates_in_the_time_zone_of_the_invoice(exports: Exports) -> None:
    exported, made = await exports.ask("invoice_fees", customerExternalId="evil"), exports.made
    await exports.work()
    lines = {line["fee_item_type"]: line for line in await exports.lines(exported)}
    assert set(lines) == {"subscription", "charge"}
    line, fee = lines["charge"], exports.world.rows("fees", fee_type="charge", invoice_id=made["invoice"].id)[0]
    assert list(line) == columns_of("invoice_fees", 1)
    assert line == {
        "invoice_lago_id": str(made["invoice"].id), "invoice_number": made["invoice"].number,
        "invoice_issuing_date": "2024-03-01", "fee_lago_id": str(fee.id), "fee_item_type": "charge",
        "fee_item_code": "pages", "fee_item_name": "pages", "fee_item_description": "",
        "fee_item_invoice_display_name": "pages", "fee_item_filter_invoice_display_name": "",
        "fee_item_grouped_by": '{"region":null}', "subscription_external_id": "sub-evil",
        "subscription_plan_code": "gold", "fee_from_date": "2024-01-31", "fee_to_date": "2024-02-29",
        "fee_amount_currency": "USD", "fee_units": "3.0", "fee_precise_unit_amount": "0.125",
        "fee_taxes_amount_cents": "8", "fee_total_amount_cents": "46",
    }  # fmt: skip
    assert (lines["subscription"]["fee_item_code"], lines["subscription"]["fee_item_name"]) == ("gold", "Gold")


async def test_credit_notes_and_their_items_are_exported(exports: Exports) -> None:
    made = exports.made
    note, item, invoice = made["note"], made["item"], made["invoice"]
    whole, parts = await exports.ask("credit_notes"), await exports.ask("credit_note_items", searchTerm="evil")
    await exports.work()
    (line,) = await exports.lines(whole)
    assert list(line) == columns_of("credit_notes", 1)
    assert line == {
        "lago_id": str(note.id), "sequential_id": "1", "partner_billing": "false",
        "issuing_date": note.issuing_date.isoformat(), "customer_lago_id": str(made["evil"]),
        "customer_external_id": "evil", "customer_name": f"'{EVIL}", "customer_email": "'+x@example.com",
        "customer_country": "FR", "customer_tax_identification_number": "", "number": note.number,
        "invoice_number": invoice.number, "purchase_order_number": "", "credit_status": "available",
        "refund_status": "", "reason": "other", "description": "'-1+1", "currency": "USD",
        "total_amount_cents": "1200", "taxes_amount_cents": "200", "sub_total_excluding_taxes_amount_cents": "1000",
        "coupons_adjustment_amount_cents": "0", "offset_amount_cents": "0", "credit_amount_cents": "1200",
        "balance_amount_cents": "1200", "refund_amount_cents": "0", "file_url": "",
    }  # fmt: skip
    (line,) = await exports.lines(parts)
    assert list(line) == columns_of("credit_note_items", 1)
    assert line == {
        "credit_note_lago_id": str(note.id), "credit_note_number": note.number,
        "credit_note_invoice_number": invoice.number, "credit_note_issuing_date": note.issuing_date.isoformat(),
        "credit_note_item_lago_id": str(item.id), "credit_note_item_fee_lago_id": str(made["fee"].id),
        "credit_note_item_currency": "USD", "credit_note_item_amount_cents": "1000",
    }  # fmt: skip


async def test_an_export_takes_all_filters_of_the_list(exports: Exports, stranger: Caller) -> None:
    """One file by filters that only one invoice passes, one by those that nothing passes: the header alone."""
    common = {
        "amountFrom": "1", "amountTo": "99999", "currency": "USD", "issuingDateFrom": "2024-03-01",
        "issuingDateTo": "2199-01-01", "selfBilled": False,
    }  # fmt: skip
    other = exports.made["other"]
    one = await exports.ask(
        "invoices", **common, invoiceType=["subscription"], status=["finalized"], paymentStatus=["pending"],
        paymentOverdue=False, paymentDisputeLost=False, searchTerm="BELSON", customerExternalId="plain",
        billingEntityIds=[str(other.billing_entity_id)],
    )  # fmt: skip
    none = await exports.ask("invoice_fees", purchaseOrderNumber="PO", billingEntityIds=["nonsense"])
    note = await exports.ask(
        "credit_notes", **common, reason=["other"], creditStatus=["available"], types=["credit"], searchTerm="evil",
        customerExternalId="evil", customerId=str(exports.made["evil"]),
        invoiceNumber=exports.made["invoice"].number, billingEntityIds=[str(other.billing_entity_id)],
    )  # fmt: skip
    no_note = await exports.ask("credit_notes", refundStatus=["failed"], purchaseOrderNumber="PO")
    mine = Exports(stranger, exports.world, exports.files)
    foreign = await mine.ask("invoices")
    await exports.work()
    assert [line["lago_id"] for line in await exports.lines(one)] == [str(other.id)]
    assert [line["lago_id"] for line in await exports.lines(note)] == [str(exports.made["note"].id)]
    assert (await exports.opened(none)).text == ",".join(columns_of("invoice_fees", 1)) + "\r\n"
    assert (await exports.lines(no_note)) == []
    assert exports.world.rows("data_exports", id=foreign) == []
    with World(instant("2024-03-01T00:10:00Z"), organization_id=UUID(stranger.organization_id), adopted=True) as theirs:
        own = Exports(stranger, theirs, exports.files)
        await own.work()
        assert (await own.lines(foreign)) == []


async def test_killed_after_the_file_was_stored_it_is_one_file_and_one_mail(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = await exports.ask("invoices")
    await exports.work(tasks.exports.SPLIT, steps.PART)

    async def killed(*_: object) -> None:
        raise ConnectionError("killed")

    (finish,) = exports.waiting()
    with monkeypatch.context() as patch:
        patch.setattr(tasks.exports, "complete", killed)
        await run(finish)
    row = exports.row(exported)
    assert (row.status, row.file_key) == ("processing", None)
    assert await storage.exists(f"{exports.world.organization_id}/data_exports/{exported}.csv")
    await exports.work()
    assert exports.row(exported).status == "completed"
    async with tenant_work(exports.tenant) as work:
        await steps.complete(work, UUID(exported), "twice")
        assert await steps.assembled(work, UUID(exported)) is None
    assert exports.waiting() == []
    assert len(await exports.lines(exported)) == 2
    assert len(exports.mails(exported)) == 1


async def test_parts_are_written_at_once_and_count_once_and_the_last_asks_for_the_end(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SIZE", 1)
    exported = await exports.ask("invoices")
    await exports.work(tasks.exports.SPLIT)
    first, second = (row.id for row in exports.world.rows("data_export_parts", order="position"))

    async def written(part_id: UUID) -> None:
        async with tenant_work(exports.tenant) as work:
            await steps.write_part(work, part_id)

    await asyncio.gather(*(written(each) for each in (second, first, second, first, new_id())))
    await written(first)
    assert (exports.row(exported).parts_left, len(exports.waiting(steps.FINISH))) == (0, 1)
    await exports.work()
    newest = sorted(exports.world.rows("invoices"), key=lambda row: row.id)
    assert {line["lago_id"] for line in await exports.lines(exported)} == {str(row.id) for row in newest}


async def test_an_export_is_begun_once_and_not_when_it_is_old(exports: Exports) -> None:
    exported = await exports.ask("invoices")
    await exports.work()
    for code in ("data_export_processed", "data_export_expired"):
        async with tenant_work(exports.tenant) as work:
            with pytest.raises(NotAllowed) as refused:
                await steps.split(work, UUID(exported))
        assert refused.value.code == code
        exports.world.execute("UPDATE data_exports SET expires_at = now() - interval '1 s' WHERE id = %s", exported)
    assert exports.row(exported).status == "completed"


async def test_a_part_that_fails_for_good_fails_the_export_and_may_be_done_again(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = await exports.ask("invoices")
    await exports.work(tasks.exports.SPLIT)
    (part,) = exports.waiting()

    async def broken(*_: object) -> str:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "lines_of", broken)
        await exports.work(steps.PART)
    assert (exports.row(exported).status, exports.mails(exported)) == ("failed", [])
    exports.world.execute("UPDATE jobs SET status = 'pending' WHERE id = %s", part)
    await exports.work()
    assert (exports.row(exported).status, len(await exports.lines(exported))) == ("completed", 2)


async def test_a_file_that_is_too_large_fails_the_export(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MAX_OBJECT_BYTES", 100)
    exported = await exports.ask("credit_notes")
    await exports.work()
    assert (exports.row(exported).status, exports.mails(exported)) == ("failed", [])


async def test_the_statements_of_a_part_do_not_grow_with_its_rows(exports: Exports, statements: list[str]) -> None:
    made, counts = exports.made, []
    for kind, ids in (
        ("invoices", [made["other"].id]),
        ("invoices", [made["other"].id, made["invoice"].id]),
        ("invoice_fees", [made["other"].id]),
        ("invoice_fees", [made["other"].id, made["invoice"].id]),
    ):
        async with tenant_work(exports.tenant) as work:
            del statements[:]
            await lines_of(work.session, kind, columns_of(kind, 2), ids)
            counts.append(len(statements))
    assert counts == [2, 2, 2, 2]


async def test_what_has_expired_is_not_mailed_not_opened_and_removed(exports: Exports) -> None:
    exported = await exports.ask("invoices")
    await exports.work()
    kept = await exports.ask("invoices")
    await exports.work(tasks.exports.SPLIT, steps.PART, steps.FINISH)
    exports.world.execute("UPDATE data_exports SET expires_at = now() - interval '1 s' WHERE id = %s", kept)
    await exports.work()
    assert exports.mails(kept) == [], "it expired before the mail was written"
    exports.world.execute("UPDATE data_exports SET expires_at = now() - interval '1 s' WHERE id = %s", exported)
    key = exports.row(exported).file_key
    async with tenant_work(exports.tenant) as work:
        assert await expire_exports(work) >= 2
    await exports.work()
    assert exports.world.rows("data_exports", id=exported) == []
    assert not await storage.exists(key)
    assert (await exports.opened(exported)).status_code == 404
    async with tenant_work(exports.tenant) as work:
        assert await expire_exports(work) == 0


async def test_whoever_left_the_organization_gets_no_mail(exports: Exports) -> None:
    exported = await exports.ask("invoices")
    exports.world.execute("UPDATE memberships SET status = 'revoked' WHERE user_id = %s", exports.caller.user_id)
    await exports.work()
    exports.world.execute("UPDATE memberships SET status = 'active' WHERE user_id = %s", exports.caller.user_id)
    assert (exports.row(exported).status, exports.mails(exported)) == ("completed", [])


async def test_an_export_needs_its_permission_and_known_words(exports: Exports, migrated: str) -> None:
    wanted = {"format": "csv", "resourceType": "invoices", "filters": {}}
    assert "extensions" in (await exports.caller.ask(INVOICES, {"input": {**wanted, "format": "xls"}}))["errors"][0]
    notes = {**wanted, "resourceType": "credit_notes"}
    nobody = Caller(exports.caller.http)
    assert (await nobody.error(INVOICES, {"input": wanted}))["code"] == "forbidden"
    with psycopg.connect(migrated, autocommit=True) as owner:
        owner.execute("UPDATE roles SET admin = false, code = 'none' WHERE code = 'admin'")
        try:
            for mutation, body, resource in ((INVOICES, wanted, "invoices"), (NOTES, notes, "credit_notes")):
                refused = await exports.caller.error(mutation, {"input": body})
                assert refused["required_permissions"] == [f"{resource}:export"]
        finally:
            owner.execute("UPDATE roles SET admin = true, code = 'admin' WHERE code = 'none'")
