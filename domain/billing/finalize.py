"""Drafts: building them again from today's facts, and finalizing them with a number.

Source: subscriptions handbook, sections 5.4 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.assemble import Built
from domain.billing.bill import number_and_announce
from domain.billing.build import build
from domain.billing.deductions import store_deductions
from domain.billing.facts import zone_of
from domain.billing.requests import Line, Target
from domain.credits.draft_notes import issue_notes, put_back, take_off, with_draft_notes
from domain.invoicing.dates import DateSettings, InvoiceDates, finalization_dates
from domain.invoicing.write import rebuild_invoices
from domain.kernel import clock
from domain.kernel.jobs import JobRequest
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.carried import keep_levels

__all__ = ["FINALIZE_CHUNK", "finalize", "finalize_due", "refresh"]

FINALIZE_CHUNK: Final = 500

_DUE: Final = sa.text(
    "SELECT id FROM invoices WHERE status = 'draft' AND expected_finalization_date <= :today ORDER BY customer_id, id"
)
_SUBSCRIPTIONS: Final = sa.text(
    """
    SELECT id FROM subscriptions
    WHERE id IN (SELECT subscription_id FROM invoice_subscriptions WHERE invoice_id = ANY(:ids))
    ORDER BY id FOR NO KEY UPDATE
    """
)
# Locked in one order, so that two runs over the same drafts go one after the other.
_DRAFTS: Final = sa.text(
    """
    SELECT i.id, i.created_at, i.skip_charges, i.issuing_date, i.expected_finalization_date, i.payment_due_date,
           coalesce(c.timezone, e.timezone, 'UTC') AS timezone,
           coalesce(c.net_payment_term, e.net_payment_term) AS net_payment_term,
           coalesce(c.subscription_invoice_issuing_date_adjustment,
                    e.subscription_invoice_issuing_date_adjustment) AS adjustment
    FROM invoices i
    JOIN customers c ON c.id = i.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    WHERE i.id = ANY(:ids) AND i.status = 'draft'
    ORDER BY i.id FOR NO KEY UPDATE OF i
    """
)
_LINES: Final = sa.text(
    """
    SELECT invoice_id, subscription_id, timestamp, invoicing_reason, charges_from_datetime FROM invoice_subscriptions
    WHERE invoice_id = ANY(:ids) ORDER BY invoice_id, id
    """
)


async def finalize_due(work: UnitOfWork) -> int:
    """Hands the drafts whose grace period is over to jobs "billing.finalize_chunk" {"invoice_ids"}; how many."""
    today = clock.now().astimezone(UTC).date()
    ids = list((await work.session.scalars(_DUE, {"today": today})).all())
    for start in range(0, len(ids), FINALIZE_CHUNK):
        part = ids[start : start + FINALIZE_CHUNK]
        work.enqueue(
            JobRequest("billing.finalize_chunk", {"invoice_ids": part}, unique_key=f"{today}:{part[0]}:{len(part)}")
        )
    return len(ids)


async def finalize(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> list[UUID]:
    """Computes these drafts anew and finalizes them: number, dates, coupons and credits.

    What is no draft is left alone. The ids of those that are final or closed now, or wait for their taxes. Credit notes
    are issued with their invoices; these come first, so that the other invoices of the customer can spend them. A fixed
    number of statements.
    """
    if not invoice_ids:
        return []
    noted = await with_draft_notes(work, invoice_ids)
    finalized: list[UUID] = []
    for some in ([each for each in invoice_ids if each in noted], [each for each in invoice_ids if each not in noted]):
        built = await _rebuild(work, some, finalizing=True)
        await number_and_announce(work, built)
        issued = [each.target.invoice_id for each in built if each.status != "pending"]
        if noted and issued:
            await issue_notes(work, issued)
        finalized += [each.target.invoice_id for each in built]
    return finalized


async def refresh(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> list[UUID]:
    """Computes these drafts anew; what is no draft is left alone. The ids of those refreshed."""
    built = await _rebuild(work, invoice_ids, finalizing=False)
    await number_and_announce(work, built)
    return [each.target.invoice_id for each in built]


async def _rebuild(work: UnitOfWork, invoice_ids: Sequence[UUID], *, finalizing: bool) -> list[Built]:
    ids = sorted(set(invoice_ids))
    if not ids:
        return []
    # Subscriptions before invoices, as everywhere: ending one locks it before the draft that its credit note is for.
    await work.session.execute(_SUBSCRIPTIONS, {"ids": ids})
    drafts = {row.id: row for row in await work.session.execute(_DRAFTS, {"ids": ids})}
    if not drafts:
        return []
    lines: dict[UUID, list[Any]] = {}
    for row in await work.session.execute(_LINES, {"ids": sorted(drafts)}):
        lines.setdefault(row.invoice_id, []).append(row)
    targets = [_target(drafts[invoice_id], rows) for invoice_id, rows in lines.items()]
    dates = {target.invoice_id: _dates(drafts[target.invoice_id], target, finalizing) for target in targets}
    built = await build(work, targets, draft=not finalizing, dates=dates)
    notes = await take_off(work, [each.target.invoice_id for each in built])
    await rebuild_invoices(work, [each.rows for each in built])
    await store_deductions(work, built)
    await put_back(work, notes)
    if finalizing:
        await keep_levels(work, [level for each in built for level in each.levels])
    return built


def _target(draft: Any, rows: Sequence[Any]) -> Target:
    return Target(
        draft.id,
        draft.created_at,
        tuple(
            Line(row.subscription_id, row.timestamp, row.invoicing_reason, row.charges_from_datetime) for row in rows
        ),
        skip_charges=draft.skip_charges,
        exists=True,
    )


def _dates(draft: Any, target: Target, finalizing: bool) -> InvoiceDates:
    if not finalizing:
        return InvoiceDates(draft.issuing_date, draft.expected_finalization_date, draft.payment_due_date)
    settings = DateSettings(
        zone=zone_of(draft.timezone), net_payment_term=draft.net_payment_term, adjustment=draft.adjustment
    )
    return finalization_dates(
        settings, draft.issuing_date, draft.expected_finalization_date, clock.now(), periodic=target.periodic
    )
