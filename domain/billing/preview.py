"""An invoice as it would be. Source: subscriptions handbook, section 9.

A preview is the real thing taken back: the commands that start, end or change subscriptions and the run that bills
them do their work at the instant in question, the invoice is read, and the savepoint around it all is undone. So it
can't differ from what will be billed, and nothing is stored, numbered or announced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlmodel import col, select

from domain.billing.bill import bill_subscriptions
from domain.billing.customers import create_customer
from domain.billing.events import BillingDue
from domain.billing.facts import load_facts
from domain.billing.finalize import finalize
from domain.billing.preview_request import PreviewRequest, read_preview
from domain.billing.requests import BillRequest, Line, Target
from domain.billing.subscribe import plan_by_code, subscribe
from domain.billing.terminate import switch_to_next, terminate
from domain.billing.units import record_first_units
from domain.catalog.eu_taxes import close_check
from domain.catalog.models import Plan
from domain.credits.applied_coupons import apply_coupon
from domain.credits.coupons import create_coupon
from domain.credits.spend_coupons import active_coupons
from domain.customers.make_customer import customer_by_external_id
from domain.customers.models import Customer
from domain.identity.queries import kept_billing_entity_id
from domain.invoicing.payloads import invoice_details
from domain.invoicing.queries import invoice_rows
from domain.kernel import clock
from domain.kernel.errors import NotFound, ValidationFailed
from domain.kernel.ids import new_id, new_id_text
from domain.kernel.unit_of_work import UnitOfWork
from domain.subscriptions import queries
from domain.subscriptions.life import activate
from domain.subscriptions.models import Subscription
from domain.subscriptions.windows import windows

__all__ = ["preview_invoice"]

ONE_DAY: Final = timedelta(days=1)
_DATES: Final = ("issuing_date", "payment_due_date", "expected_finalization_date")


async def preview_invoice(work: UnitOfWork, params: object) -> dict[str, Any]:
    """The invoice as REST shows it, without an id or a number.

    params: customer {external_id, or what a new one would be}; plan_code with billing_time and subscription_at for the
    first invoice of a new subscription, or subscriptions {external_ids} for the next one of these, with terminated_at
    for their last one and with plan_code for a change of plan; coupons for a customer that has none.
    Raises BadRequest, NotFound and ValidationFailed.
    """
    request = read_preview(params)
    recorded = work.recorded
    async with work.session.begin_nested() as nested:
        # What the command had to say to others is said of an invoice that will not be there.
        payload = await _Preview(work, request).made()
        await nested.rollback()
    work.forget_since(recorded)
    return payload


class _Preview:
    """One preview while it is made; everything it does is undone afterwards."""

    def __init__(self, work: UnitOfWork, request: PreviewRequest) -> None:
        self.work, self.request = work, request
        self.new_ids: set[UUID] = set()
        self.dates: dict[str, str] = {}

    async def made(self) -> dict[str, Any]:
        entity_code = self.request.billing_entity_code
        if entity_code is not None:
            await kept_billing_entity_id(self.work, code=entity_code)
        customer = await self._customer()
        # Taxes as they are now: a preview does not wait for the register of VAT numbers.
        await close_check(self.work, customer.id)
        await self._give_coupons(customer)
        invoice_id = await (self._of_subscriptions(customer) if self.request.external_ids else self._of_plan(customer))
        payload = (await invoice_details(self.work, [invoice_id]))[invoice_id]
        return _shown({**payload, **self.dates}, self.new_ids)

    async def _customer(self) -> Customer:
        external_id = self.request.external_customer_id
        if external_id is not None:
            customer = await customer_by_external_id(self.work, external_id)
            if customer is None:
                raise NotFound("customer")
            return customer
        sent = {name: value for name, value in self.request.customer.items() if name != "integration_customers"}
        sent |= {"external_id": f"preview-{new_id_text()}", "billing_entity_code": self.request.billing_entity_code}
        customer = await create_customer(self.work, sent)
        self.new_ids.add(customer.id)
        return customer

    async def _give_coupons(self, customer: Customer) -> None:
        if not self.request.coupons or (await active_coupons(self.work, [customer.id])).get(customer.id):
            return
        for sent in self.request.coupons:
            try:
                await apply_coupon(self.work, {}, customer_id=customer.id, coupon_code=sent.get("code"))
            except NotFound:
                duration = sent.get("frequency_duration")
                terms = {"name": sent.get("code"), "expiration": "no_expiration", **sent}
                terms["frequency"] = "once" if duration is None else "recurring"
                coupon = await create_coupon(self.work, terms)
                await apply_coupon(self.work, {}, customer_id=customer.id, coupon_id=coupon.id)

    async def _of_plan(self, customer: Customer) -> UUID:
        plan = await plan_by_code(self.work, self.request.plan_code)
        at = self.request.subscription_at or clock.now()
        with clock.at(at):
            row = await subscribe(
                self.work,
                customer,
                plan,
                f"preview-{new_id_text()}",
                {
                    "subscription_at": at.isoformat(),
                    "billing_time": self.request.billing_time,
                    "billing_entity_code": self.request.billing_entity_code,
                },
            )
        self.new_ids.add(row.id)
        return await self._first_bill(row, plan, at)

    async def _first_bill(self, row: Subscription, plan: Plan, at: datetime) -> UUID:
        """In advance at the start, else when the first period is over."""
        if plan.pay_in_advance:
            return await self._bill([row.id], at, "subscription_starting", skip_charges=True)
        return await self._bill([row.id], (await self._ends([row.id]))[0], "subscription_periodic")

    async def _of_subscriptions(self, customer: Customer) -> UUID:
        rows = await self._rows(customer)
        first = rows[0]
        if first.status == "pending":
            return await self._of_planned_start(first)
        ends = await self._ends([row.id for row in rows])
        if self.request.terminated_at is not None:
            return await self._of_end(first, self.request.terminated_at)
        if self.request.new_plan_code is not None:
            return await self._of_plan_change(customer, first, ends[0])
        if len(rows) == 1 and first.ending_at is not None and first.ending_at < ends[0]:
            return await self._of_end(first, first.ending_at)
        await self._refuse_different(rows, ends)
        return await self._next_bill(rows, ends[0])

    async def _rows(self, customer: Customer) -> list[Subscription]:
        query = select(Subscription).where(
            col(Subscription.customer_id) == customer.id,
            col(Subscription.external_id).in_(self.request.external_ids),
            col(Subscription.status).in_(("active", "pending")),
            col(Subscription.previous_subscription_id).is_(None) | (col(Subscription.status) == "active"),
        )
        found = (await self.work.session.execute(query.order_by(col(Subscription.id)))).scalars().all()
        active = [row for row in found if row.status == "active"]
        rows = active or list(found)
        if not rows or (not active and len(rows) > 1):
            raise NotFound("subscription")
        return rows

    async def _ends(self, ids: Sequence[UUID]) -> list[datetime]:
        """A day after the end of the period that each is in."""
        now = clock.now()
        target = Target(new_id(), now, tuple(Line(each, now, "subscription_periodic") for each in ids))
        known = (await load_facts(self.work.session, [target])).subscriptions
        ends = []
        for each in ids:
            terms = known[each].terms
            ends.append(windows(terms, max(now, terms.started_at), current_usage=True).to_datetime + ONE_DAY)
        return ends

    async def _refuse_different(self, rows: Sequence[Subscription], ends: Sequence[datetime]) -> None:
        plans = await self.work.session.execute(
            select(Plan.amount_currency).where(col(Plan.id).in_({row.plan_id for row in rows})).distinct()
        )
        if len(plans.all()) > 1:
            raise ValidationFailed({"base": ["subscription_currencies_does_not_match"]})
        if len(set(ends)) > 1:
            raise ValidationFailed({"base": ["billing_periods_does_not_match"]})
        if len({row.billing_entity_id for row in rows}) > 1:
            raise ValidationFailed({"base": ["subscription_billing_entities_do_not_match"]})

    async def _of_planned_start(self, row: Subscription) -> UUID:
        plan = await self.work.session.get_one(Plan, row.plan_id)
        with clock.at(row.subscription_at):
            await activate(self.work, row, row.subscription_at, row.subscription_at)
            await record_first_units(self.work, [row.id])
        return await self._first_bill(row, plan, row.subscription_at)

    async def _next_bill(self, rows: Sequence[Subscription], at: datetime) -> UUID:
        ids = [row.id for row in rows]
        if len(ids) == 1 and ids[0] in await queries.pending_successor(self.work.session, ids):
            with self._noting(at) as due:
                await switch_to_next(self.work, ids, at)
            return await self._bill_due(due)
        return await self._bill(ids, at, "subscription_periodic")

    async def _of_end(self, row: Subscription, at: datetime) -> UUID:
        row.on_termination_invoice = "generate"
        with self._noting(at) as due:
            await terminate(self.work, row, {})
        return await self._bill_due(due)

    async def _of_plan_change(self, customer: Customer, row: Subscription, end: datetime) -> UUID:
        plan = await plan_by_code(self.work, self.request.new_plan_code)
        if plan.id == row.plan_id:
            raise ValidationFailed({"base": ["new_plan_should_be_different_from_existing_plan"]})
        with self._noting(clock.now()) as due:
            await subscribe(self.work, customer, plan, row.external_id, {})
        if due:
            return await self._bill_due(due)
        return await self._next_bill([row], end)

    @contextmanager
    def _noting(self, at: datetime) -> Iterator[list[BillingDue]]:
        """Lets business time stand at an instant; the bills that become due in the block."""
        recorded = self.work.recorded
        due: list[BillingDue] = []
        with clock.at(at):
            yield due
        due += [event for event in self.work.events_since(recorded) if isinstance(event, BillingDue)]

    async def _bill_due(self, due: Sequence[BillingDue]) -> UUID:
        (event,) = due
        return await self._bill(event.subscription_ids, event.at, event.reason, skip_charges=event.skip_charges)

    async def _bill(self, ids: Sequence[UUID], at: datetime, reason: str, *, skip_charges: bool = False) -> UUID:
        """Bills at an instant; a draft is taken on to its final amounts."""
        with clock.at(at):
            made = await bill_subscriptions(self.work, [BillRequest(tuple(ids), at, reason, skip_charges=skip_charges)])
            if not made:
                raise NotFound("subscription")
            row = (await invoice_rows(self.work.session, made[:1]))[made[0]]
            self.dates = {name: getattr(row, name).isoformat() for name in _DATES}
            await finalize(self.work, made[:1])
        return made[0]


def _shown(payload: Mapping[str, Any], new_ids: set[UUID]) -> dict[str, Any]:
    """Without the ids, the number and the instants of rows that are gone by the time this is read."""
    shown = dict(payload)
    shown |= {"lago_id": None, "sequential_id": None, "number": "", "status": "finalized", "web_url": None}
    shown["applied_taxes"] = [{**each, "lago_id": None, "lago_invoice_id": None} for each in payload["applied_taxes"]]
    shown["fees"] = [_fee(each, new_ids) for each in payload["fees"]]
    shown["credits"] = [{**each, "lago_id": None, "invoice": None} for each in payload["credits"]]
    shown["billing_periods"] = [_known(each, new_ids) for each in payload["billing_periods"]]
    shown["subscriptions"] = [_known(each, new_ids) for each in payload["subscriptions"]]
    shown["customer"] = _known(payload["customer"], new_ids)
    return shown


def _fee(fee: Mapping[str, Any], new_ids: set[UUID]) -> dict[str, Any]:
    hidden = dict.fromkeys(("lago_id", "lago_invoice_id", "lago_true_up_fee_id", "lago_true_up_parent_fee_id"))
    taxes = [{**each, "lago_id": None, "lago_fee_id": None} for each in fee["applied_taxes"]]
    item = {**fee["item"], "lago_item_id": None} if fee["item"]["lago_item_id"] in new_ids else fee["item"]
    return _known({**fee, **hidden, "applied_taxes": taxes, "item": item}, new_ids)


def _known(content: Mapping[str, Any], new_ids: set[UUID]) -> dict[str, Any]:
    """Without what stands for a customer or subscription that was made for the preview."""
    hidden: dict[str, Any] = {}
    for name, value in content.items():
        if (isinstance(value, UUID) and value in new_ids) or (isinstance(value, str) and value.startswith("preview-")):
            hidden[name] = None
    return {**content, **hidden}
