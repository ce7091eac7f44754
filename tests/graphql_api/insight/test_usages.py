"""Usage by period over GraphQL."""

from __future__ import annotations

from uuid import UUID

from domain.kernel.unit_of_work import tenant_work
from domain.metering.daily_usages import keep_days
from tests.domain.billing.world import World, instant
from tests.graphql_api.conftest import Caller


async def test_usage_by_metric_and_in_all(admin: Caller) -> None:
    assert admin.organization_id
    with World(instant("2024-02-06T00:15:00Z"), organization_id=UUID(admin.organization_id), adopted=True) as world:
        world.execute(
            "UPDATE organizations SET sandbox = true, frozen_at = %s WHERE id = %s", world.now, world.organization_id
        )
        plan = world.plan(0)
        for number, code in enumerate(("pages", "images")):
            world.charge(plan, world.metric(code), "standard", {"amount": "1"}, number)
            world.event("paged", code, "2024-02-05T12:00:00Z", "2.5")
        subscription = world.subscription(
            world.customer(external_id="reader"), plan, "2024-02-01T00:00:00Z", external_id="paged"
        )
        async with tenant_work(world.tenant) as work:
            await keep_days(work, [subscription])
        found = await admin.data(
            """{
                dataApiUsages(timeGranularity: weekly, billableMetricCode: "pages", currency: USD) {
                    collection { amountCents amountCurrency billableMetricCode startOfPeriodDt endOfPeriodDt units
                                 isBillableMetricDeleted }
                    metadata { totalCount }
                }
                dataApiUsagesAggregatedAmounts(fromDate: "2024-02-01", toDate: "2024-02-29", timeGranularity: monthly) {
                    collection { amountCents amountCurrency startOfPeriodDt endOfPeriodDt }
                }
            }"""
        )
    assert found["dataApiUsages"] == {
        "collection": [{"amountCents": "250", "amountCurrency": "USD", "billableMetricCode": "pages",
                        "startOfPeriodDt": "2024-02-05", "endOfPeriodDt": "2024-02-11", "units": 2.5,
                        "isBillableMetricDeleted": False}],
        "metadata": {"totalCount": 1},
    }  # fmt: skip
    assert found["dataApiUsagesAggregatedAmounts"]["collection"] == [
        {"amountCents": "500", "amountCurrency": "USD", "startOfPeriodDt": "2024-02-01", "endOfPeriodDt": "2024-02-29"}
    ]
