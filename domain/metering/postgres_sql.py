"""The SQL of the event store. A statement answers all questions of one kind: a LATERAL over the list of questions.

Plain questions (a subscription, a code, a window) read one range of `ix_events_usage`, where the index holds all they
need. The others read the events of that range with their properties: filters, groups, lists, proration.
"""

from __future__ import annotations

from typing import Final

from domain.metering.event_store import MAX_NUMBER_LENGTH, NUMBER

__all__ = [
    "ARRIVED", "KINDS", "NEWEST", "QUESTIONS", "UP_TO", "WINDOW", "counted_statement", "number_of", "operations",
    "plain_statement", "rich_statement",
]  # fmt: skip


def number_of(text: str) -> str:
    """SQL: the number that the SQL expression `text` spells, else null. The cast can't fail."""
    # Nested, because the order of the conditions of one AND is not promised.
    return (
        f"CASE WHEN length({text}) <= {MAX_NUMBER_LENGTH} THEN"
        f" CASE WHEN {text} ~ '{NUMBER}' THEN ({text})::numeric END END"
    )


_STORED: Final = "e.value"
_RAW: Final = number_of("(e.properties ->> q.field)")

_RANGE: Final = """
    FROM events AS e
    WHERE e.organization_id = CAST(:organization_id AS uuid) AND e.external_subscription_id = q.subscription
      AND e.code = q.code AND e.timestamp >= q.first AND e.timestamp <= q.last AND e.deleted_at IS NULL
"""
WINDOW: Final = _RANGE
"""The events of a question's window; what the statements below read unless told otherwise."""
UP_TO: Final = f"{_RANGE} AND e.sequence <= q.upto"
"""Those of them that were stored up to a sequence."""
# The order of arrival leads to them, whatever their own time; OFFSET keeps the planner from walking the window instead.
ARRIVED: Final = """
    FROM (
        SELECT x.* FROM events AS x
        WHERE x.organization_id = CAST(:organization_id AS uuid) AND x.external_subscription_id = q.subscription
          AND x.code = q.code AND x.sequence > q.after AND x.sequence <= q.upto AND x.deleted_at IS NULL OFFSET 0
    ) AS e
    WHERE e.timestamp >= q.first AND e.timestamp <= q.last
"""
"""Those of them that were stored after one sequence and up to another: see rolled_store.py."""

# Later than another event: by its own time, then by when it came.
NEWEST: Final = "e.timestamp DESC, e.created_at DESC, e.sequence DESC"
_IN_ORDER: Final = "e.timestamp, e.created_at, e.sequence"

# Plain questions -----------------------------------------------------------------------------------------------------

_COUNT: Final = f"SELECT count(*) AS units, count(*) AS events {_RANGE}"
_SUM: Final = f"SELECT coalesce(sum({{value}}), 0) AS units, count({{value}}) AS events {_RANGE}"
_MAX: Final = f"SELECT coalesce(max({{value}}), 0) AS units, count({{value}}) AS events {_RANGE}"
# A latest value below zero counts as none.
_LATEST: Final = f"""
    SELECT greatest(coalesce(
        (SELECT {{value}} {_RANGE} AND {{value}} IS NOT NULL ORDER BY {NEWEST} LIMIT 1), 0), 0) AS units,
        (SELECT count({{value}}) {_RANGE}) AS events
"""
# The transitions of one value add up to 1 when its last operation is an add, else to 0 (handbook, metering 8.5). A
# missing property is one value, "null". Operations of other names take no part.
_UNIQUE: Final = f"""
    SELECT count(*) FILTER (WHERE operation = 'add') AS units, count(*) FILTER (WHERE operation = 'add') AS events
    FROM (
        SELECT DISTINCT ON (coalesce(e.properties ->> q.field, 'null'))
            coalesce(e.properties ->> 'operation_type', 'add') AS operation
        {_RANGE} AND coalesce(e.properties ->> 'operation_type', 'add') IN ('add', 'remove')
        ORDER BY coalesce(e.properties ->> q.field, 'null'), {NEWEST}
    ) AS last_operation
"""  # noqa: S608

