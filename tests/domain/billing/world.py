"""A small tenant to bill: organization, billing entity, plan with charges, customers, subscriptions, events.

Rows are put in by the database's owner, in bulk, so that a thousand subscriptions are there in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from domain.kernel.ids import new_id
from domain.kernel.tenancy import Tenant
from infrastructure.database import bare_url
from tests.tenancy.rows import MODELS

__all__ = ["World", "instant"]


def instant(text: str) -> datetime:
    """An instant from its text; UTC where it names no zone."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _defaults(table: str) -> dict[str, Any]:
    fields = MODELS[table].model_fields
    return {name: each.default for name, each in fields.items() if isinstance(each.default, bool | int | str)}


@dataclass
class World:
    """One organization whose clock stands at `now` until `at` moves it; `adopted`: one that is there already."""

    now: datetime
    entity: Mapping[str, Any] = field(default_factory=dict)
    organization_id: UUID = field(default_factory=new_id)
    adopted: bool = False
    customers: int = 0
    _connection: psycopg.Connection[Any] | None = None

    def __enter__(self) -> World:
        self._connection = psycopg.connect(bare_url(), autocommit=True)
        if self.adopted:
            return self
        self.insert(
            "organizations",
            id=self.organization_id,
            name="Northwind",
            slug=str(self.organization_id),
            hmac_key="secret",
            authentication_methods=["email_password"],
            sandbox=True,
            frozen_at=self.now,
        )
        entity: dict[str, Any] = {"code": "main", "name": "Northwind", "default_currency": "USD", "timezone": "UTC"}
        entity |= {"document_locale": "en", "document_numbering": "per_customer", "document_number_prefix": "nor-1"}
        entity |= {"invoice_grace_period": 0, "net_payment_term": 0, "finalize_zero_amount_invoice": True}
        entity |= {"subscription_invoice_issuing_date_anchor": "next_period_start"}
        entity |= {"subscription_invoice_issuing_date_adjustment": "align_with_finalization_date"}
        self.insert(
            "billing_entities",
            id=self.organization_id,
            organization_id=self.organization_id,
            email_settings=[],
            eu_tax_management=False,
            **{**entity, **self.entity},
        )
        return self

    def __exit__(self, *error: object) -> None:
        assert self._connection is not None
        self._connection.close()

    @property
    def tenant(self) -> Tenant:
        return Tenant(self.organization_id, self.now)

    def at(self, when: str) -> Tenant:
        """Sets the clock; the tenant as of then."""
        self.now = instant(when)
        self.execute("UPDATE organizations SET frozen_at = %s WHERE id = %s", self.now, self.organization_id)
        return self.tenant

    def execute(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement run by the owner of the tables; none for one that answers none."""
        assert self._connection is not None
        cursor = self._connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def insert(self, table: str, **values: Any) -> UUID:
        """One row, with an id, times and the model's plain defaults unless given; its id."""
        row = {"id": new_id(), "created_at": self.now, "updated_at": self.now, **_defaults(table), **values}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        )
        assert self._connection is not None
        self._connection.execute(
            statement, [Jsonb(value) if isinstance(value, dict) else value for value in row.values()]
        )
        return UUID(str(row["id"]))

    def metric(self, code: str, aggregation: str = "sum_agg", field_name: str | None = "units", **more: Any) -> UUID:
        values = {"name": code, "recurring": False, "values_ready": True, **more}
        return self.insert(
            "billable_metrics",
            organization_id=self.organization_id,
            code=code,
            aggregation_type=aggregation,
            field_name=field_name,
            **values,
        )

    def plan(self, amount_cents: int, interval: str = "monthly", **more: Any) -> UUID:
        plan_id = new_id()
        values = {"code": f"plan-{plan_id}", "name": "Plan", "amount_currency": "USD", "pay_in_advance": False}
        return self.insert(
            "plans",
            id=plan_id,
            organization_id=self.organization_id,
            interval=interval,
            amount_cents=amount_cents,
            pending_deletion=False,
            **{**values, **more},
        )

    def charge(
        self, plan_id: UUID, metric_id: UUID, model: str, properties: Mapping[str, Any], position: int = 0, **more: Any
    ) -> UUID:
        charge_id = new_id()
        values = {"pay_in_advance": False, "prorated": False, "invoiceable": True, "min_amount_cents": 0}
        return self.insert(
            "charges",
            id=charge_id,
            organization_id=self.organization_id,
            plan_id=plan_id,
            billable_metric_id=metric_id,
            code=f"charge-{charge_id}",
            charge_model=model,
            properties=dict(properties),
            position=position,
            **{**values, "accepts_target_wallet": False, **more},
        )

    def fixed_charge(self, plan_id: UUID, amount: str, units: str, **more: Any) -> UUID:
        """A fixed charge of an add-on of its own, at so much a unit."""
        fixed_charge_id = new_id()
        values = {"charge_model": "standard", "pay_in_advance": False, "prorated": False, "position": 0}
        if "add_on_id" not in more:
            more["add_on_id"] = self.insert(
                "add_ons", organization_id=self.organization_id, code=f"add-on-{fixed_charge_id}", name="Seats",
                amount_cents=100, amount_currency="USD",
            )  # fmt: skip
        return self.insert(
            "fixed_charges",
            id=fixed_charge_id,
            organization_id=self.organization_id,
            plan_id=plan_id,
            code=f"fixed-{fixed_charge_id}",
            properties={"amount": amount},
            units=units,
            **{**values, **more},
        )

    def units(self, subscription_id: UUID, fixed_charge_id: UUID, units: str, since: str) -> UUID:
        """A subscription has so many units from an instant on."""
        return self.insert(
            "fixed_charge_events",
            organization_id=self.organization_id,
            subscription_id=subscription_id,
            fixed_charge_id=fixed_charge_id,
            units=units,
            timestamp=instant(since),
        )

    def commitment(self, plan_id: UUID, amount_cents: int) -> UUID:
        return self.insert(
            "commitments", organization_id=self.organization_id, plan_id=plan_id, amount_cents=amount_cents
        )

    def put_tax(self, tax_id: UUID, table: str, **owner: UUID) -> None:
        """Puts a tax on a plan, charge, fixed charge, commitment or customer: put_tax(t, "plan_taxes", plan_id=p)."""
        self.insert(table, organization_id=self.organization_id, tax_id=tax_id, **owner)

    def tax(self, rate: str, code: str) -> UUID:
        """A tax that applies to all that the organization invoices."""
        tax_id = self.tax_alone(rate, code)
        self.insert(
            "billing_entity_taxes",
            organization_id=self.organization_id,
            billing_entity_id=self.organization_id,
            tax_id=tax_id,
        )
        return tax_id

    def tax_alone(self, rate: str, code: str) -> UUID:
        """A tax that is put on nothing yet."""
        return self.insert("taxes", organization_id=self.organization_id, name=code, code=code, rate=rate)

    def customer(self, **more: Any) -> UUID:
        self.customers += 1
        values = {"external_id": f"customer-{self.customers}", "name": f"Customer {self.customers}"}
        values |= {"account_type": "customer", "finalize_zero_amount_invoice": "inherit"}
        return self.insert(
            "customers",
            organization_id=self.organization_id,
            billing_entity_id=self.organization_id,
            sequential_id=self.customers,
            slug=f"NOR-1-{self.customers:03d}",
            **{**values, **more},
        )

    def subscription(self, customer_id: UUID, plan_id: UUID, started_at: str, **more: Any) -> UUID:
        start = instant(started_at)
        subscription_id = new_id()
        values = {
            "id": subscription_id,
            "external_id": f"sub-{subscription_id}",
            "status": "active",
            "billing_time": "calendar",
            "subscription_at": start,
            "started_at": start,
            "activated_at": start,
            "on_termination_invoice": "generate",
            "consolidate_invoice": True,
            "created_at": start,
            "updated_at": start,
        }
        return self.insert(
            "subscriptions",
            organization_id=self.organization_id,
            customer_id=customer_id,
            plan_id=plan_id,
            **{**values, **more},
        )

    def subscriptions(self, count: int, plan_id: UUID, started_at: str) -> list[UUID]:
        """So many customers with a subscription each."""
        return [self.subscription(self.customer(), plan_id, started_at) for _ in range(count)]

    def coupon(self, customer_id: UUID, *targets: UUID, applied_at: str | None = None, **terms: Any) -> UUID:
        """A coupon given to the customer, 10 dollars forever unless said otherwise; the id of the application.

        targets: plans, or metrics where `limited_billable_metrics` is given.
        """
        of_metrics = terms.pop("limited_billable_metrics", False)
        values: dict[str, Any] = {"frequency": "forever"}
        if "percentage_rate" not in terms:
            values |= {"amount_cents": 1000, "amount_currency": "USD"}
        values |= terms
        coupon_id = new_id()
        self.insert(
            "coupons",
            id=coupon_id,
            organization_id=self.organization_id,
            name="Coupon",
            code=f"coupon-{coupon_id}",
            coupon_type="percentage" if "percentage_rate" in terms else "fixed_amount",
            expiration="no_expiration",
            reusable=True,
            limited_plans=bool(targets) and not of_metrics,
            limited_billable_metrics=of_metrics,
            status="active",
            **values,
        )
        for target in targets:
            column = "billable_metric_id" if of_metrics else "plan_id"
            self.insert("coupon_targets", organization_id=self.organization_id, coupon_id=coupon_id, **{column: target})
        return self.insert(
            "applied_coupons",
            organization_id=self.organization_id,
            coupon_id=coupon_id,
            customer_id=customer_id,
            status="active",
            frequency_duration_remaining=values.get("frequency_duration"),
            created_at=instant(applied_at) if applied_at else self.now,
            **values,
        )

    def event(self, external_id: str, code: str, timestamp: str, units: str | None = None) -> None:
        properties = json.dumps({"units": units} if units is not None else {})
        self.execute(
            "INSERT INTO events (id, organization_id, external_subscription_id, transaction_id, code, properties,"
            " value, event_metadata, created_at, timestamp) VALUES (%s, %s, %s, %s, %s, %s, %s, '{}', %s, %s)",
            new_id(), self.organization_id, external_id, str(new_id()), code, properties, units, self.now,
            instant(timestamp),
        )  # fmt: skip

    def rows(self, table: str, columns: str = "*", order: str = "id", **where: Any) -> list[Any]:
        """Rows of this organization as named tuples."""
        assert self._connection is not None
        conditions = " AND ".join(["organization_id = %s", *(f"{name} = %s" for name in where)])
        with self._connection.cursor(row_factory=psycopg.rows.namedtuple_row) as cursor:
            statement = f"SELECT {columns} FROM {table} WHERE {conditions} ORDER BY {order}"
            cursor.execute(statement, [self.organization_id, *where.values()])
            return list(cursor.fetchall())

    def invoice_of(self, invoice_ids: Sequence[UUID]) -> Any:
        """The only invoice of a run."""
        assert len(invoice_ids) == 1, invoice_ids
        return self.rows("invoices", id=invoice_ids[0])[0]
