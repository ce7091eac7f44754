"""The price lists of the mixed benchmark: every charge model, arrears and in advance, all intervals but semiannual.

`create_catalog` makes them with the commands that the interfaces use.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from domain.catalog.add_ons import create_add_on
from domain.catalog.billable_metrics import create_billable_metric
from domain.catalog.models import BillableMetric
from domain.catalog.plans import create_plan
from domain.catalog.pricing_units import create_pricing_unit
from domain.catalog.taxes import create_tax
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["CODES_BY_PLAN", "NUMBERS", "PREDECESSOR", "UPGRADED", "create_catalog"]

PREDECESSOR, UPGRADED = "monthly", "upgraded"
CODES_BY_PLAN: Final = {
    "weekly": ["requests", "tokens", "tokens", "tokens"],
    PREDECESSOR: ["tokens", "peak", "spend", "requests"],
    "advance": ["seats", "licences", "resale", "requests"],
    "quarterly": ["storage", "level", "spend", "peak"],
    "yearly": ["requests", "tokens", "licences", "resale"],
    UPGRADED: ["tokens", "seats", "licences", "spend"],
}
"""The plans in the order in which subscribers are dealt out; the codes of the events that those send, in turns."""
NUMBERS: Final = ["tokens", "spend", "peak", "level", "storage", "licences", "resale"]
"""The metrics that read a number."""

_METRICS: Final = (
    {"code": "requests", "aggregation_type": "count_agg"},
    {
        "code": "tokens", "aggregation_type": "sum_agg", "field_name": "units",
        "filters": [{"key": "region", "values": ["eu", "us", "asia"]}, {"key": "model", "values": ["small", "large"]}],
    },
    {"code": "spend", "aggregation_type": "sum_agg", "field_name": "units"},
    {"code": "peak", "aggregation_type": "max_agg", "field_name": "units"},
    {"code": "level", "aggregation_type": "latest_agg", "field_name": "units"},
    {"code": "seats", "aggregation_type": "unique_count_agg", "field_name": "item", "recurring": True},
    {"code": "storage", "aggregation_type": "weighted_sum_agg", "field_name": "units", "recurring": True,
     "weighted_interval": "seconds"},
    {"code": "licences", "aggregation_type": "sum_agg", "field_name": "units", "recurring": True},
    {"code": "resale", "aggregation_type": "sum_agg", "field_name": "units"},
)  # fmt: skip


def _ranges(*bounds: tuple[int, int | None, str, str], price: str = "per_unit_amount") -> list[dict[str, Any]]:
    return [
        {"from_value": start, "to_value": end, price: amount, "flat_amount": flat}
        for start, end, amount, flat in bounds
    ]


_GRADUATED: Final = _ranges((0, 50_000, "0.0001", "1"), (50_001, None, "0.00008", "0.5"))
_VOLUME: Final = _ranges((0, 10_000, "0.01", "1"), (10_001, None, "0.008", "0"))
_PERCENT: Final = _ranges((0, 30_000, "1.5", "2"), (30_001, None, "1", "3"), price="rate")
_PACKAGE: Final = {"amount": "0.5", "package_size": 10, "free_units": 5}
_PERCENTAGE: Final = {
    "rate": "2.9", "fixed_amount": "0.1", "free_units_per_events": 2, "per_transaction_min_amount": "0.5",
    "per_transaction_max_amount": "40",
}  # fmt: skip
_REGIONS: Final = [
    {"values": {"region": ["eu"], "model": ["large"]}, "properties": {"amount": "0.0003"}},
    {"values": {"region": ["eu", "us"]}, "properties": {"amount": "0.0002", "pricing_group_keys": ["project"]}},
]


def _charges(metrics: dict[str, UUID], *charges: tuple[str, str, dict[str, Any], dict[str, Any]]) -> list[Any]:
    return [
        {"billable_metric_id": str(metrics[code]), "charge_model": model, "properties": properties, **more}
        for code, model, properties, more in charges
    ]


def _plans(metrics: dict[str, UUID]) -> list[dict[str, Any]]:
    graduated, volume = {"graduated_ranges": _GRADUATED}, {"volume_ranges": _VOLUME}
    percent = {"graduated_percentage_ranges": _PERCENT}
    in_credits = {"applied_pricing_unit": {"code": "credits", "conversion_rate": 0.01}}
    arrears = {"pay_in_advance": False}
    seats = {"add_on_code": "support", "charge_model": "standard", "properties": {"amount": "12"}, "units": 3}
    tiers = _ranges((0, 5, "10", "0"), (6, None, "8", "5"))
    return [
        {
            "code": "weekly", "interval": "weekly", "amount_cents": 700, **arrears,
            "charges": _charges(
                metrics,
                ("requests", "package", _PACKAGE, {}),
                ("tokens", "standard", {"amount": "0.0001", "pricing_group_keys": ["project"]}, {"filters": _REGIONS}),
            ),
            "fixed_charges": [seats],
        },
        {
            "code": PREDECESSOR, "interval": "monthly", "amount_cents": 4_900, **arrears, "tax_codes": ["reduced"],
            "charges": _charges(
                metrics,
                ("tokens", "graduated", graduated, {"tax_codes": ["vat", "local"]}),
                ("peak", "volume", volume, {"min_amount_cents": 30_000}),
                ("spend", "percentage", _PERCENTAGE, {}),
                ("requests", "standard", {"amount": "2.5"}, in_credits),
            ),
            "fixed_charges": [
                {"add_on_code": "support", "charge_model": "graduated", "prorated": True, "units": 8,
                 "properties": {"graduated_ranges": tiers}},
            ],
            "minimum_commitment": {"amount_cents": 60_000, "tax_codes": ["local"]},
        },
        {
            "code": "advance", "interval": "monthly", "amount_cents": 9_900, "pay_in_advance": True, "trial_period": 20,
            "charges": _charges(
                metrics,
                ("seats", "standard", {"amount": "5"}, {"prorated": True}),
                ("licences", "graduated", graduated, {"prorated": True}),
                ("resale", "dynamic", {}, {}),
                ("requests", "package", _PACKAGE, {"min_amount_cents": 2_000}),
            ),
            "fixed_charges": [
                {**seats, "pay_in_advance": True, "prorated": True},
                {"add_on_code": "hosting", "charge_model": "volume", "units": 4,
                 "properties": {"volume_ranges": tiers}},
            ],
            "minimum_commitment": {"amount_cents": 30_000},
        },
        {
            "code": "quarterly", "interval": "quarterly", "amount_cents": 20_000, **arrears,
            "charges": _charges(
                metrics,
                ("storage", "standard", {"amount": "0.002"}, {}),
                ("level", "standard", {"amount": "0.001"}, {}),
                ("spend", "graduated_percentage", percent, {}),
                ("peak", "graduated", graduated, in_credits),
            ),
            "minimum_commitment": {"amount_cents": 90_000},
        },
        {
            "code": "yearly", "interval": "yearly", "amount_cents": 120_000, "pay_in_advance": True,
            "bill_charges_monthly": True, "bill_fixed_charges_monthly": True, "tax_codes": ["vat"],
            "charges": _charges(
                metrics,
                ("requests", "standard", {"amount": "0.3"}, {}),
                ("tokens", "volume", volume, {"filters": [
                    {"values": {"region": ["__ALL_FILTER_VALUES__"], "model": ["large"]}, "properties": volume}]}),
                ("licences", "standard", {"amount": "0.002"}, {"pay_in_advance": True}),
                ("resale", "dynamic", {}, {}),
            ),
            "fixed_charges": [{**seats, "prorated": True, "tax_codes": ["local"]}],
        },
        {
            "code": UPGRADED, "interval": "monthly", "amount_cents": 14_900, "pay_in_advance": True,
            "charges": _charges(
                metrics,
                ("tokens", "standard", {"amount": "0.00009", "pricing_group_keys": ["project", "model"]}, {}),
                ("seats", "volume", {"volume_ranges": tiers}, {"prorated": True}),
                ("licences", "standard", {"amount": "0.001"}, {"prorated": True, "pay_in_advance": True}),
                ("spend", "percentage", {"rate": "1", "free_units_per_total_aggregation": "5000"}, {}),
            ),
            "fixed_charges": [{**seats, "units": 9, "pay_in_advance": True, "prorated": True}],
            "minimum_commitment": {"amount_cents": 50_000},
        },
    ]  # fmt: skip


async def create_catalog(work: UnitOfWork) -> None:
    """Taxes, add-ons, a pricing unit, metrics and plans, by the commands of the interfaces."""
    for code, rate in (("reduced", "7"), ("local", "2.5")):
        await create_tax(work, {"name": code, "code": code, "rate": rate})
    for code in ("support", "hosting"):
        await create_add_on(work, {"name": code, "code": code, "amount_cents": 100, "amount_currency": "USD"})
    await create_pricing_unit(work, {"name": "Credits", "code": "credits", "short_name": "CR"})
    metrics: dict[str, UUID] = {}
    for terms in _METRICS:
        metric: BillableMetric = await create_billable_metric(work, {"name": terms["code"], **terms})
        metric.values_ready = True
        metrics[metric.code] = metric.id
    await work.session.flush()
    for plan in _plans(metrics):
        await create_plan(work, {"name": plan["code"], "amount_currency": "USD", **plan})
