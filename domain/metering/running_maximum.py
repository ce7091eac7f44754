"""How many units one event bills when a charge is paid in advance: pure. Source: handbook, metering 11.3 and 11.4.

Within a period the highest total billed so far is kept: what falls and rises again below it is not billed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.kernel.money import ONE, ZERO

__all__ = ["RunningState", "Step", "next_step"]


@dataclass(frozen=True, slots=True)
class RunningState:
    """current: the running total of the period. highest: the greatest already billed. highest_prorated: the prorated
    units billed so far; None where the charge is not prorated."""

    current: Decimal
    highest: Decimal
    highest_prorated: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """billed: the units an event bills. state: after it, None for counts, which keep none."""

    billed: Decimal
    state: RunningState | None


def next_step(aggregation_type: str, state: RunningState | None, own: Decimal) -> Step:
    """One event on top of the state of its period (None: the first).

    own: what it adds to the total: a sum's value; a unique count's +1 for an item that was not active, -1 for the
    removal of an active one, 0 for what changes nothing.
    """
    if aggregation_type == "count_agg":
        return Step(ONE, None)
    if state is None:
        first = own if aggregation_type == "sum_agg" else max(own, ZERO)
        return Step(max(own, ZERO), RunningState(first, first))
    current = state.current + own
    if current <= state.highest:
        return Step(ZERO, RunningState(current, state.highest))
    billed = current - state.highest
    return Step(billed, RunningState(current, max(current, billed)))
