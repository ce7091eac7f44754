"""Movements of wallets, and where their money came from and went."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Info

from domain.credits.wallets import queries
from domain.credits.wallets.amounts import credits_of
from domain.credits.wallets.payloads import remaining_credits
from domain.credits.wallets.sections import sections_of_transactions
from domain.kernel.format import decimal_text
from domain.kernel.money import from_cents
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.credits.wallet_enums import (
    WalletTransactionSourceEnum,
    WalletTransactionStatusEnum,
    WalletTransactionTransactionStatusEnum,
    WalletTransactionTransactionTypeEnum,
)
from graphql_api.credits.wallet_types import Wallet, fetch_wallets
from graphql_api.identity.custom_sections import InvoiceCustomSection, section_type
from graphql_api.loaders import load, load_one
from graphql_api.pagination import CollectionMetadata
from graphql_api.payments.enums import PaymentMethodTypeEnum
from graphql_api.payments.method_reference import PaidByMethod
from graphql_api.scalars import BigInt, ISO8601DateTime

if TYPE_CHECKING:
    from graphql_api.invoicing.types import Invoice

__all__ = [
    "WalletTransaction", "WalletTransactionCollection", "WalletTransactionConsumption",
    "WalletTransactionConsumptionCollection", "WalletTransactionFunding", "WalletTransactionFundingCollection",
    "fetch_purchases", "linked_type", "transaction_type",
]  # fmt: skip

LazyInvoice = Annotated["Invoice", strawberry.lazy("graphql_api.invoicing.types")]


@strawberry.type
class WalletTransactionMetadataObject:
    key: str
    value: str


@strawberry.type
class WalletTransaction(PaidByMethod):
    wallet_id: strawberry.Private[UUID]
    invoice_id: strawberry.Private[UUID | None]
    voided_invoice_id: strawberry.Private[UUID | None]

    id: strawberry.ID
    amount: str
    credit_amount: str
    remaining_amount_cents: BigInt | None
    remaining_credit_amount: str | None
    status: WalletTransactionStatusEnum
    source: WalletTransactionSourceEnum
    transaction_status: WalletTransactionTransactionStatusEnum
    transaction_type: WalletTransactionTransactionTypeEnum
    priority: int
    name: str | None
    wallet_name: str | None
    invoice_requires_successful_payment: bool
    metadata: list[WalletTransactionMetadataObject] | None
    purchase_order_number: str | None
    skip_invoice_custom_sections: bool | None
    settled_at: ISO8601DateTime | None
    failed_at: ISO8601DateTime | None
    created_at: ISO8601DateTime
    updated_at: ISO8601DateTime

    @strawberry.field
    async def selected_invoice_custom_sections(self, info: Info) -> list[InvoiceCustomSection] | None:
        """Those that were asked for with it, or came from its rule or wallet."""
        return await load(info, "sections_of_wallet_transactions", _fetch_sections, UUID(self.id)) or []

    @strawberry.field
    async def wallet(self, info: Info) -> Wallet | None:
        return await load_one(info, "wallets", fetch_wallets, self.wallet_id)

    @strawberry.field
    async def invoice(self, info: Info) -> LazyInvoice | None:
        """The invoice of a purchase, or the one that was paid; none while it is not to be seen."""
        return await _invoice(info, self.invoice_id)

    @strawberry.field
    async def voided_invoice(self, info: Info) -> LazyInvoice | None:
        return await _invoice(info, self.voided_invoice_id)


@strawberry.type
class WalletTransactionCollection:
    collection: list[WalletTransaction]
    metadata: CollectionMetadata


@strawberry.type
class _Linked:
    id: strawberry.ID
    amount_cents: BigInt
    credit_amount: str
    created_at: ISO8601DateTime
    wallet_transaction: WalletTransaction


@strawberry.type
class WalletTransactionConsumption(_Linked):
    """Where money of an inbound movement went."""


@strawberry.type
class WalletTransactionFunding(_Linked):
    """Where money of an outbound movement came from."""


@strawberry.type
class WalletTransactionConsumptionCollection:
    collection: list[WalletTransactionConsumption]
    metadata: CollectionMetadata


@strawberry.type
class WalletTransactionFundingCollection:
    collection: list[WalletTransactionFunding]
    metadata: CollectionMetadata


async def _invoice(info: Info, invoice_id: UUID | None) -> Invoice | None:
    from graphql_api.invoicing.types import fetch_invoices

    return await load(info, "invoices", fetch_invoices, invoice_id) if invoice_id else None


def transaction_type(row: Any) -> WalletTransaction:
    """A movement from a row of `domain.credits.wallets.queries`."""
    same = (
        "wallet_id", "invoice_id", "voided_invoice_id", "remaining_amount_cents", "priority", "name", "wallet_name",
        "invoice_requires_successful_payment", "purchase_order_number", "skip_invoice_custom_sections", "settled_at",
        "failed_at", "created_at", "updated_at",
    )  # fmt: skip
    return WalletTransaction(
        id=strawberry.ID(str(row.id)),
        amount=decimal_text(from_cents(row.amount_cents, row.currency)),
        credit_amount=decimal_text(row.credit_amount),
        remaining_credit_amount=remaining_credits(row),
        payment_method_type=PaymentMethodTypeEnum(row.payment_method_type),
        payment_method_id=row.payment_method_id,
        status=WalletTransactionStatusEnum(row.status),
        source=WalletTransactionSourceEnum(row.source),
        transaction_status=WalletTransactionTransactionStatusEnum(row.transaction_status),
        transaction_type=WalletTransactionTransactionTypeEnum(row.transaction_type),
        metadata=[WalletTransactionMetadataObject(**each) for each in row.transaction_metadata],
        **{name: getattr(row, name) for name in same},
    )


def linked_type(kind: Callable[..., Any], row: Any, other: Any) -> Any:
    """A consumption or funding from its row and that of the movement on the other side."""
    return kind(
        id=strawberry.ID(str(row.id)),
        amount_cents=row.consumed_amount_cents,
        credit_amount=decimal_text(credits_of(row.consumed_amount_cents, row.rate_amount, row.currency)),
        created_at=row.created_at,
        wallet_transaction=transaction_type(other),
    )


async def fetch_purchases(work: UnitOfWork, invoice_ids: list[UUID]) -> dict[UUID, WalletTransaction]:
    """The purchase of credits that each invoice is for, by invoice."""
    found = await queries.bought_with(work.session, invoice_ids)
    return {key: transaction_type(row) for key, row in found.items()}


async def _fetch_sections(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[InvoiceCustomSection]]:
    found = await sections_of_transactions(work.session, ids)
    return {key: [section_type(row) for row in rows] for key, rows in found.items()}
