"""Alerts as REST shows them, and triggered ones as webhooks tell them. Source: handbook, metering 19.2 and 19.3."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from domain.catalog.payloads import billable_metric_payloads
from domain.kernel.format import decimal_text, instant, instant_or_none
from domain.kernel.unit_of_work import UnitOfWork
from domain.metering.alert_queries import thresholds_of_alerts
from domain.metering.models import UsageAlert

__all__ = ["alert_payloads", "triggered_alert_payloads"]

Payload = dict[str, Any]


async def alert_payloads(
    work: UnitOfWork, alerts: Sequence[UsageAlert], *, wallet_codes: Mapping[UUID, str | None] | None = None
) -> list[Payload]:
    """The alerts in their order; a fixed number of statements. wallet_codes: of the wallets they are set on."""
    thresholds = await thresholds_of_alerts(work.session, [alert.id for alert in alerts])
    metric_ids = {alert.billable_metric_id for alert in alerts if alert.billable_metric_id}
    metrics = await billable_metric_payloads(work.session, metric_ids) if metric_ids else {}
    return [
        {
            "lago_id": alert.id,
            "lago_organization_id": alert.organization_id,
            "subscription_external_id": alert.subscription_external_id,
            "external_subscription_id": alert.subscription_external_id,
            "lago_wallet_id": alert.wallet_id,
            "wallet_code": (wallet_codes or {}).get(alert.wallet_id) if alert.wallet_id else None,
            "billable_metric": metrics.get(alert.billable_metric_id) if alert.billable_metric_id else None,
            "alert_type": alert.alert_type,
            "code": alert.code,
            "name": alert.name,
            "direction": alert.direction,
            "previous_value": number(alert.previous_value),
            "last_processed_at": instant_or_none(alert.last_processed_at),
            "thresholds": [
                {"code": row.code, "value": decimal_text(row.value), "recurring": row.recurring}
                for row in thresholds.get(alert.id, ())
            ],
            "created_at": instant(alert.created_at),
        }
        for alert in alerts
    ]


def number(value: Decimal) -> int | Decimal:
    """A figure as a JSON number, without superfluous zeros."""
    return int(value) if value == value.to_integral_value() else Decimal(decimal_text(value))


# An alert on a wallet tells of the wallet's customer.
_TRIGGERED: Final = sa.text(
    """
    SELECT t.id, t.organization_id, t.usage_alert_id, t.subscription_id, t.wallet_id, t.current_value, t.previous_value,
           t.crossed_thresholds, t.triggered_at, a.alert_type, a.code, a.name, a.subscription_external_id,
           m.code AS metric_code, c.external_id AS external_customer_id
    FROM triggered_usage_alerts t
    JOIN usage_alerts a ON a.id = t.usage_alert_id
    LEFT JOIN billable_metrics m ON m.id = a.billable_metric_id
    LEFT JOIN subscriptions s ON s.id = t.subscription_id
    LEFT JOIN wallets w ON w.id = t.wallet_id
    LEFT JOIN customers c ON c.id = coalesce(s.customer_id, w.customer_id)
    WHERE t.id = ANY(:ids)
    """
)


async def triggered_alert_payloads(work: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, Payload]:
    """Triggered alerts by id; one statement."""
    return {
        row.id: {
            "lago_id": row.id,
            "lago_organization_id": row.organization_id,
            "lago_alert_id": row.usage_alert_id,
            "lago_subscription_id": row.subscription_id,
            "subscription_external_id": row.subscription_external_id,
            "external_subscription_id": row.subscription_external_id,
            "lago_wallet_id": row.wallet_id,
            "customer_external_id": row.external_customer_id,
            "external_customer_id": row.external_customer_id,
            "billable_metric_code": row.metric_code,
            "alert_name": row.name,
            "alert_code": row.code,
            "alert_type": row.alert_type,
            "current_value": number(row.current_value),
            "previous_value": number(row.previous_value),
            "crossed_thresholds": row.crossed_thresholds,
            "triggered_at": instant(row.triggered_at),
        }
        for row in await work.session.execute(_TRIGGERED, {"ids": list(ids)})
    }
