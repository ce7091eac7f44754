"""The minimum commitment of a plan (pricing handbook, sections 1.4 and 14)."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from domain.catalog.applied_taxes import read_tax_codes, set_taxes
from domain.catalog.models import Commitment, CommitmentTax, Plan
from domain.kernel.errors import ValidationFailed
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import INVALID, OUT_OF_RANGE, Params, Reader

__all__ = ["CommitmentTerms", "read_commitment", "set_commitment"]

_commitments, _links = table(Commitment), table(CommitmentTax)


@dataclass(frozen=True, slots=True)
class CommitmentTerms:
    """amount_cents: minor units per interval of the plan, None where not sent. given: the keys that were sent; without
    any the commitment is taken away."""

    amount_cents: int | None
    invoice_display_name: str | None
    tax_codes: list[str] | None
    given: frozenset[str]


def read_commitment(params: Params) -> CommitmentTerms | None:
    """The field `minimum_commitment`: None when absent or null, which changes nothing; {} takes it away.
    Raises ValidationFailed."""
    sent = params.get("minimum_commitment")
    if sent is None:
        return None
    if sent == {}:
        return CommitmentTerms(None, None, None, frozenset())
    read = Reader(sent)
    if not isinstance(sent, dict):
        raise ValidationFailed({"minimum_commitment": [INVALID]})
    amount = None
    if "amount_cents" in sent:
        amount = read.integer("amount_cents", default=0)
        if amount is not None and amount <= 0:
            read.add("amount_cents", OUT_OF_RANGE)
    name = read.text("invoice_display_name")
    read.finish()
    return CommitmentTerms(amount, name, read_tax_codes(sent), frozenset(sent))


async def set_commitment(work: UnitOfWork, plan: Plan, terms: CommitmentTerms | None) -> None:
    """Writes, edits or removes the commitment of a stored plan; what was not sent stays. Raises ValidationFailed for a
    new one without an amount, NotFound for an unknown tax code."""
    if terms is None:
        return
    row = await work.session.scalar(sa.select(Commitment).where(_commitments.c.plan_id == plan.id))
    if not terms.given:
        if row is not None:
            await work.session.execute(sa.delete(_links).where(_links.c.commitment_id == row.id))
            await work.session.delete(row)
            await work.session.flush()
        return
    if row is None:
        if terms.amount_cents is None:
            raise ValidationFailed({"amount_cents": [OUT_OF_RANGE]})
        row = Commitment(organization_id=plan.organization_id, plan_id=plan.id, amount_cents=terms.amount_cents)
        work.session.add(row)
    if terms.amount_cents is not None:
        row.amount_cents = terms.amount_cents
    if "invoice_display_name" in terms.given:
        row.invoice_display_name = terms.invoice_display_name
    await work.session.flush()
    if terms.tax_codes is not None:
        await set_taxes(work, CommitmentTax, row.id, terms.tax_codes)
