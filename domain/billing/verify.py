"""Checks invoices that were issued: do they add up, and do the events still say the same?

Every invoice is added up again: fees, taxes by rate, what was taken off, the total. An invoice of a billing period, and
one for thresholds that were passed in it, is also rated anew from its events, with the same functions that billed it,
and each fee compared. Nothing is written. The others have no events of a window to be rated from; `skipped` counts them
by why.

A difference is no error by itself: events that came late, a price that was changed afterwards or an adjusted fee differ
rightly. It says where to look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.billing.build import read_known
from domain.billing.rated_fee import RatedFee
from domain.billing.rating import rate_line
from domain.billing.requests import Line, Target
from domain.kernel.money import ZERO, decimal_text, round_cents
from domain.kernel.unit_of_work import UnitOfWork
from infrastructure import exact_json

Rated = tuple[UUID, RatedFee]
# subscription, type of fee, charge or fixed charge or commitment, filter, groups, whether it lifts to a minimum
Key = tuple[UUID | None, str, UUID | None, UUID | None, str, bool]

__all__ = ["Difference", "Verified", "invoices_to_verify", "verify_invoices"]

_CHOSEN: Final = sa.text(
    """
    SELECT i.id FROM invoices i JOIN customers c ON c.id = i.customer_id
    WHERE i.organization_id = :organization_id AND i.status = 'finalized'
      AND (CAST(:customer AS text) IS NULL OR c.external_id = :customer)
      AND (CAST(:first AS date) IS NULL OR (i.issuing_date >= :first AND i.issuing_date < :after))
    ORDER BY i.issuing_date, i.number, i.id
    """
)
_INVOICES: Final = sa.text("SELECT * FROM invoices WHERE id = ANY(:ids) ORDER BY issuing_date, number, id")
_LINES: Final = sa.text(
    """
    SELECT invoice_id, subscription_id, timestamp, invoicing_reason, charges_from_datetime FROM invoice_subscriptions
    WHERE invoice_id = ANY(:ids) ORDER BY invoice_id, id
    """
)
_FEES: Final = sa.text(
    """
    SELECT f.*, coalesce(ch.invoice_display_name, m.name, a.name, p.name, f.fee_type) AS name,
           (SELECT array_agg(t.tax_rate ORDER BY t.id) FROM fee_applied_taxes t WHERE t.fee_id = f.id) AS tax_rates
    FROM fees f
    LEFT JOIN charges ch ON ch.id = f.charge_id
    LEFT JOIN billable_metrics m ON m.id = ch.billable_metric_id
    LEFT JOIN add_ons a ON a.id = f.add_on_id
    LEFT JOIN subscriptions s ON s.id = f.subscription_id
    LEFT JOIN plans p ON p.id = s.plan_id
    WHERE f.invoice_id = ANY(:ids) ORDER BY f.invoice_id, f.position, f.id
    """
)
# Reasons of invoices whose fees follow from a window.
_WINDOWS: Final = frozenset(
    {"subscription_starting", "subscription_periodic", "subscription_terminating", "progressive_billing"}
)
_SKIPPED: Final = {
    "one_off": "one-off: the lines were given",
    "credit": "prepaid credits: the amount was given",
    "advance_charges": "fees that were paid before: their sum",
}
_REGENERATED: Final = "in the place of a voided one: the lines were given"
_SINGLE: Final = "paid in advance: single events, or units that changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing about an invoice that is not as it was billed. billed, found: amounts in cents, or units."""

    number: str
    what: str
    billed: str
    found: str

    def __str__(self) -> str:
        return f"{self.number}: {self.what}: billed {self.billed}, now {self.found}"


@dataclass(frozen=True, slots=True)
class Verified:
    """How many invoices were checked, how many of them against their events, and what differs. skipped: how many were
    only added up, by why."""

    invoices: int
    recomputed: int
    differences: Sequence[Difference]
    skipped: Mapping[str, int] = field(default_factory=dict)


