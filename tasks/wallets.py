"""Jobs of wallets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.credits.wallets.create import TOP_UP
from domain.credits.wallets.flags import REFRESH
from domain.credits.wallets.ongoing_balance import refresh_ongoing_balances, refresh_wallets
from domain.credits.wallets.terms import MOST_OF_WALLET
from domain.credits.wallets.threshold import RULE_TOP_UP, THRESHOLD, top_up_by_threshold, top_up_on_interval
from domain.credits.wallets.top_up_invoices import follow_payments, invoice_top_ups
from domain.credits.wallets.transactions import create_transactions
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from tasks.halving import do_or_halve
from tasks.jobs import job

__all__ = [
    "first_top_up", "follow_invoice_payments", "invoice_purchases", "refresh_balances", "refresh_changed",
    "threshold_top_up", "top_up_on_day",
]  # fmt: skip


def _ids(texts: Sequence[str]) -> list[UUID]:
    return [UUID(text) for text in texts]


@job(TOP_UP, queue="high_priority")
async def first_top_up(work: UnitOfWork, **params: Any) -> None:
    """The credits that a wallet was created with."""
    await create_transactions(work, params, most_metadata=MOST_OF_WALLET)


@job("wallets.invoice_top_ups", queue="high_priority", dedicated="billing")
async def invoice_purchases(work: UnitOfWork, transaction_ids: list[str]) -> None:
    """Makes the invoices of credits that were bought."""
    await invoice_top_ups(work, _ids(transaction_ids))


@job("wallets.follow_payments", queue="high_priority", dedicated="payments")
async def follow_invoice_payments(work: UnitOfWork, invoice_ids: list[str]) -> None:
    """Credits are there once their invoice is paid."""
    await follow_payments(work, _ids(invoice_ids))


@job(REFRESH, queue="wallets")
async def refresh_balances(work: UnitOfWork, customer_ids: list[str]) -> None:
    """Computes the ongoing balances of customers anew."""
    await do_or_halve(
        work,
        customer_ids,
        lambda some: refresh_ongoing_balances(work, _ids(some)),
        lambda some: JobRequest(REFRESH, {"customer_ids": list(some)}),
    )


@job("wallets.refresh_changed", queue="wallets")
async def refresh_changed(work: UnitOfWork, wallet_ids: list[str]) -> None:
    """Computes the ongoing balances of the customers anew whose wallets have changed."""
    await refresh_wallets(work, _ids(wallet_ids))


@job(THRESHOLD, queue="high_priority", unique_while="start")
async def threshold_top_up(work: UnitOfWork, wallet_ids: list[str]) -> None:
    """Tops up wallets that have run low."""
    await top_up_by_threshold(work, _ids(wallet_ids))


@job(RULE_TOP_UP, queue="high_priority")
async def top_up_on_day(work: UnitOfWork, wallet_ids: list[str]) -> None:
    """Tops up wallets on the day of their rule."""
    await top_up_on_interval(work, _ids(wallet_ids))
