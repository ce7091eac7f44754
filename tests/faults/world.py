"""An organization with many subscriptions that are due on the first of each month, and what must be true of it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg

from tests.installation import Installation, Sandbox

__all__ = ["World"]

CHUNK = "billing.bill_chunk"

# Copies of one row that was made through the interface; what must differ is replaced.
_COPY_CUSTOMERS = """
    INSERT INTO customers
    SELECT (jsonb_populate_record(c, jsonb_build_object('id', uuidv7(), 'external_id', 'sub-' || n,
                                                        'sequential_id', n, 'slug', c.slug || '-' || n))).*
    FROM customers c, generate_series(2, %(many)s) n WHERE c.organization_id = %(org)s AND c.external_id = 'sub-1'
"""
_COPY_SUBSCRIPTIONS = """
    INSERT INTO subscriptions
    SELECT (jsonb_populate_record(s, jsonb_build_object('id', uuidv7(), 'external_id', c.external_id,
                                                        'customer_id', c.id))).*
    FROM subscriptions s, customers c
    WHERE s.organization_id = %(org)s AND s.external_id = 'sub-1' AND c.organization_id = %(org)s
      AND c.external_id <> 'sub-1'
"""
# What a run of today owes: one invoice for each subscription that started before today.
_BILLED = """
    SELECT count(*) FILTER (WHERE x.bills = 0), count(*) FILTER (WHERE x.bills > 1), count(*)
    FROM subscriptions s CROSS JOIN LATERAL (
        SELECT count(*) AS bills FROM invoice_subscriptions i JOIN invoices v ON v.id = i.invoice_id
        WHERE i.subscription_id = s.id AND i.recurring AND i.timestamp::date = %(today)s AND v.status = 'finalized'
    ) x
    WHERE s.organization_id = %(org)s AND s.status = 'active' AND s.started_at::date < %(today)s
"""
_STARTED = """
    SELECT count(*) FILTER (WHERE x.bills <> 1) FROM subscriptions s JOIN plans p ON p.id = s.plan_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS bills FROM invoice_subscriptions i JOIN invoices v ON v.id = i.invoice_id
        WHERE i.subscription_id = s.id AND i.invoicing_reason = 'subscription_starting' AND v.status = 'finalized'
    ) x
    WHERE s.organization_id = %(org)s AND p.pay_in_advance
"""
_NUMBERS = """
    SELECT count(*), count(DISTINCT billing_entity_sequential_id), coalesce(min(billing_entity_sequential_id), 1),
           coalesce(max(billing_entity_sequential_id), 0), count(DISTINCT number)
    FROM invoices WHERE organization_id = %(org)s
"""
_CUSTOMER_NUMBERS = """
    SELECT count(*) FROM (
        SELECT FROM invoices WHERE organization_id = %(org)s GROUP BY customer_id
        HAVING count(*) <> max(sequential_id) OR count(DISTINCT sequential_id) <> count(*)
    ) wrong
"""
_INCOMPLETE = """
    SELECT count(*) FROM invoices v WHERE organization_id = %(org)s AND (status <> 'finalized' OR fees_amount_cents <>
        (SELECT coalesce(sum(amount_cents), 0) FROM fees f WHERE f.invoice_id = v.id)
        OR NOT EXISTS (SELECT FROM fees f WHERE f.invoice_id = v.id))
"""
_JOBS = """
    SELECT status, actor, count(*), max(error) FROM jobs
    WHERE organization_id = %(org)s OR status = 'failed' GROUP BY 1, 2