_PLAIN: Final = {
    "count_agg": _COUNT,
    "sum_agg": _SUM,
    "max_agg": _MAX,
    "latest_agg": _LATEST,
    "unique_count_agg": _UNIQUE,
}


def plain_statement(aggregation_type: str, *, stored: bool) -> str:
    """For plain questions of one aggregation; `stored`: numbers are read from the column."""
    answer = _PLAIN[aggregation_type].format(value=_STORED if stored else _RAW)
    return f"""
        SELECT q.n, u.units, u.events
        FROM jsonb_to_recordset(CAST(:questions AS jsonb)) AS q(
            n integer, subscription text, code text, field text, first timestamptz, last timestamptz)
        CROSS JOIN LATERAL ({answer}) AS u
    """  # noqa: S608


# Questions with filters, groups, lists, proration or weighing ---------------------------------------------------------

# The events of a question's bucket. Objects and lists of conditions are null where there are none.
_GROUPING: Final = """
    CASE WHEN q.group_by IS NULL THEN CAST('[]' AS jsonb) ELSE (
        SELECT jsonb_agg(nullif(e.properties ->> g.key, '') ORDER BY g.place)
        FROM jsonb_array_elements_text(q.group_by) WITH ORDINALITY AS g(key, place)) END
"""
_BUCKET: Final = f"""
    {_RANGE}
      AND (q.before_at IS NULL
           OR (e.timestamp, e.created_at, e.sequence) < (q.before_at, q.before_created_at, q.before_sequence))
      AND (q.matching IS NULL OR NOT EXISTS (
           SELECT FROM jsonb_each(q.matching) AS m(key, allowed)
           WHERE (m.allowed ? (e.properties ->> m.key)) IS NOT TRUE))
      AND (q.empty IS NULL OR NOT EXISTS (
           SELECT FROM jsonb_array_elements_text(q.empty) AS n(key) WHERE e.properties ->> n.key <> ''))
      AND (q.ignored IS NULL OR NOT EXISTS (
           SELECT FROM jsonb_array_elements(q.ignored) AS i(condition)
           WHERE NOT EXISTS (
               SELECT FROM jsonb_each(i.condition) AS c(key, allowed)
               WHERE NOT c.allowed ? coalesce(e.properties ->> c.key, ''))))
"""  # noqa: S608
_TAKEN: Final = f"""
    SELECT e.timestamp, e.created_at, e.sequence, e.precise_total_amount_cents, {{columns}},
           {_GROUPING} AS grouping_values
    {_BUCKET}
"""

_NUMBER_COLUMN: Final = f"CASE WHEN q.stored THEN {_STORED} ELSE {_RAW} END AS value"
_TAKEN_NUMBERS: Final = _TAKEN.format(columns=_NUMBER_COLUMN)
_OPERATION: Final = "coalesce(e.properties ->> 'operation_type', 'add')"
_TAKEN_OPERATIONS: Final = (
    _TAKEN.format(columns=f"coalesce(e.properties ->> q.field, 'null') AS item, {_OPERATION} AS operation")
    + f"AND {_OPERATION} IN ('add', 'remove')"
)

_GROUPED_COUNT: Final = f"""
    SELECT e.grouping_values, count(*) AS units, count(*) AS events, 0 AS carried, 0 AS weighed,
           CAST(NULL AS numeric[]) AS values, CAST(NULL AS integer[]) AS weights,
           sum(e.precise_total_amount_cents) AS precise, max(e.timestamp) AS last_event_at
    FROM ({_TAKEN.format(columns="1 AS one")}) AS e GROUP BY 1
"""  # noqa: S608

