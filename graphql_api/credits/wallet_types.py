"""Wallets and their rules."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.credits.wallets import queries
from domain.credits.wallets.amounts import credits_of
from domain.credits.wallets.sections import sections_of_rules, sections_of_wallets
from domain.kernel.format import decimal_or_none, decimal_text
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.catalog.metrics import BillableMetric, fetch_metrics
from graphql_api.catalog.types import ItemMetadata
from graphql_api.credits.wallet_enums import (
    RecurringTransactionIntervalEnum,
    RecurringTransactionMethodEnum,
    RecurringTransactionTriggerEnum,
    WalletStatusEnum,
)
from graphql_api.enums import CurrencyEnum
from graphql_api.identity.custom_sections import InvoiceCustomSection, section_type
from graphql_api.insight.logged import Logged
from graphql_api.invoicing.applied_tax import number
from graphql_api.invoicing.enums import FeeTypesEnum
from graphql_api.loaders import load, load_one
from graphql_api.payments.enums import PaymentMethodTypeEnum
from graphql_api.payments.method_reference import PaidByMethod
from graphql_api.scalars import BigInt, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.customers.types import Customer

__all__ = [
    "Wallet", "WalletCollection", "WalletCollectionMetadata", "fetch_wallets", "has_wallet", "wallet_type",
]  # fmt: skip

LazyCustomer = Annotated["Customer", strawberry.lazy("graphql_api.customers.types")]


@strawberry.type
class TransactionMetadata:
    key: str
    value: str


@strawberry.type
class RecurringTransactionRule(PaidByMethod):
    lago_id: strawberry.ID
    trigger: RecurringTransactionTriggerEnum
    interval: RecurringTransactionIntervalEnum | None
    method: RecurringTransactionMethodEnum
    paid_credits: str
    granted_credits: str
    grants_target_top_up: bool | None
    threshold_credits: str | None
    target_ongoing_balance: str | None
    ignore_paid_top_up_limits: bool
    invoice_requires_successful_payment: bool
    purchase_order_number: str | None
    skip_invoice_custom_sections: bool | None
    transaction_name: str | None
    transaction_metadata: list[TransactionMetadata] | None
    started_at: ISO8601DateTime | None
    expiration_at: ISO8601DateTime | None
    created_at: ISO8601DateTime

    @strawberry.field
    async def selected_invoice_custom_sections(self, info: Info) -> list[InvoiceCustomSection] | None:
        return await load(info, "sections_of_rules", _fetch_sections_of_rules, UUID(self.lago_id)) or []


@strawberry.type
class WalletAppliesTo:
    metric_ids: strawberry.Private[list[UUID]]

    fee_types: list[FeeTypesEnum] | None

    @strawberry.field
    async def billable_metrics(self, info: Info) -> list[BillableMetric] | None:
        return [await load_one(info, "billable_metrics", fetch_metrics, each) for each in self.metric_ids]


@strawberry.type
class Wallet(PaidByMethod, Logged):
    key: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]
    allowed_fee_types: strawberry.Private[list[str]]

    id: strawberry.ID
    name: str | None
    code: str | None
    status: WalletStatusEnum
    currency: CurrencyEnum
    priority: int
    rate_amount: float
    billing_entity_id: strawberry.ID | None
    balance_cents: BigInt
    credits_balance: float
    consumed_amount_cents: BigInt
    consumed_credits: float
    ongoing_balance_cents: BigInt
    ongoing_usage_balance_cents: BigInt
    credits_ongoing_balance: float
    credits_ongoing_usage_balance: float
    invoice_requires_successful_payment: bool
    paid_top_up_min_amount_cents: BigInt | None
    paid_top_up_max_amount_cents: BigInt | None
    paid_top_up_min_credits: BigInt | None
    paid_top_up_max_credits: BigInt | None
    purchase_order_number: str | None
    skip_invoice_custom_sections: bool | None
    metadata: list[ItemMetadata] | None
    expiration_at: ISO8601DateTime | None
    last_balance_sync_at: ISO8601DateTime | None
    last_consumed_credit_at: ISO8601DateTime | None
    last_ongoing_balance_sync_at: ISO8601DateTime | None
    terminated_at: ISO8601DateTime | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    def traceable(self) -> bool:
        """Whether each movement knows where its money came from: always."""
        return True

    @strawberry.field
    async def customer(self, info: Info) -> LazyCustomer | None:
        from graphql_api.customers.types import fetch_customers

        return await load_one(info, "customers", fetch_customers, self.customer_id)

    @strawberry.field
    async def selected_invoice_custom_sections(self, info: Info) -> list[InvoiceCustomSection] | None:
        return await load(info, "sections_of_wallets", _fetch_sections_of_wallets, self.key) or []

    @strawberry.field
    async def applies_to(self, info: Info) -> WalletAppliesTo | None:
        metric_ids = await load(info, "metrics_of_wallets", _fetch_metric_ids, self.key) or []
        return WalletAppliesTo(metric_ids=metric_ids, fee_types=[FeeTypesEnum(each) for each in self.allowed_fee_types])

    @strawberry.field
    async def recurring_transaction_rules(self, info: Info) -> list[RecurringTransactionRule] | None:
        """Those that are active."""
        return await load(info, "rules_of_wallets", _fetch_rules, self.key) or []


@strawberry.type
class WalletCollectionMetadata:
    current_page: int
    customer_active_wallets_count: int
    limit_value: int
    total_count: int
    total_pages: int


@strawberry.type
class WalletCollection:
    collection: list[Wallet]
    metadata: WalletCollectionMetadata


def wallet_type(row: Any) -> Wallet:
    """A wallet from a row of `domain.credits.wallets.queries`."""

    def whole_credits(cents: int | None) -> BigInt | None:
        return None if cents is None else BigInt(int(credits_of(cents, row.rate_amount, row.currency)))

    same = (
        "name", "code", "priority", "balance_cents", "consumed_amount_cents", "ongoing_balance_cents",
        "ongoing_usage_balance_cents", "invoice_requires_successful_payment", "paid_top_up_min_amount_cents",
        "paid_top_up_max_amount_cents", "purchase_order_number", "skip_invoice_custom_sections", "expiration_at",
        "last_balance_sync_at", "last_consumed_credit_at", "last_ongoing_balance_sync_at", "terminated_at",
        "created_at", "updated_at", "customer_id", "allowed_fee_types",
    )  # fmt: skip
    return Wallet(
        key=row.id,
        id=strawberry.ID(str(row.id)),
        status=WalletStatusEnum(row.status),
        currency=CurrencyEnum(row.currency),
        payment_method_type=PaymentMethodTypeEnum(row.payment_method_type),
        payment_method_id=row.payment_method_id,
        billing_entity_id=strawberry.ID(str(row.billing_entity_id)) if row.billing_entity_id else None,
        paid_top_up_min_credits=whole_credits(row.paid_top_up_min_amount_cents),
        paid_top_up_max_credits=whole_credits(row.paid_top_up_max_amount_cents),
        metadata=[ItemMetadata(key=key, value=value) for key, value in (row.wallet_metadata or {}).items()],
        rate_amount=number(row.rate_amount),
        credits_balance=number(row.credits_balance),
        consumed_credits=number(row.consumed_credits),
        credits_ongoing_balance=number(row.credits_ongoing_balance),
        credits_ongoing_usage_balance=number(row.credits_ongoing_usage_balance),
        **{name: getattr(row, name) for name in same},
    )


def _rule_type(row: Any) -> RecurringTransactionRule:
    same = (
        "grants_target_top_up", "ignore_paid_top_up_limits", "invoice_requires_successful_payment",
        "purchase_order_number", "skip_invoice_custom_sections", "transaction_name", "started_at", "expiration_at",
        "created_at",
    )  # fmt: skip
    return RecurringTransactionRule(
        lago_id=strawberry.ID(str(row.id)),
        trigger=RecurringTransactionTriggerEnum(row.trigger),
        interval=RecurringTransactionIntervalEnum(row.interval) if row.interval else None,
        method=RecurringTransactionMethodEnum(row.method),
        payment_method_type=PaymentMethodTypeEnum(row.payment_method_type),
        payment_method_id=row.payment_method_id,
        paid_credits=decimal_text(row.paid_credits),
        granted_credits=decimal_text(row.granted_credits),
        threshold_credits=decimal_text(row.threshold_credits),
        target_ongoing_balance=decimal_or_none(row.target_ongoing_balance),
        transaction_metadata=[TransactionMetadata(**each) for each in row.transaction_metadata],
        **{name: getattr(row, name) for name in same},
    )


async def fetch_wallets(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, Wallet]:
    """Wallets by id."""
    return {key: wallet_type(row) for key, row in (await queries.wallet_rows(work.session, ids)).items()}


async def has_wallet(info: Info, customer_id: UUID) -> bool:
    """Whether a customer has an active wallet."""
    return bool(await load(info, "customers_with_wallets", _fetch_with_wallets, customer_id))


async def _fetch_with_wallets(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, bool]:
    return dict.fromkeys(await queries.customers_with_wallets(work.session, ids), True)


async def _fetch_rules(work: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, list[RecurringTransactionRule]]:
    found = await queries.rules_of_wallets(work.session, ids)
    return {key: [_rule_type(row) for row in rows] for key, rows in found.items()}


async def _fetch_metric_ids(work: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    found = await queries.metrics_of_wallets(work.session, ids)
    return {key: [row.id for row in rows] for key, rows in found.items()}


async def _fetch_sections_of_wallets(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[InvoiceCustomSection]]:
    found = await sections_of_wallets(work.session, ids)
    return {key: [section_type(row) for row in rows] for key, rows in found.items()}


async def _fetch_sections_of_rules(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[InvoiceCustomSection]]:
    found = await sections_of_rules(work.session, ids)
    return {key: [section_type(row) for row in rows] for key, rows in found.items()}
