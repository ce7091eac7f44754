"""The pipeline that bill, refresh, finalize and preview share: facts → windows → usage → fees → invoice rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.billing.adjusted_lines import load_adjustments
from domain.billing.assemble import Built, assemble
from domain.billing.deductions import load_purses
from domain.billing.facts import load_facts
from domain.billing.history import load_history
from domain.billing.lines import BilledLine, billed_lines
from domain.billing.prepaid import deduct_prepaid
from domain.billing.progressive_credits import load_progressive
from domain.billing.progressive_excess import credit_excess, credited
from domain.billing.rating import Known
from domain.billing.requests import Target
from domain.billing.usage_fees import AskedCharge, asked_charges
from domain.invoicing.dates import InvoiceDates
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charge_questions import ChargeQuestion, measure_charges
from domain.metering.usage import EventPosition

__all__ = ["build", "read_known"]


async def build(
    work: UnitOfWork,
    targets: Sequence[Target],
    *,
    draft: bool | None = None,
    dates: Mapping[UUID, InvoiceDates] | None = None,
) -> list[Built]:
    """The invoices of these targets, not written; a target with nothing left to bill is left out.

    The one thing that is written are the notes for what progressive invoices billed beyond the final usage.

    draft: build all of them as drafts, or as final; None means as the grace periods say. dates: by invoice, instead
    of computed ones.
    The number of statements does not depend on the number of targets. Raises ValidationFailed for subscriptions that
    cannot share an invoice and AlreadyBilled.
    """
    planned, known = await read_known(work, targets)
    customers = {line.subscription.customer.id for _, lines in planned for line in lines}

    async def assembled(known: Known) -> list[Built]:
        purses = await load_purses(work, customers)
        found = [
            assemble(
                target,
                lines,
                known,
                purse=purses[lines[0].subscription.customer.id],
                draft=draft,
                dates=(dates or {}).get(target.invoice_id),
            )
            for target, lines in planned
        ]
        return [each for each in found if each is not None]

    built = await assembled(known)
    if await credit_excess(work, built):
        # The notes are there before any note is spent, so that these invoices can take them.
        built = await assembled(replace(known, progressive=credited(known.progressive, built)))
    return await deduct_prepaid(work, built)


async def read_known(
    work: UnitOfWork, targets: Sequence[Target], *, as_billed: bool = False
) -> tuple[list[tuple[Target, list[BilledLine]]], Known]:
    """The lines of each target that are to be billed, and all that rating them reads.

    as_billed: what a progressive line bills ends at its instant, as it did when it was billed.
    """
    facts = await load_facts(work.session, targets)
    planned = await billed_lines(work.session, facts, targets)
    asked: dict[int, Sequence[AskedCharge]] = {
        line.number: asked_charges(line, facts, rebuilt=target.exists)
        for target, lines in planned
        if not target.skip_charges
        for line in lines
    }
    usage = await measure_charges(
        work,
        [
            _up_to(question, line.at) if as_billed and line.progressive else question
            for _, lines in planned
            for line in lines
            for charge in asked.get(line.number, ())
            for question in charge.all_questions
        ],
    )
    history = await load_history(work.session, facts, planned)
    return planned, Known(
        facts,
        history,
        asked,
        usage,
        adjustments=await load_adjustments(work.session, planned),
        progressive=await load_progressive(work.session, planned),
    )


def _up_to(asked: ChargeQuestion, at: datetime) -> ChargeQuestion:
    """The question without what happened after the instant; the window, and with it every proration, stays."""
    after = at + timedelta(microseconds=1)
    return replace(asked, question=replace(asked.question, before=EventPosition(after, after, 0)))
