"""The windows of every line of a chunk, and which lines have been billed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from domain.billing.facts import Facts, Past, SubscriptionFacts
from domain.billing.requests import Line, Target
from domain.kernel.errors import Refusal
from domain.subscriptions.instants import local_date, start_of_day
from domain.subscriptions.terms import SubscriptionTerms, Successor
from domain.subscriptions.windows import Windows, after_zone_change, finished_period, windows
from infrastructure import exact_json

__all__ = ["AlreadyBilled", "BilledLine", "billed_lines"]


class AlreadyBilled(Refusal):
    """A subscription has had its starting or terminating invoice before."""

    def __init__(self, subscription_id: UUID, reason: str) -> None:
        super().__init__(f"subscription {subscription_id} already has a bill with reason {reason}")


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A subscription on an invoice with its windows. number: among the lines of a run. reason: as stored.

    finished: a termination on the first day of a period bills the period before it (handbook, section 2.7).
    """

    number: int
    subscription: SubscriptionFacts
    past: Past
    window: Windows
    at: datetime
    reason: str
    finished: bool = False

    @property
    def recurring(self) -> bool:
        return self.reason == "subscription_periodic"

    @property
    def bills_periods(self) -> bool:
        """Base fee, usage and commitments are due; not where only fixed charges are paid in advance."""
        if self.reason == "in_advance_charge":
            return False
        return self.reason != "subscription_starting" or self.subscription.terms.pay_in_advance

    @property
    def progressive(self) -> bool:
        """Usage of the running period is billed so far: no base fee, nothing that is settled at a period's end."""
        return self.reason == "progressive_billing"

    @property
    def ended_by_upgrade(self) -> bool:
        terms = self.subscription.terms
        return terms.successor is Successor.UPGRADE and terms.is_terminated_at(self.at)

    @property
    def has_usage(self) -> bool:
        start, end = self.window.charges_from_datetime, self.window.charges_to_datetime
        return start is not None and end is not None and start < end


_BILLED = sa.text(
    """
    SELECT DISTINCT line.n, line.part
    FROM json_to_recordset(CAST(:lines AS json)) AS line(
        n integer, part text, subscription_id uuid, reason text, charges_from timestamptz, charges_to timestamptz,
        day_start timestamptz, day_end timestamptz, since timestamptz)
    JOIN invoice_subscriptions x ON x.subscription_id = line.subscription_id AND x.regenerated_invoice_id IS NULL
    WHERE (line.part = 'once' AND x.invoicing_reason = line.reason
           AND (line.since IS NULL OR x.timestamp >= line.since))
       OR (line.part <> 'once' AND x.recurring AND x.charges_from_datetime = line.charges_from
           AND x.charges_to_datetime = line.charges_to)
       OR (line.part = 'periodic' AND x.recurring AND x.timestamp >= line.day_start AND x.timestamp < line.day_end)
    """
)


async def billed_lines(
    session: AsyncSession, facts: Facts, targets: Sequence[Target]
) -> list[tuple[Target, list[BilledLine]]]:
    """Every target with the lines that are still to be billed; a target without any is left out.

    A periodic line whose window or day has been billed is passed over, as is one whose subscription is no longer
    active. Raises AlreadyBilled where a starting or terminating bill would come twice. Drafts that are built again
    keep all their lines. One statement.
    """
    numbers = count()
    planned = [
        (
            target,
            [
                _billed_line(next(numbers), facts, target, line)
                for line in target.lines
                if line.subscription_id in facts.subscriptions
            ],
        )
        for target in targets
    ]
    billed = await _billed(session, [line for target, lines in planned if not target.exists for line in lines])
    result = []
    for target, lines in planned:
        kept = lines
        if not target.exists:
            kept = [kept for line in lines for kept in _unbilled(line, billed.get(line.number, frozenset()))]
        if kept:
            result.append((target, kept))
    return result


def _unbilled(line: BilledLine, found: frozenset[str]) -> list[BilledLine]:
    if line.subscription.status == "canceled":
        # Given up before its first invoice was made.
        return []
    if line.recurring:
        return [] if "periodic" in found or line.subscription.status != "active" else [line]
    if "once" in found and line.reason not in ("in_advance_charge", "progressive_billing"):
        raise AlreadyBilled(line.subscription.id, line.reason)
    finished = _finished(line.subscription.terms, line.at) if line.reason == "subscription_terminating" else None
    if finished is not None and "finished" not in found:
        return [replace(line, window=finished, finished=True)]
    return [line]


async def _billed(session: AsyncSession, lines: Sequence[BilledLine]) -> Mapping[int, frozenset[str]]:
    asked = []
    for line in lines:
        terms = line.subscription.terms
        question = {"n": line.number, "part": "once", "subscription_id": line.subscription.id, "reason": line.reason}
        trial_end = line.subscription.trial_ended_at
        if line.reason == "subscription_starting" and trial_end is not None and trial_end <= line.at:
            # A change of plan inside a trial bills fixed charges alone; the base fee starts when the trial has ended.
            question["since"] = trial_end
        if line.recurring:
            today = local_date(line.at, terms.zone)
            question |= {
                "part": "periodic",
                "charges_from": line.window.charges_from_datetime,
                "charges_to": line.window.charges_to_datetime,
                "day_start": start_of_day(today, terms.zone),
                "day_end": start_of_day(today + timedelta(days=1), terms.zone),
            }
        asked.append(question)
        finished = _finished(terms, line.at) if line.reason == "subscription_terminating" else None
        if finished is not None:
            asked.append(
                {
                    "n": line.number,
                    "part": "finished",
                    "subscription_id": line.subscription.id,
                    "charges_from": finished.charges_from_datetime,
                    "charges_to": finished.charges_to_datetime,
                }
            )
    found: dict[int, frozenset[str]] = {}
    for number, part in await session.execute(_BILLED, {"lines": exact_json.dump_text(asked)}):
        found[number] = found.get(number, frozenset()) | {part}
    return found


def _billed_line(number: int, facts: Facts, target: Target, line: Line) -> BilledLine:
    subscription = facts.subscriptions[line.subscription_id]
    past = facts.past.get((target.invoice_id, line.subscription_id), Past())
    if line.reason in ("in_advance_charge", "progressive_billing"):
        window = _windows(subscription.terms, line.at, current_usage=True)
        return BilledLine(number, subscription, past, window, line.at, line.reason)
    window = _windows(subscription.terms, line.at)
    finished = False
    if line.charges_from is not None and line.charges_from < (window.charges_from_datetime or line.charges_from):
        # The draft billed the whole period that had just ended, and goes on doing so.
        before = _finished(subscription.terms, line.at)
        window, finished = before or window, before is not None
    if past.last_timezone is not None and past.last_timezone != subscription.customer.timezone:
        previous = replace(
            window,
            charges_to_datetime=past.last_charges_to,
            fixed_charges_to_datetime=past.last_fixed_charges_to,
        )
        window = after_zone_change(window, previous)
    return BilledLine(number, subscription, past, window, line.at, _stored_reason(subscription.terms, line), finished)


def _stored_reason(terms: SubscriptionTerms, line: Line) -> str:
    if line.reason != "upgrading":
        return line.reason
    return "subscription_terminating" if terms.is_terminated_at(line.at) else "subscription_starting"


def _finished(terms: SubscriptionTerms, at: datetime) -> Windows | None:
    return finished_period(terms, at) if terms.successor is Successor.NONE else None


# A run bills many subscriptions of the same terms at the same instant.
_windows = lru_cache(maxsize=16_384)(windows)
