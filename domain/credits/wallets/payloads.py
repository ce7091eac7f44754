"""Wallets and movements as REST and webhooks show them (interface WalletObject, WalletTransactionObject)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.credits.wallets.amounts import credits_of
from domain.credits.wallets.queries import metrics_of_wallets, rules_of_wallets, transaction_rows, wallet_rows
from domain.credits.wallets.sections import sections_of_rules, sections_of_transactions, sections_of_wallets
from domain.identity.payloads import applied_section_payload
from domain.kernel.format import decimal_or_none, decimal_text, instant, instant_or_none
from domain.kernel.money import from_cents

__all__ = ["linked_payloads", "movement_payloads", "transaction_payloads", "wallet_payloads"]

Payload = dict[str, Any]
_CENTS = (
    "balance_cents", "consumed_amount_cents", "ongoing_balance_cents", "ongoing_usage_balance_cents",
    "paid_top_up_min_amount_cents", "paid_top_up_max_amount_cents",
)  # fmt: skip
_CREDITS = (
    "rate_amount", "credits_balance", "consumed_credits", "credits_ongoing_balance", "credits_ongoing_usage_balance",
)  # fmt: skip
_INSTANTS = (
    "expiration_at", "last_balance_sync_at", "last_ongoing_balance_sync_at", "last_consumed_credit_at", "terminated_at",
)  # fmt: skip


async def wallet_payloads(
    session: AsyncSession, wallet_ids: Collection[UUID], *, rows: Sequence[Any] | None = None
) -> dict[UUID, Payload]:
    """Wallets with their limits and active rules; five statements for any number. rows: those of the wallets, if they
    were read already."""
    wallets = {row.id: row for row in rows} if rows is not None else await wallet_rows(session, wallet_ids)
    rules = await rules_of_wallets(session, wallets)
    metrics = await metrics_of_wallets(session, wallets)
    of_wallets = await sections_of_wallets(session, wallets)
    of_rules = await sections_of_rules(session, [rule.id for some in rules.values() for rule in some])
    return {
        wallet_id: _wallet(
            row,
            [_rule(rule, of_rules.get(rule.id, ())) for rule in rules.get(wallet_id, ())],
            metrics.get(wallet_id, ()),
            of_wallets.get(wallet_id, ()),
        )
        for wallet_id, row in wallets.items()
    }


def _wallet(row: Any, rules: Sequence[Payload], metrics: Sequence[Any], sections: Sequence[Any]) -> Payload:
    shown: Payload = {
        "lago_id": row.id,
        "lago_customer_id": row.customer_id,
        "external_customer_id": row.external_customer_id,
        "billing_entity_code": row.billing_entity_code,
        "status": row.status,
        "currency": row.currency,
        "name": row.name,
        "code": row.code,
        "priority": row.priority,
        **{name: getattr(row, name) for name in _CENTS},
        **{name: decimal_text(getattr(row, name)) for name in _CREDITS},
        **{name: instant_or_none(getattr(row, name)) for name in _INSTANTS},
        "created_at": instant(row.created_at),
        "invoice_requires_successful_payment": row.invoice_requires_successful_payment,
        "purchase_order_number": row.purchase_order_number,
        "payment_method": _payment_method(row),
        "applies_to": {
            "fee_types": row.allowed_fee_types,
            "billable_metric_codes": [metric.code for metric in metrics],
        },
        "recurring_transaction_rules": list(rules),
        "applied_invoice_custom_sections": [applied_section_payload(each) for each in sections],
    }
    if row.wallet_metadata:
        shown["metadata"] = row.wallet_metadata
    return shown


def _payment_method(row: Any) -> Payload:
    return {"payment_method_type": row.payment_method_type, "payment_method_id": row.payment_method_id}


def _rule(row: Any, sections: Sequence[Any]) -> Payload:
    return {
        "lago_id": row.id,
        "trigger": row.trigger,
        "interval": row.interval,
        "method": row.method,
        "status": row.status,
        "paid_credits": decimal_text(row.paid_credits),
        "granted_credits": decimal_text(row.granted_credits),
        "grants_target_top_up": row.grants_target_top_up,
        "threshold_credits": decimal_text(row.threshold_credits),
        "target_ongoing_balance": decimal_or_none(row.target_ongoing_balance),
        "started_at": instant_or_none(row.started_at),
        "expiration_at": instant_or_none(row.expiration_at),
        "created_at": instant(row.created_at),
        "invoice_requires_successful_payment": row.invoice_requires_successful_payment,
        "ignore_paid_top_up_limits": row.ignore_paid_top_up_limits,
        "transaction_name": row.transaction_name,
        "transaction_metadata": row.transaction_metadata,
        "purchase_order_number": row.purchase_order_number,
        "payment_method": _payment_method(row),
        "applied_invoice_custom_sections": [applied_section_payload(each) for each in sections],
    }


async def transaction_payloads(session: AsyncSession, transaction_ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Movements with their wallets, as webhooks show them; seven statements for any number."""
    rows = await transaction_rows(session, transaction_ids)
    wallets = await wallet_payloads(session, {row.wallet_id for row in rows.values()})
    shown = await movement_payloads(session, list(rows.values()))
    return {each["lago_id"]: {**each, "wallet": wallets[each["lago_wallet_id"]]} for each in shown}