# A prorated sum weighs the values of the window by the days left, and carries in what came before it.
_DAYS_LEFT: Final = "q.last_day - CAST(e.timestamp AT TIME ZONE q.zone AS date) + 1"
_GROUPED_NUMBERS: Final = f"""
    SELECT e.grouping_values, {{units}} AS units, count(*) AS events,
           sum(e.value) FILTER (WHERE q.zone IS NOT NULL AND e.timestamp < q.start) AS carried,
           sum(e.value * ({_DAYS_LEFT})) FILTER (WHERE q.zone IS NOT NULL AND e.timestamp >= q.start) AS weighed,
           array_agg(e.value ORDER BY {_IN_ORDER})
               FILTER (WHERE q.with_values AND e.timestamp >= q.start) AS values,
           array_agg({_DAYS_LEFT} ORDER BY {_IN_ORDER})
               FILTER (WHERE q.with_values AND q.zone IS NOT NULL AND e.timestamp >= q.start) AS weights,
           sum(e.precise_total_amount_cents) AS precise, max(e.timestamp) AS last_event_at
    FROM ({_TAKEN_NUMBERS}) AS e WHERE e.value IS NOT NULL GROUP BY 1
"""  # noqa: S608

_GROUPED_WEIGHTED: Final = f"""
    SELECT e.grouping_values, sum(e.value) AS units, count(*) AS events, 0 AS carried,
           sum(e.value * extract(epoch FROM q.weighing_end - e.timestamp)) AS weighed,
           CAST(NULL AS numeric[]) AS values, CAST(NULL AS integer[]) AS weights,
           0 AS precise, max(e.timestamp) AS last_event_at
    FROM ({_TAKEN_NUMBERS}) AS e WHERE e.value IS NOT NULL GROUP BY 1
"""  # noqa: S608

_GROUPED_LATEST: Final = f"""
    SELECT DISTINCT ON (e.grouping_values) e.grouping_values, greatest(e.value, 0) AS units,
           count(*) OVER (PARTITION BY e.grouping_values) AS events, 0 AS carried, 0 AS weighed,
           CAST(NULL AS numeric[]) AS values, CAST(NULL AS integer[]) AS weights, 0 AS precise,
           e.timestamp AS last_event_at, e.created_at AS last_created_at, e.sequence AS last_sequence
    FROM ({_TAKEN_NUMBERS}) AS e WHERE e.value IS NOT NULL
    ORDER BY e.grouping_values, {NEWEST}
"""  # noqa: S608

_GROUPED_UNIQUE: Final = f"""
    SELECT s.grouping_values, count(*) FILTER (WHERE s.operation = 'add') AS units,
           count(*) FILTER (WHERE s.operation = 'add') AS events, 0 AS carried, 0 AS weighed,
           CAST(NULL AS numeric[]) AS values, CAST(NULL AS integer[]) AS weights, 0 AS precise,
           max(s.timestamp) AS last_event_at
    FROM (
        SELECT DISTINCT ON (e.grouping_values, e.item) e.grouping_values, e.operation, e.timestamp
        FROM ({_TAKEN_OPERATIONS}) AS e ORDER BY e.grouping_values, e.item, {NEWEST}
    ) AS s GROUP BY 1
"""  # noqa: S608

