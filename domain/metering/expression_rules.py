"""The expressions of an organization's metrics, and what they do to events on their way into the store.

Every process remembers the rules of the organizations it has seen, and nobody has to tell it when they change: each
event carries the expression it was computed with to the insert, which passes over rows whose metric says otherwise by
then (see ingest_sql.py). Whoever sees a row passed over, or an event refused because of a rule, reads the rules anew
and computes again from what was sent. So a change holds from its commit on, in every process, whatever else is away,
and usually costs nothing. Source: handbook, metering 3.3.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

import msgspec
import psycopg
import sqlalchemy as sa

from domain.catalog.models import BillableMetric
from domain.kernel.rows import table
from domain.kernel.tenancy import Door
from domain.kernel.unit_of_work import UnitOfWork, door_work
from domain.metering.expressions import EvaluationFailed, expression, result_text
from infrastructure import exact_json

if TYPE_CHECKING:
    from domain.metering.incoming import EventRow

__all__ = [
    "NO_RULES", "Rule", "Rules", "apply_rule", "computed_properties", "known_rules", "read_rules", "recomputed",
    "rules_of",
]  # fmt: skip

MOST_ORGANIZATIONS: Final = 10_000
FAILED: Final = "expression_evaluation_failed"

_metrics = table(BillableMetric).c
_RULES: Final = sa.select(_metrics.code, _metrics.field_name, _metrics.expression).where(
    _metrics.deleted_at.is_(None), _metrics.expression.is_not(None), _metrics.field_name.is_not(None)
)
_READ: Final = """
    SELECT organization_id, code, field_name, expression FROM billable_metrics
    WHERE organization_id = ANY(%s) AND deleted_at IS NULL AND expression IS NOT NULL AND field_name IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """What an event of a metric's code gets: the value of `expression` in the property `field_name`."""

    field_name: str
    expression: str


Rules = Mapping[str, Rule]
"""By the code of events. A metric that reads no property has none, whatever its expression."""

NO_RULES: Final[Rules] = {}
_known: OrderedDict[str, Rules] = OrderedDict()


def _remember(organization_id: str, rules: Rules) -> None:
    _known[organization_id] = rules
    _known.move_to_end(organization_id)
    if len(_known) > MOST_ORGANIZATIONS:
        _known.popitem(last=False)


async def known_rules(organization_id: UUID, *, fresh: bool = False) -> Rules:
    """The rules as this process knows them, read when it does not; `fresh` reads them whatever is known."""
    rules = _known.get(str(organization_id))
    if rules is None or fresh:
        async with door_work(Door.INGEST) as work:
            rows = await work.session.execute(_RULES.where(_metrics.organization_id == organization_id))
            rules = {row.code: Rule(row.field_name, row.expression) for row in rows}
        _remember(str(organization_id), rules)
    return rules


async def read_rules(connection: psycopg.AsyncConnection[Any], organization_ids: Iterable[str]) -> dict[str, Rules]:
    """The rules of these organizations as the transaction of this connection, the ingest door, sees them."""
    found: dict[str, dict[str, Rule]] = {organization_id: {} for organization_id in organization_ids}
    cursor = await connection.execute(_READ, [list(found)])
    for organization_id, code, field_name, text in await cursor.fetchall():
        found[str(organization_id)][code] = Rule(field_name, text)
    for organization_id, rules in found.items():
        _remember(organization_id, rules)
    return dict(found)


async def rules_of(work: UnitOfWork, codes: Iterable[str]) -> Rules:
    """The rules for these codes, read in a tenant's transaction: for estimates of events that are not stored."""
    rows = await work.session.execute(
        _RULES.where(_metrics.organization_id == work.organization_id, _metrics.code.in_(list(codes)))
    )
    return {row.code: Rule(row.field_name, row.expression) for row in rows}


class _Computable(Protocol):
    code: str
    timestamp: str
    properties: msgspec.Raw
    expression: str | None
    field_name: str | None
    sent: msgspec.Raw | None


def computed_properties(rule: Rule, code: str, timestamp: datetime, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties with the rule's result among them, a number as a text like "3.0". Raises EvaluationFailed."""
    return {**properties, rule.field_name: _result(rule, code, timestamp, properties)}


def _result(rule: Rule, code: str, timestamp: str | datetime, properties: Mapping[str, Any]) -> str:
    ready, seconds = expression(rule.expression), 0
    if ready.timestamp:
        instant = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else timestamp
        seconds = int(instant.timestamp() // 1)
    return result_text(ready.evaluate(code, seconds, properties))


def apply_rule(row: _Computable, rule: Rule) -> str | None:
    """Computes the rule's property of a row that was just read; the sentence of the refusal when it has no value."""
    sent = bytes(row.properties)
    properties = exact_json.load(sent)
    try:
        text = _result(rule, row.code, row.timestamp, properties)
    except EvaluationFailed as failure:
        return f"{FAILED}: {failure}"
    pair = exact_json.dump({rule.field_name: text})
    if rule.field_name in properties:
        row.sent = row.properties
        row.properties = msgspec.Raw(exact_json.dump({**properties, rule.field_name: text}))
    elif properties:
        # What was sent goes on as it came, with one more property at its end.
        row.properties = msgspec.Raw(b"%b,%b" % (sent.rstrip()[:-1], pair[1:]))
    else:
        row.properties = msgspec.Raw(pair)
    row.expression, row.field_name = rule.expression, rule.field_name
    return None


def _as_sent(row: _Computable) -> msgspec.Raw:
    """The properties without what was computed; those that were sent under its name come back."""
    if row.sent is not None:
        return row.sent
    properties = exact_json.load(bytes(row.properties))
    return msgspec.Raw(exact_json.dump({name: each for name, each in properties.items() if name != row.field_name}))


def recomputed(rows: Sequence[EventRow], rules: Rules) -> dict[str, str]:
    """Makes rows that were computed with older rules what these rules make of them; refusals by place."""
    refused = {}
    for place, row in enumerate(rows):
        rule = rules.get(row.code)
        if (row.expression, row.field_name) == ((rule.expression, rule.field_name) if rule else (None, None)):
            continue
        if row.expression is not None:
            row.properties, row.sent, row.expression, row.field_name = _as_sent(row), None, None, None
        if rule is not None and (failure := apply_rule(row, rule)):
            refused[str(place)] = failure
    return refused
