"""Comparing alerts with the figures they watch, and noting those that were triggered. Source: handbook, metering 19.3.

The figure of the last look is kept on the alert, so that a threshold is told once until the figure has gone back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.kernel import clock
from domain.kernel.format import decimal_text
from domain.kernel.ids import new_id
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.alert_crossing import AlertThreshold, crossed
from domain.metering.events import AlertsTriggered
from infrastructure import exact_json

__all__ = ["RowOf", "compare", "locked_alerts"]

RowOf = sa.Row[Any]
STEP: Final = Decimal("0.00001")

# Locked in one order; of two looks at the same alert the second compares with what the first has left.
_ALERTS: Final = """
    SELECT a.id, a.subscription_external_id, a.wallet_id, a.billable_metric_id, a.alert_type, a.direction,
           a.previous_value
    FROM usage_alerts a
    WHERE a.organization_id = CAST(:organization_id AS uuid) AND a.deleted_at IS NULL AND {which}
    ORDER BY a.id FOR NO KEY UPDATE
"""
_OF_SUBSCRIPTIONS: Final = sa.text(
    _ALERTS.format(which="a.wallet_id IS NULL AND a.subscription_external_id = ANY(:keys)")
)
_OF_WALLETS: Final = sa.text(_ALERTS.format(which="a.wallet_id = ANY(:keys)"))
_THRESHOLDS: Final = sa.text(
    "SELECT usage_alert_id, code, value, recurring FROM usage_alert_thresholds WHERE usage_alert_id = ANY(:ids)"
)
_LOOKED: Final = sa.text(
    """
    UPDATE usage_alerts a SET previous_value = row.value, last_processed_at = CAST(:now AS timestamptz),
                              updated_at = CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json)) AS row(id uuid, value numeric)
    WHERE a.id = row.id
    """
)
_TRIGGERED: Final = sa.text(
    """
    INSERT INTO triggered_usage_alerts (id, organization_id, usage_alert_id, subscription_id, wallet_id, current_value,
                                        previous_value, crossed_thresholds, triggered_at, created_at, updated_at)
    SELECT row.id, CAST(:organization_id AS uuid), row.alert_id, row.subscription_id, row.wallet_id, row.current,
           row.previous, row.crossed, CAST(:now AS timestamptz), CAST(:now AS timestamptz), CAST(:now AS timestamptz)
    FROM json_to_recordset(CAST(:rows AS json))
         AS row(id uuid, alert_id uuid, subscription_id uuid, wallet_id uuid, current numeric, previous numeric,
                crossed jsonb)
    """
)


async def locked_alerts(
    work: UnitOfWork, *, external_ids: Sequence[str] = (), wallet_ids: Sequence[UUID] = ()
) -> Sequence[RowOf]:
    """The alerts on these subscriptions and wallets, locked until the commit; a statement each."""
    found: list[RowOf] = []
    for statement, keys in ((_OF_SUBSCRIPTIONS, list(external_ids)), (_OF_WALLETS, list(wallet_ids))):
        if keys:
            values = {"organization_id": work.organization_id, "keys": keys}
            found += (await work.session.execute(statement, values)).all()
    return found


async def compare(
    work: UnitOfWork,
    alerts: Sequence[RowOf],
    value_of: Callable[[RowOf], Decimal | int | None],
    subscriptions: Mapping[str, UUID] | None = None,
) -> None:
    """Notes the figures of these locked alerts, and triggers those whose thresholds were crossed; three statements.

    value_of: the figure now, None where there is none, which leaves the alert as it is. subscriptions: ids by external
    id, for alerts on subscriptions.
    """
    figures = [(alert, value) for alert in alerts if (value := _figure(alert, value_of(alert))) is not None]
    if not figures:
        return
    thresholds: dict[UUID, list[AlertThreshold]] = {}
    for row in await work.session.execute(_THRESHOLDS, {"ids": [alert.id for alert, _ in figures]}):
        thresholds.setdefault(row.usage_alert_id, []).append(AlertThreshold(row.value, row.code, row.recurring))
    triggered = []
    for alert, value in figures:
        decreasing = alert.direction == "decreasing"
        found = crossed(thresholds.get(alert.id, ()), alert.previous_value, value, decreasing=decreasing)
        if found:
            triggered.append(
                {
                    "id": new_id(),
                    "alert_id": alert.id,
                    "subscription_id": (subscriptions or {}).get(alert.subscription_external_id),
                    "wallet_id": alert.wallet_id,
                    "current": value,
                    "previous": alert.previous_value,
                    "crossed": [
                        {"code": each.code, "value": decimal_text(each.value), "recurring": each.recurring}
                        for each in found
                    ],
                }
            )
    now = clock.now()
    looked = [{"id": alert.id, "value": value} for alert, value in figures]
    await work.session.execute(_LOOKED, {"rows": exact_json.dump_text(looked), "now": now})
    if triggered:
        rows = exact_json.dump_text(triggered)
        values = {"organization_id": work.organization_id, "rows": rows, "now": now}
        await work.session.execute(_TRIGGERED, values)
        work.record(AlertsTriggered(tuple(UUID(str(each["id"])) for each in triggered)))


def _figure(alert: RowOf, value: Decimal | int | None) -> Decimal | None:
    """As it is kept, with five decimals: never beyond a threshold that it has not reached."""
    if value is None:
        return None
    return Decimal(value).quantize(STEP, ROUND_CEILING if alert.direction == "decreasing" else ROUND_FLOOR)
