"""Stripe's words and amounts, as pure rules."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customers.payment_reference import PaymentReference
from domain.kernel.currencies import CURRENCIES
from domain.payments.method_choice import meant
from domain.payments.providers.gateway import ChargeOrder, MethodKept, PaymentMoved, RefundMoved
from domain.payments.stripe.charges import MissingCountry, charged, intent_params, refused
from domain.payments.stripe.events import provider_event
from domain.payments.stripe.statuses import from_stripe, payment_status, refund_reason, refund_status, to_stripe


def order(**more: Any) -> ChargeOrder:
    ids: dict[str, Any] = {name: uuid4() for name in ("payment_id", "payable_id", "customer_id", "billing_entity_id",
                                      "organization_id")}  # fmt: skip
    values: dict[str, Any] = {
        "payable_type": "Invoice", "provider_customer_id": "cus_1", "external_customer_id": "ada",
        "method_id": "pm_1", "methods": ["card"], "amount_cents": 500, "currency": "EUR", "description": "Hooli",
        "metadata": {},
    }  # fmt: skip
    return ChargeOrder(**ids, **(values | more))


@given(st.integers(min_value=1, max_value=10**12), st.sampled_from(sorted(CURRENCIES)))
def test_an_amount_comes_back_as_it_went(cents: int, currency: str) -> None:
    assert from_stripe(to_stripe(cents, currency), currency.lower()) == cents


@pytest.mark.parametrize(
    ("currency", "sent"),
    [("EUR", 500), ("JPY", 500), ("KWD", 500), ("HUF", 50_000), ("ISK", 50_000), ("UGX", 50_000), ("CLP", 500)],
)
def test_currencies_that_stripe_counts_in_hundredths(currency: str, sent: int) -> None:
    """Here 500 HUF is 500; Stripe takes it for five."""
    assert intent_params(order(currency=currency), "pm_1", None)["amount"] == sent
    said = {"id": "pi_1", "status": "succeeded", "amount_received": sent, "currency": currency.lower()}
    assert charged(said).amount_cents == 500


def test_who_may_be_asked_to_confirm() -> None:
    absent = intent_params(order(), "pm_1", "https://back.example")
    assert (absent["off_session"], absent["error_on_requires_action"], absent["return_url"]) == (
        True, True, "https://back.example",
    )  # fmt: skip
    for present in (order(on_session=True), order(country="IN")):
        params = intent_params(present, "pm_1", None)
        assert (params["off_session"], "error_on_requires_action" in params) == (False, False)
    transfer = intent_params(order(methods=["customer_balance"], currency="USD"), None, None)
    assert (transfer["off_session"], transfer["error_on_requires_action"]) == (False, True)
    assert "payment_method" not in transfer


@pytest.mark.parametrize(
    ("currency", "country", "entity_country", "transfer"),
    [
        ("USD", None, None, {"type": "us_bank_transfer"}),
        ("GBP", "FR", None, {"type": "gb_bank_transfer"}),
        ("JPY", None, None, {"type": "jp_bank_transfer"}),
        ("MXN", None, None, {"type": "mx_bank_transfer"}),
        ("EUR", "DE", "FR", {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}}),
        ("EUR", "US", "FR", {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "FR"}}),
    ],
)
def test_bank_transfers_by_currency(
    currency: str, country: str | None, entity_country: str | None, transfer: dict[str, Any]
) -> None:
    params = intent_params(
        order(methods=["customer_balance"], currency=currency, country=country, entity_country=entity_country),
        None, None,
    )  # fmt: skip
    assert params["payment_method_options"]["customer_balance"]["bank_transfer"] == transfer


def test_a_transfer_in_euros_needs_a_country_that_has_them() -> None:
    with pytest.raises(MissingCountry):
        intent_params(order(methods=["customer_balance"], country="US", entity_country="AT"), None, None)


@pytest.mark.parametrize(
    ("raw", "ours"),
    [
        ("processing", "processing"), ("requires_capture", "processing"), ("requires_action", "processing"),
        ("requires_confirmation", "processing"), ("succeeded", "succeeded"), ("canceled", "failed"),
        ("requires_payment_method", "failed"), ("something_new", "pending"),
    ],
)  # fmt: skip
def test_statuses(raw: str, ours: str) -> None:
    assert payment_status(raw) == ours


def test_refunds_in_stripes_words() -> None:
    assert [refund_status(each) for each in ("succeeded", "failed", "canceled", "pending", "requires_action")] == [
        "succeeded", "failed", "failed", "pending", "pending",
    ]  # fmt: skip
    assert [refund_reason(each) for each in ("duplicated_charge", "order_change", "fraudulent_charge", "other")] == [
        "duplicate", "requested_by_customer", "fraudulent", None,
    ]  # fmt: skip


def test_what_an_error_leaves() -> None:
    small = refused("amount_too_small", "too small", None)
    assert (small.payment_status, small.needs_payer) == ("pending", False)
    asked = refused("authentication_required", "confirm", {"id": "pi_1"})
    assert (asked.payment_status, asked.needs_payer, asked.provider_payment_id) == ("failed", True, "pi_1")


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("customer.created", {"id": "cus_1"}), ("payment_intent.succeeded", "pi_1"), ("payment_intent.succeeded", {}),
        ("setup_intent.succeeded", {"customer": None, "payment_method": "pm_1"}),
        ("charge.dispute.closed", {"status": "won", "payment_intent": "pi_1"}), ("customer.updated", {"id": "cus_1"}),
        ("payment_method.detached", {"id": 7}), ("charge.refund.updated", {"status": "failed"}),
    ],
)  # fmt: skip
def test_events_that_say_nothing_to_us(kind: str, thing: Any) -> None:
    assert provider_event({"type": kind, "data": {"object": thing}}) is None


def test_events_that_say_something() -> None:
    def read(kind: str, thing: Any) -> object:
        return provider_event({"type": kind, "data": {"object": thing}})

    invoice = uuid4()
    metadata = {"payment_type": "one-time", "lago_payable_type": "Invoice", "lago_payable_id": str(invoice)}
    moved = read("payment_intent.succeeded", {"id": "pi_1", "status": "succeeded", "metadata": metadata})
    assert isinstance(moved, PaymentMoved)
    assert (moved.payable_id, moved.payment_id) == (invoice, None)
    ours = read("payment_intent.canceled", {"id": "pi_1", "status": "canceled", "metadata": {"lago_payment_id": "x"}})
    assert isinstance(ours, PaymentMoved)
    assert (ours.payable_id, ours.payment_id, ours.charged.payment_status) == (None, None, "failed")
    assert read("customer.updated", {"id": "cus_1", "default_source": "card_1"}) == MethodKept("cus_1", "card_1")
    refund = read("charge.refund.updated", {"id": "re_1", "status": "failed", "failure_reason": "lost_or_stolen_card"})
    assert isinstance(refund, RefundMoved)
    assert (refund.refunded.refund_status, refund.refunded.error_code) == ("failed", "lost_or_stolen_card")


def test_the_nearest_reference_that_says_something_counts() -> None:
    card: UUID = uuid4()
    own, named, hand = PaymentReference(), PaymentReference("provider", card), PaymentReference("manual")
    assert meant([]) == own
    assert meant([own, own]) == own
    assert meant([own, named, hand]) == named
    assert meant([own, hand, named]) == hand
