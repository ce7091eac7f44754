"""Changing wallets and moving their credits."""

from __future__ import annotations

import strawberry
from strawberry import UNSET, Info

from domain.credits.wallets.create import create_wallet
from domain.credits.wallets.queries import transaction_rows, wallet_row
from domain.credits.wallets.transactions import create_transactions
from domain.credits.wallets.update import terminate_wallet, update_wallet
from domain.kernel.ids import parse_id
from domain.kernel.pagination import Page, PageRequest
from graphql_api.catalog.inputs import MetadataInput
from graphql_api.credits.wallet_enums import (
    RecurringTransactionIntervalEnum,
    RecurringTransactionMethodEnum,
    RecurringTransactionTriggerEnum,
)
from graphql_api.credits.wallet_transaction_types import WalletTransactionCollection, transaction_type
from graphql_api.credits.wallet_types import Wallet, wallet_type
from graphql_api.enums import CurrencyEnum
from graphql_api.identity.custom_sections import InvoiceCustomSectionsReferenceInput
from graphql_api.invoicing.enums import FeeTypesEnum
from graphql_api.operations import command, operation, to_params
from graphql_api.pagination import metadata_of
from graphql_api.payments.method_reference import PaymentMethodReferenceInput
from graphql_api.scalars import BigInt, ISO8601DateTime

__all__ = ["WalletMutations"]


@strawberry.input
class AppliesToInput:
    billable_metric_ids: list[strawberry.ID] | None = UNSET
    fee_types: list[FeeTypesEnum] | None = UNSET


@strawberry.input
class CreateTransactionMetadataInput:
    key: str
    value: str


@strawberry.input
class WalletTransactionMetadataInput:
    key: str
    value: str


@strawberry.input
class _RuleFields:
    expiration_at: ISO8601DateTime | None = UNSET
    granted_credits: str | None = UNSET
    grants_target_top_up: bool | None = UNSET
    ignore_paid_top_up_limits: bool | None = UNSET
    interval: RecurringTransactionIntervalEnum | None = UNSET
    invoice_custom_section: InvoiceCustomSectionsReferenceInput | None = UNSET
    invoice_requires_successful_payment: bool | None = UNSET
    method: RecurringTransactionMethodEnum | None = UNSET
    paid_credits: str | None = UNSET
    payment_method: PaymentMethodReferenceInput | None = UNSET
    purchase_order_number: str | None = UNSET
    started_at: ISO8601DateTime | None = UNSET
    target_ongoing_balance: str | None = UNSET
    threshold_credits: str | None = UNSET
    transaction_metadata: list[CreateTransactionMetadataInput] | None = UNSET
    transaction_name: str | None = UNSET


@strawberry.input
class CreateRecurringTransactionRuleInput(_RuleFields):
    trigger: RecurringTransactionTriggerEnum


@strawberry.input
class UpdateRecurringTransactionRuleInput(_RuleFields):
    lago_id: strawberry.ID | None = UNSET
    trigger: RecurringTransactionTriggerEnum | None = UNSET


@strawberry.input
class _WalletFields:
    priority: int
    applies_to: AppliesToInput | None = UNSET
    billing_entity_id: strawberry.ID | None = UNSET
    code: str | None = UNSET
    expiration_at: ISO8601DateTime | None = UNSET
    invoice_custom_section: InvoiceCustomSectionsReferenceInput | None = UNSET
    invoice_requires_successful_payment: bool | None = UNSET
    metadata: list[MetadataInput] | None = UNSET
    name: str | None = UNSET
    paid_top_up_max_amount_cents: BigInt | None = UNSET
    paid_top_up_min_amount_cents: BigInt | None = UNSET
    payment_method: PaymentMethodReferenceInput | None = UNSET
    purchase_order_number: str | None = UNSET
    client_mutation_id: str | None = UNSET


@strawberry.input
class CreateCustomerWalletInput(_WalletFields):
    customer_id: strawberry.ID
    currency: CurrencyEnum
    rate_amount: str
    paid_credits: str
    granted_credits: str
    ignore_paid_top_up_limits_on_creation: bool | None = UNSET
    recurring_transaction_rules: list[CreateRecurringTransactionRuleInput] | None = UNSET
    transaction_name: str | None = UNSET


@strawberry.input
class UpdateCustomerWalletInput(_WalletFields):
    id: strawberry.ID
    recurring_transaction_rules: list[UpdateRecurringTransactionRuleInput] | None = UNSET


@strawberry.input
class TerminateCustomerWalletInput:
    id: strawberry.ID
    client_mutation_id: str | None = UNSET


@strawberry.input
class CreateCustomerWalletTransactionInput:
    wallet_id: strawberry.ID
    granted_credits: str | None = UNSET
    ignore_paid_top_up_limits: bool | None = UNSET
    invoice_custom_section: InvoiceCustomSectionsReferenceInput | None = UNSET
    invoice_requires_successful_payment: bool | None = UNSET
    metadata: list[WalletTransactionMetadataInput] | None = UNSET
    name: str | None = UNSET
    paid_credits: str | None = UNSET
    priority: int | None = UNSET
    payment_method: PaymentMethodReferenceInput | None = UNSET
    purchase_order_number: str | None = UNSET
    voided_credits: str | None = UNSET
    client_mutation_id: str | None = UNSET


@strawberry.type
class WalletMutations:
    @strawberry.mutation
    @operation(permission="wallets:create")
    async def create_customer_wallet(self, info: Info, input: CreateCustomerWalletInput) -> Wallet | None:
        """A new wallet, still empty: credits that come with it follow."""
        async with command(info) as work:
            wallet_id = await create_wallet(work, to_params(input))
            return wallet_type(await wallet_row(work.session, wallet_id))

    @strawberry.mutation
    @operation(permission="wallets:update")
    async def update_customer_wallet(self, info: Info, input: UpdateCustomerWalletInput) -> Wallet | None:
        """Changes what was given; limits to metrics are replaced."""
        params = to_params(input)
        wallet_id = parse_id(params.pop("id"))
        async with command(info) as work:
            return wallet_type(await wallet_row(work.session, await update_wallet(work, wallet_id, params)))

    @strawberry.mutation
    @operation(permission="wallets:terminate")
    async def terminate_customer_wallet(self, info: Info, input: TerminateCustomerWalletInput) -> Wallet | None:
        """Ends a wallet; what it holds is lost."""
        async with command(info) as work:
            return wallet_type(await wallet_row(work.session, await terminate_wallet(work, parse_id(input.id))))

    @strawberry.mutation
    @operation(permission="wallets:top_up")
    async def create_customer_wallet_transaction(
        self, info: Info, input: CreateCustomerWalletTransactionInput
    ) -> WalletTransactionCollection | None:
        """Buys, grants and voids credits; what was asked for, in this order."""
        async with command(info) as work:
            made = await create_transactions(work, to_params(input))
            rows = await transaction_rows(work.session, made)
        page = Page(made, len(made), PageRequest())
        return WalletTransactionCollection(
            collection=[transaction_type(rows[each]) for each in made], metadata=metadata_of(page)
        )