async def invoices_to_verify(work: UnitOfWork, *, customer: str | None, month: date | None) -> list[UUID]:
    """The finalized invoices of the organization. customer: an external id. month: its first day, of issuing dates."""
    after = None if month is None else date(month.year + month.month // 12, month.month % 12 + 1, 1)
    chosen = {"organization_id": work.organization_id, "customer": customer, "first": month, "after": after}
    return list((await work.session.scalars(_CHOSEN, chosen)).all())


async def verify_invoices(work: UnitOfWork, invoice_ids: Sequence[UUID]) -> Verified:
    """Checks these invoices; the first difference of each. A fixed number of statements. Writes nothing."""
    ids = list(invoice_ids)
    invoices = (await work.session.execute(_INVOICES, {"ids": ids})).all()
    fees: dict[UUID, list[Any]] = {}
    for fee in await work.session.execute(_FEES, {"ids": ids}):
        fees.setdefault(fee.invoice_id, []).append(fee)
    lines: dict[UUID, list[Any]] = {}
    for line in await work.session.execute(_LINES, {"ids": ids}):
        lines.setdefault(line.invoice_id, []).append(line)
    skipped = {each.id: why for each in invoices if (why := _why_skipped(each, lines.get(each.id, ()))) is not None}
    rated = await _rated_anew(work, [each for each in invoices if each.id not in skipped], lines)
    differences = []
    for invoice in invoices:
        found = next(_sums(invoice, fees.get(invoice.id, ())), None)
        if found is None and invoice.id in rated:
            found = next(_changes(invoice, fees.get(invoice.id, ()), rated[invoice.id]), None)
        if found is not None:
            differences.append(found)
    return Verified(len(invoices), len(rated), differences, Counter(skipped.values()))


def _why_skipped(invoice: Any, lines: Sequence[Any]) -> str | None:
    """Why the fees of an invoice don't follow from a window; None where they do."""
    if invoice.invoice_type in _SKIPPED:
        return _SKIPPED[invoice.invoice_type]
    if invoice.voided_invoice_id is not None:
        return _REGENERATED
    return None if any(line.invoicing_reason in _WINDOWS for line in lines) else _SINGLE


async def _rated_anew(
    work: UnitOfWork, invoices: Sequence[Any], lines: Mapping[UUID, Sequence[Any]]
) -> dict[UUID, list[Rated]]:
    targets = [
        Target(
            invoice.id,
            invoice.created_at,
            tuple(
                Line(line.subscription_id, line.timestamp, line.invoicing_reason, line.charges_from_datetime)
                for line in lines[invoice.id]
            ),
            skip_charges=invoice.skip_charges,
            exists=True,
        )
        for invoice in invoices
    ]
    if not targets:
        return {}
    issued = {invoice.id: invoice.issuing_date for invoice in invoices}
    planned, known = await read_known(work, targets, as_billed=True)
    return {
        target.invoice_id: [
            (line.subscription.id, fee)
            for line in lines
            for fee in rate_line(line, known, issuing_date=issued[target.invoice_id], created_at=target.created_at)
            if not fee.standalone
        ]
        for target, lines in planned
    }


def _sums(invoice: Any, fees: Sequence[Any]) -> Iterator[Difference]:
    """Where an invoice does not add up by itself."""
    reduced = invoice.progressive_billing_credit_amount_cents + invoice.coupons_amount_cents
    gross = invoice.sub_total_excluding_taxes_amount_cents + invoice.taxes_amount_cents
    taken = invoice.credit_notes_amount_cents + invoice.prepaid_credit_amount_cents
    checks = [
        ("fees", invoice.fees_amount_cents, sum(fee.amount_cents for fee in fees)),
        ("sub-total without taxes", invoice.sub_total_excluding_taxes_amount_cents,
         invoice.fees_amount_cents - reduced),
        ("sub-total with taxes", invoice.sub_total_including_taxes_amount_cents, gross),
        ("total", invoice.total_amount_cents, max(gross - taken, 0)),
    ]  # fmt: skip
    # An invoice of fees that were paid before takes over the taxes they had.
    if invoice.invoice_type != "advance_charges":
        checks.insert(2, ("taxes", invoice.taxes_amount_cents, round_cents(sum(map(_exact_tax, fees), ZERO))))
    for what, billed, found in checks:
        if billed != found:
            yield Difference(invoice.number, what, str(billed), str(found))


def _exact_tax(fee: Any) -> Decimal:
    base = fee.amount_cents - fee.precise_coupons_amount_cents
    return sum(((base * rate).scaleb(-2) for rate in fee.tax_rates or ()), ZERO)


def _changes(invoice: Any, fees: Sequence[Any], rated: Sequence[Rated]) -> Iterator[Difference]:
    """Where the events and prices of today say something else than what was billed."""
    names = {_key_of_row(fee): fee.name for fee in fees}
    billed = _amounts((_key_of_row(fee), fee.amount_cents, fee.units) for fee in fees)
    found = _amounts((_key_of_fee(subscription, fee), fee.amount_cents, fee.units) for subscription, fee in rated)
    for key in [*billed, *(key for key in found if key not in billed)]:
        name = names.get(key, key[1])
        before, after = billed.get(key, (0, ZERO)), found.get(key, (0, ZERO))
        if before[1] != after[1]:
            yield Difference(invoice.number, f"units of {name}", decimal_text(before[1]), decimal_text(after[1]))
        if before[0] != after[0]:
            yield Difference(invoice.number, f"amount of {name}", str(before[0]), str(after[0]))


def _amounts(fees: Iterable[tuple[Key, int, Decimal]]) -> dict[Key, tuple[int, Decimal]]:
    """Amounts and units added up by what a fee is for; a fee of nothing is the same as none."""
    found: dict[Key, tuple[int, Decimal]] = {}
    for key, amount, units in fees:
        before = found.get(key, (0, ZERO))
        found[key] = (before[0] + amount, before[1] + units)
    return {key: each for key, each in found.items() if each[0] or each[1]}


def _key_of_row(fee: Any) -> Key:
    return _key(fee.subscription_id, fee, minimum=fee.true_up_parent_fee_id is not None)


def _key_of_fee(subscription_id: UUID, fee: RatedFee) -> Key:
    return _key(subscription_id, fee, minimum=fee.true_up_of is not None)


def _key(subscription_id: UUID, fee: Any, *, minimum: bool) -> Key:
    sold = fee.charge_id or fee.fixed_charge_id or fee.commitment_id
    grouped = exact_json.dump_text(dict(sorted(fee.grouped_by.items())))
    return (subscription_id, str(fee.fee_type), sold, fee.charge_filter_id, grouped, minimum)
