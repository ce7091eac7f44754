"""Setting, changing and taking away usage alerts. Source: handbook, metering 19.1 and 19.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from domain.catalog.models import BillableMetric
from domain.kernel import clock
from domain.kernel.errors import NotFound, Refusal, ValidationFailed
from domain.kernel.ids import new_id, parse_id
from domain.kernel.rows import table
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import MANDATORY, TAKEN, Params, Reader
from domain.metering.alert_queries import Watched, alerts_of
from domain.metering.alert_terms import (
    METRIC_TYPES,
    SUBSCRIPTION_TYPES,
    WALLET_TYPES,
    ThresholdTerms,
    read_thresholds,
    read_type,
)
from domain.metering.models import UsageAlert, UsageAlertThreshold
from infrastructure import exact_json

__all__ = ["create_alerts", "destroy_alerts", "update_alert"]

MAX_ALERTS: Final = 100
EXISTS: Final = "alert_already_exists"

_m, _thresholds, _alerts = table(BillableMetric), table(UsageAlertThreshold), table(UsageAlert)
Metrics = Mapping[str, UUID]


async def create_alerts(
    work: UnitOfWork, watched: Watched, sent: Sequence[Params], *, batch: bool = False
) -> list[UsageAlert]:
    """New alerts, all or none; the number of statements does not depend on theirs.

    Raises ValidationFailed and NotFound("billable_metric"); for a batch ValidationFailed by index of the wrong ones.
    """
    if not sent:
        raise ValidationFailed({"alerts": ["no_alerts"]})
    if len(sent) > MAX_ALERTS:
        raise ValidationFailed({"alerts": ["too_many_values"]})
    known = list(await alerts_of(work.session, watched))
    metrics = await _metrics(work, sent)
    made: list[tuple[UsageAlert, list[ThresholdTerms]]] = []
    errors: dict[str, object] = {}
    for number, params in enumerate(sent):
        try:
            alert, thresholds = _judged(work, watched, params, metrics, known)
        except Refusal as refusal:
            if not batch:
                raise
            errors[str(number)] = {"params": params, "errors": _told(refusal)}
        else:
            known.append(alert)
            made.append((alert, thresholds))
    if errors:
        raise ValidationFailed(errors)
    await _write(work, made)
    return [alert for alert, _ in made]


def _judged(
    work: UnitOfWork, watched: Watched, params: Params, metrics: Metrics, known: Sequence[UsageAlert]
) -> tuple[UsageAlert, list[ThresholdTerms]]:
    read = Reader(params)
    kind = read_type(read, SUBSCRIPTION_TYPES if watched.wallet_id is None else WALLET_TYPES)
    thresholds = read_thresholds(read)
    code = read.text("code", mandatory=True)
    name = read.text("name")
    metric_id = _metric(read, kind, metrics) if kind is not None else None
    if code is not None and any(each.code == code for each in known):
        read.add("code", TAKEN)
    if kind is not None and any((each.alert_type, each.billable_metric_id) == (kind, metric_id) for each in known):
        read.add("base", EXISTS)
    read.finish()
    assert kind is not None
    assert code is not None
    alert = UsageAlert(
        id=new_id(),
        organization_id=work.organization_id,
        subscription_external_id=watched.external_id,
        wallet_id=watched.wallet_id,
        billable_metric_id=metric_id,
        alert_type=kind,
        code=code,
        name=name,
        direction="increasing" if watched.wallet_id is None else "decreasing",
    )
    return alert, thresholds


def _metric(read: Reader, kind: str, metrics: Metrics) -> UUID | None:
    """The metric an alert is about. Raises NotFound."""
    sent = next((read.params[name] for name in _NAMES if read.params.get(name) not in (None, "")), None)
    if kind not in METRIC_TYPES:
        if sent is not None:
            read.add("billable_metric", "value_must_be_blank")
        return None
    if sent is None:
        read.add("billable_metric", MANDATORY)
        return None
    if str(sent) not in metrics:
        raise NotFound("billable_metric")
    return metrics[str(sent)]


_NAMES: Final = ("billable_metric_code", "billable_metric_id")


async def _metrics(work: UnitOfWork, sent: Sequence[Params]) -> dict[str, UUID]:
    """The metrics that are named, by the code or the id that names them."""
    codes = {str(each["billable_metric_code"]) for each in sent if each.get("billable_metric_code")}
    ids = {parsed for each in sent if (parsed := parse_id(each.get("billable_metric_id")))}
    if not codes and not ids:
        return {}
    named = sa.or_(_m.c.code.in_(codes), _m.c.id.in_(ids))
    query = sa.select(_m.c.id, _m.c.code).where(
        _m.c.organization_id == work.organization_id, named, _m.c.deleted_at.is_(None)
    )
    found: dict[str, UUID] = {}
    for row in await work.session.execute(query):
        found |= {row.code: row.id} if row.code in codes else {}
        found |= {str(row.id): row.id} if row.id in ids else {}
    return found


async def update_alert(work: UnitOfWork, alert: UsageAlert, params: Params) -> UsageAlert:
    """Changes what was given of a locked alert; a list of thresholds replaces them all, an empty one changes nothing.

    Raises ValidationFailed and NotFound("billable_metric").
    """
    read = Reader(params)
    watched = Watched(alert.subscription_external_id if alert.wallet_id is None else None, alert.wallet_id)
    others = [each for each in await alerts_of(work.session, watched) if each.id != alert.id]
    thresholds = read_thresholds(read) if params.get("thresholds") else None
    code = read.text("code", mandatory=True) if "code" in read else alert.code
    name = read.text("name") if "name" in read else alert.name
    metric_id = alert.billable_metric_id
    if any(params.get(each) not in (None, "") for each in _NAMES):
        metric_id = _metric(read, alert.alert_type, await _metrics(work, [params]))
    if any(each.code == code for each in others):
        read.add("code", TAKEN)
    kind = (alert.alert_type, metric_id)
    if any((each.alert_type, each.billable_metric_id) == kind for each in others):
        read.add("base", EXISTS)
    read.finish()
    assert code is not None
    alert.code, alert.name, alert.billable_metric_id = code, name, metric_id
    if thresholds is not None:
        await work.session.execute(sa.delete(_thresholds).where(_thresholds.c.usage_alert_id == alert.id))
    await _write(work, [(alert, thresholds or [])])
    return alert


async def destroy_alerts(work: UnitOfWork, alerts: Sequence[UsageAlert]) -> None:
    """Takes alerts away with their thresholds; what they have told stays."""
    ids = [alert.id for alert in alerts]
    now = clock.now()
    await work.session.execute(sa.delete(_thresholds).where(_thresholds.c.usage_alert_id.in_(ids)))
    await work.session.execute(sa.update(_alerts).where(_alerts.c.id.in_(ids)).values(deleted_at=now, updated_at=now))


async def _write(work: UnitOfWork, alerts: Sequence[tuple[UsageAlert, Sequence[ThresholdTerms]]]) -> None:
    """Flushes; what another request took in the meantime is refused as if it had been there before."""
    try:
        async with work.session.begin_nested():
            work.session.add_all([alert for alert, _ in alerts])
            await work.session.flush()
            work.session.add_all(
                UsageAlertThreshold(
                    organization_id=alert.organization_id,
                    usage_alert_id=alert.id,
                    code=each.code,
                    value=each.value,
                    recurring=each.recurring,
                )
                for alert, thresholds in alerts
                for each in thresholds
            )
            await work.session.flush()
    except IntegrityError as error:
        name = str(getattr(getattr(error.orig, "diag", None), "constraint_name", ""))
        if name.endswith("_kind"):
            raise ValidationFailed({"base": [EXISTS]}) from None
        if name.endswith("_code"):
            raise ValidationFailed({"code": [TAKEN]}) from None
        raise


def _told(refusal: Refusal) -> str:
    if isinstance(refusal, ValidationFailed):
        details: Any = refusal.details
        return f"Validation errors: {exact_json.dump_text(details)}"
    assert isinstance(refusal, NotFound)
    return f"{refusal.resource}_not_found"