# Of each item only the changes that last: a removal that is taken back on the same day is no removal, and what repeats
# the state before is no change. An addition weighs from its day, or the first of the window, to the day of the next
# change, both included, or to the last day (handbook, metering 10.3).
_PRORATED_UNIQUE: Final = f"""
    SELECT w.grouping_values, sum(w.change) AS units, sum(w.change) AS events, 0 AS carried,
           sum(w.days) AS weighed,
           array_agg(CAST(w.change AS numeric) ORDER BY w.timestamp, w.created_at, w.sequence)
               FILTER (WHERE q.with_values) AS values,
           array_agg(w.days ORDER BY w.timestamp, w.created_at, w.sequence) FILTER (WHERE q.with_values) AS weights,
           0 AS precise, max(w.timestamp) AS last_event_at
    FROM (
        SELECT c.grouping_values, c.timestamp, c.created_at, c.sequence,
               CASE c.operation WHEN 'add' THEN 1 ELSE -1 END AS change,
               CASE WHEN c.operation = 'remove' THEN 0
                    WHEN lead(c.day) OVER changes < q.first_day THEN 0
                    ELSE coalesce(lead(c.day) OVER changes, q.last_day) - greatest(c.day, q.first_day) + 1
               END AS days
        FROM (
            SELECT k.*, lag(k.operation, 1, 'remove') OVER kept AS state
            FROM (
                SELECT e.*, CAST(e.timestamp AT TIME ZONE q.zone AS date) AS day,
                       e.operation = 'remove' AND lead(e.operation) OVER items = 'add'
                       AND lead(CAST(e.timestamp AT TIME ZONE q.zone AS date)) OVER items
                           = CAST(e.timestamp AT TIME ZONE q.zone AS date) AS taken_back
                FROM ({_TAKEN_OPERATIONS}) AS e
                WINDOW items AS (PARTITION BY e.grouping_values, e.item ORDER BY {_IN_ORDER})
            ) AS k
            WHERE k.taken_back IS NOT TRUE
            WINDOW kept AS (PARTITION BY k.grouping_values, k.item ORDER BY k.timestamp, k.created_at, k.sequence)
        ) AS c
        WHERE c.operation <> c.state
        WINDOW changes AS (PARTITION BY c.grouping_values, c.item ORDER BY c.timestamp, c.created_at, c.sequence)
    ) AS w GROUP BY 1
"""  # noqa: S608

KINDS: Final = {
    "count_agg": _GROUPED_COUNT,
    "sum_agg": _GROUPED_NUMBERS.format(units="sum(e.value)"),
    "max_agg": _GROUPED_NUMBERS.format(units="max(e.value)"),
    "latest_agg": _GROUPED_LATEST,
    "unique_count_agg": _GROUPED_UNIQUE,
    "weighted_sum_agg": _GROUPED_WEIGHTED,
    "prorated_unique_count": _PRORATED_UNIQUE,
}


QUESTIONS: Final = """
    jsonb_to_recordset(CAST(:questions AS jsonb)) AS q(
        n integer, key text, subscription text, code text, field text, stored boolean, first timestamptz,
        last timestamptz, start timestamptz, weighing_end timestamptz, before_at timestamptz,
        before_created_at timestamptz, before_sequence bigint, matching jsonb, ignored jsonb, empty jsonb,
        group_by jsonb, zone text, first_day date, last_day date, with_values boolean, after bigint, upto bigint)
"""


def rich_statement(kind: str, events: str = WINDOW) -> str:
    """For questions that are not plain, of one of KINDS: a row for each group. events: WINDOW, UP_TO or ARRIVED."""
    answer = KINDS[kind].replace(WINDOW, events)
    return f"SELECT q.n, u.* FROM {QUESTIONS} CROSS JOIN LATERAL ({answer}) AS u"  # noqa: S608


def operations(events: str) -> str:
    """The operations on items that a unique count looks at, with their group and place."""
    return _TAKEN_OPERATIONS.replace(WINDOW, events)


# What an aggregation reads of an event, as text; events that do not have it take no part.
_COUNTED_VALUES: Final = {
    "count_agg": ("CAST(NULL AS text)", "true"),
    "unique_count_agg": ("e.properties ->> q.field", f"{_OPERATION} IN ('add', 'remove')"),
}


def counted_statement(aggregation_type: str) -> str:
    """A page of the events behind one group of one question, latest use first, and how many there are in all."""
    value, taking_part = _COUNTED_VALUES.get(aggregation_type, (f"CAST({_RAW} AS text)", f"{_RAW} IS NOT NULL"))
    return f"""
        SELECT u.* FROM {QUESTIONS} CROSS JOIN LATERAL (
            SELECT e.transaction_id, e.timestamp, e.created_at, e.properties, {value} AS value,
                   count(*) OVER () AS total_count
            {_BUCKET} AND {taking_part} AND {_GROUPING} = CAST(:grouping AS jsonb)
            ORDER BY {NEWEST} LIMIT :size OFFSET :offset
        ) AS u
    """  # noqa: S608
