"""The pipeline that bill, refresh, finalize and preview share: facts → windows → usage → fees → invoice rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.billing.assemble import Built, assemble
from domain.billing.facts import load_facts
from domain.billing.history import load_history
from domain.billing.lines import billed_lines
from domain.billing.prepaid import deduct_prepaid
from domain.billing.rating import Known
from domain.billing.requests import Target
from domain.billing.usage_fees import AskedCharge, asked_charges
from domain.invoicing.dates import InvoiceDates
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.charge_questions import measure_charges

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
    asked: dict[int, Sequence[AskedCharge]] = {
        line.number: asked_charges(line, facts, rebuilt=target.exists)
        for target, lines in planned
        if not target.skip_charges
        for line in lines
    }
    usage = await measure_charges(
        work, [question for charges in asked.values() for charge in charges for question in charge.all_questions]
    )
    known = Known(facts, await load_history(work.session, facts, planned), asked, usage)
    dates = dates or {}
    built = [
        assemble(target, lines, known, draft=draft, dates=dates.get(target.invoice_id)) for target, lines in planned
    ]
    return await deduct_prepaid(work, [each for each in built if each is not None])