async def movement_payloads(session: AsyncSession, rows: Sequence[Any]) -> list[Payload]:
    """Movements from rows of `queries`, in their order; one statement."""
    sections = await sections_of_transactions(session, [row.id for row in rows])
    return [_movement(row, sections.get(row.id, ())) for row in rows]


def _movement(row: Any, sections: Sequence[Any]) -> Payload:
    remaining = row.remaining_amount_cents
    return {
        "lago_id": row.id,
        "lago_wallet_id": row.wallet_id,
        "lago_invoice_id": row.invoice_id,
        "lago_credit_note_id": row.credit_note_id,
        "lago_voided_invoice_id": row.voided_invoice_id,
        "status": row.status,
        "source": row.source,
        "transaction_status": row.transaction_status,
        "transaction_type": row.transaction_type,
        "amount": decimal_text(from_cents(row.amount_cents, row.currency)),
        "credit_amount": decimal_text(row.credit_amount),
        "remaining_amount_cents": remaining,
        "remaining_credit_amount": remaining_credits(row),
        "priority": row.priority,
        "name": row.name,
        "metadata": row.transaction_metadata,
        "invoice_requires_successful_payment": row.invoice_requires_successful_payment,
        "purchase_order_number": row.purchase_order_number,
        "payment_method": _payment_method(row),
        "applied_invoice_custom_sections": [applied_section_payload(each) for each in sections],
        "settled_at": instant_or_none(row.settled_at),
        "failed_at": instant_or_none(row.failed_at),
        "created_at": instant(row.created_at),
    }


def remaining_credits(row: Any) -> str | None:
    """What is left of an inbound movement, in credits."""
    if row.remaining_amount_cents is None:
        return None
    return decimal_text(credits_of(row.remaining_amount_cents, row.rate_amount, row.currency))


async def linked_payloads(session: AsyncSession, rows: Sequence[Any]) -> list[Payload]:
    """Consumptions or fundings from rows of `linked_page`, each with the movement on the other side."""
    others = await transaction_rows(session, {row.transaction_id for row in rows})
    shown = {each["lago_id"]: each for each in await movement_payloads(session, list(others.values()))}
    return [
        {
            "lago_id": row.id,
            "amount_cents": row.consumed_amount_cents,
            "credit_amount": decimal_text(credits_of(row.consumed_amount_cents, row.rate_amount, row.currency)),
            "created_at": instant(row.created_at),
            "wallet_transaction": shown[row.transaction_id],
        }
        for row in rows
    ]
