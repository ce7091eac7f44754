"""The pipeline that bill, refresh, finalize and preview share: facts → windows → usage → fees → invoice rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.billing.assemble import Built, assemble
from domain.billing.facts import load_facts
from domain.billing.lines import billed_lines
from domain.billing.rating import usage_questions
from domain.billing.requests import Target
from domain.invoicing.dates import InvoiceDates
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.usage import measure

__all__ = ["build"]


async def build(
    work: UnitOfWork,
    targets: Sequence[Target],
    *,
    draft: bool | None = None,
    dates: Mapping[UUID, InvoiceDates] | None = None,
) -> list[Built]:
    """The invoices of these targets, nothing written; a target with nothing left to bill is left out.

    draft: build all of them as drafts, or as final; None means as the grace periods say. dates: by invoice, instead
    of computed ones.
    The number of statements does not depend on the number of targets. Raises ValidationFailed for subscriptions that
    cannot share an invoice and AlreadyBilled.
    """
    facts = await load_facts(work.session, targets)
    planned = await billed_lines(work.session, facts, targets)
    questions = [
        question
        for target, lines in planned
        if not target.skip_charges
        for line in lines
        for question in usage_questions(line, facts)
    ]
    usage = await measure(work, questions)
    known = dates or {}
    return [
        assemble(target, lines, facts, usage, draft=draft, dates=known.get(target.invoice_id))
        for target, lines in planned
    ]
