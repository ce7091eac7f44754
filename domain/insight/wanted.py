"""What figures by period are of: days, granularity and filters; and the conditions of these in SQL.

Source: handbook, platform 20. The aliases that the conditions name: c customers, s subscriptions, p plans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.insight.periods import GRANULARITIES, last_day
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Reader

__all__ = [
    "CURRENCY", "OF_CUSTOMER", "OF_SUBSCRIPTION", "WantedFigures", "everything", "issued_by", "period_of",
    "read_wanted_figures", "rows_of", "today",
]  # fmt: skip

DEFAULT_DAYS: Final = 30
"""How far back figures go where no first day is given."""
EARLIEST: Final = date(1970, 1, 1)
LATEST: Final = date(9000, 1, 1)
NOBODY: Final = UUID(int=0)
"""What a word that is no id stands for: nothing has it."""

_TEXTS: Final = (
    "currency", "external_customer_id", "customer_country", "external_subscription_id", "plan_code",
    "billable_metric_code", "billing_entity_code", "grouped_by", "filter_values",
)  # fmt: skip

# Partners are billed to oneself: their figures would be costs among revenues.
OF_CUSTOMER: Final = """
      AND c.account_type = 'customer'
      AND (CAST(:external_customer_id AS text) IS NULL OR c.external_id = :external_customer_id)
      AND (CAST(:customer_type AS text) IS NULL OR c.customer_type = :customer_type)
      AND (CAST(:customer_country AS text) IS NULL OR c.country = :customer_country)
      AND (CAST(:is_customer_tin_empty AS boolean) IS NULL
           OR (coalesce(c.tax_identification_number, '') = '') = :is_customer_tin_empty)
"""
OF_SUBSCRIPTION: Final = """
      AND (CAST(:external_subscription_id AS text) IS NULL OR s.external_id = :external_subscription_id)
      AND (CAST(:plan_code AS text) IS NULL OR p.code = :plan_code)
"""
CURRENCY: Final = "(CAST(:currency AS text) IS NULL OR {column} = :currency)"


def issued_by(entity: str) -> str:
    """The condition that the billing entity, an expression for its id, is the one that is wanted."""
    return f"""
      AND (CAST(:billing_entity_code AS text) IS NULL OR {entity} IN (
           SELECT e.id FROM billing_entities e WHERE e.code = :billing_entity_code))
    """  # noqa: S608


def period_of(day: str) -> str:
    """The first day of the period of a date, an expression."""
    return (
        "CASE CAST(:granularity AS text)"
        f" WHEN 'weekly' THEN date_trunc('week', {day})::date"
        f" WHEN 'monthly' THEN date_trunc('month', {day})::date ELSE {day} END"
    )


@dataclass(frozen=True, slots=True)
class WantedFigures:
    """What the figures are of, days included; None leaves a filter out.

    A period that the days begin or end within is answered with what lies between the days.
    """

    granularity: str
    from_date: date
    to_date: date
    filters: Mapping[str, object]

    def last_day(self, first: date) -> date:
        """The last day of the period that begins on `first`."""
        return last_day(self.granularity, first)


def today() -> date:
    """The UTC date."""
    return clock.now().astimezone(UTC).date()


def read_wanted_figures(params: Mapping[str, object]) -> WantedFigures:
    """The filters of the interface. Daily by default, of the last thirty days.

    Raises ValidationFailed for a granularity, a type of customer, a truth or a day that is none.
    """
    read = Reader(params)
    granularity = read.choice("time_granularity", GRANULARITIES, default="daily")
    to_date = read.day("to_date", default=today())
    from_date = read.day("from_date")
    filters: dict[str, object] = {name: read.text(name) for name in _TEXTS}
    filters["customer_type"] = read.choice("customer_type", ("individual", "company"))
    for name in ("is_billable_metric_recurring", "is_customer_tin_empty"):
        filters[name] = read.boolean(name)
    for name in ("charge_id", "charge_filter_id"):
        filters[name] = (read.id(name) or NOBODY) if params.get(name) else None
    read.finish()
    assert granularity is not None, "has a default"
    assert to_date is not None, "has a default"
    to_date = min(max(to_date, EARLIEST), LATEST)
    if from_date is None:
        from_date = to_date - timedelta(days=DEFAULT_DAYS)
    return WantedFigures(granularity, min(max(from_date, EARLIEST), LATEST), to_date, filters)


def everything(currency: str | None = None) -> WantedFigures:
    """All of all time, in one currency or in each."""
    wanted = read_wanted_figures({"currency": currency})
    return replace(wanted, from_date=EARLIEST, to_date=LATEST)


async def rows_of(work: UnitOfWork, query: sa.TextClause, wanted: WantedFigures, **more: object) -> Sequence[Any]:
    """The rows of a statement that names what is wanted."""
    values = {
        "organization": work.organization_id,
        "granularity": wanted.granularity,
        "from_date": wanted.from_date,
        "to_date": wanted.to_date,
        **wanted.filters,
        **more,
    }
    return (await work.session.execute(query, values)).all()