"""


class World:
    """The organization, its months, and the events that were answered 200."""

    def __init__(self, installation: Installation, subscriptions: int) -> None:
        self.installation = installation
        self.subscriptions = subscriptions
        self.sandbox = Sandbox(installation.url, "2024-01-10T09:00:00Z")
        self.month = 1
        self.starts = 0
        self.usual: float | None = None
        self.asked: list[threading.Thread] = []
        self._seed()

    def _seed(self) -> None:
        box = self.sandbox
        box.rest("PUT /organizations", {"organization": {"document_numbering": "per_organization"}})
        metric = box.rest(
            "POST /billable_metrics",
            {"billable_metric": {"name": "Units", "code": "units", "aggregation_type": "sum_agg", "field_name": "n"}},
        )["billable_metric"]
        charge = {
            "billable_metric_id": metric["lago_id"], "charge_model": "standard", "properties": {"amount": "0.01"},
        }  # fmt: skip
        common = {"interval": "monthly", "amount_cents": 4900, "amount_currency": "USD"}
        for code, in_advance in (("arrears", False), ("advance", True)):
            plan = {**common, "name": code, "code": code, "pay_in_advance": in_advance, "charges": [charge]}
            box.rest("POST /plans", {"plan": plan})
        self._subscribe("sub-1", "arrears")
        with self.installation.database() as database:
            values = {"org": box.id, "many": self.subscriptions}
            database.execute(_COPY_CUSTOMERS, values)
            database.execute(_COPY_SUBSCRIPTIONS, values)
            database.execute("ANALYZE")

    def _subscribe(self, external_id: str, plan: str) -> None:
        body = {"external_customer_id": external_id, "external_id": external_id, "plan_code": plan}
        self.sandbox.rest("POST /subscriptions", {"subscription": body})

    def subscribe_in_advance(self, many: int) -> None:
        """New subscriptions that are each owed an invoice at once, by a job of its own."""
        for _ in range(many):
            self.starts += 1
            self._subscribe(f"advance-{self.starts}", "advance")

    @property
    def today(self) -> datetime:
        year, month = divmod(self.month - 1, 12)
        return datetime(2024 + year, month + 1, 1, 0, 10, tzinfo=UTC)

    def next_month(self) -> None:
        """Moves the clock to the next first of a month, when everything is due."""
        self.month += 1
        self.sandbox.set_clock(f"{self.today:%Y-%m-%dT%H:%M:%SZ}")

    def ask_for_bills(self) -> None:
        """Asks for the billing run and does not wait; the answer may get lost with what is killed."""

        def ask() -> None:
            try:
                self.sandbox.run_task("bill_customers")
            except (httpx.HTTPError, AssertionError, ValueError):
                return

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        self.asked.append(thread)

    def until_billing(self) -> None:
        """Waits until the run has been handed to its chunks."""
        self.until_open(CHUNK)

    def until_open(self, actor: str, seconds: float = 30) -> None:
        """Waits until there is such a job."""
        deadline = time.monotonic() + seconds
        while not self.open_jobs(actor):
            assert time.monotonic() < deadline, f"no {actor}: {self.wrong()}\n{self.installation.said()}"
            time.sleep(0.005)

    def usual_seconds(self) -> float:
        """How long the chunks of a run take when nobody is killed; measured at the first call."""
        if self.usual is None:
            self.next_month()
            self.ask_for_bills()
            self.until_billing()
            began = time.monotonic()
            while wrong := self.wrong():
                assert time.monotonic() < began + 60, f"{wrong}\n{self.installation.said()}"
                time.sleep(0.02)
            self.usual = time.monotonic() - began
        return self.usual

    def open_jobs(self, actor: str | None = None) -> int:
        """Jobs of the organization that are not done."""
        query = "SELECT count(*) FROM jobs WHERE organization_id = %(org)s AND actor = coalesce(%(actor)s, actor)"
        with self.installation.database() as database:
            row = database.execute(query, {"org": self.sandbox.id, "actor": actor}).fetchone()
        assert row is not None
        return int(row[0])

    def undocumented(self) -> list[str]:
        """Invoices whose PDF was not made."""
        with self.installation.database() as database:
            (without,) = self._one(
                database, "SELECT count(*) FROM invoices WHERE organization_id = %(org)s AND document_key IS NULL"
            )
        return [f"{without} invoices have no document"] if without else []

    def wrong(self) -> list[str]:
        """What is not as it should be now: sentences, none when all is well."""
        with self.installation.database() as database:
            return [*self._wrong_jobs(database), *self._wrong_bills(database)]

    def _one(self, database: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
        row = database.execute(query, {"org": self.sandbox.id, "today": self.today.date()}).fetchone()
        assert row is not None
        return tuple(row)

    def _wrong_jobs(self, database: psycopg.Connection[Any]) -> list[str]:
        rows = database.execute(_JOBS, {"org": self.sandbox.id}).fetchall()
        return [f"{count} jobs {actor} are {status} ({error})" for status, actor, count, error in rows]

    def _wrong_bills(self, database: psycopg.Connection[Any]) -> list[str]:
        wrong = []
        if self.month > 1:
            none, several, due = self._one(database, _BILLED)
            if none or several or due < self.subscriptions:
                wrong.append(f"of {due} due subscriptions {none} have no invoice and {several} have more than one")
        (starting,) = self._one(database, _STARTED)
        if starting:
            wrong.append(f"{starting} subscriptions paid in advance do not have one first invoice")
        invoices, distinct, first, last, numbers = self._one(database, _NUMBERS)
        if not (first == 1 and invoices == distinct == last == numbers):
            wrong.append(
                f"{invoices} invoices have {numbers} numbers, of which {distinct} different ones from {first} to {last}"
            )
        (gaps,) = self._one(database, _CUSTOMER_NUMBERS)
        if gaps:
            wrong.append(f"the invoices of {gaps} customers are not numbered 1, 2, 3 ...")
        (incomplete,) = self._one(database, _INCOMPLETE)
        if incomplete:
            wrong.append(f"{incomplete} invoices are not finalized or do not add up")
        return wrong
