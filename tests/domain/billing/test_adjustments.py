"""Lines set by hand, as a rule without a database."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.adjustments import Adjustment, UnitPrice, adjust, key_of, priced_by_units
from domain.billing.rated_fee import RatedFee
from domain.kernel.ids import new_id

BASE = RatedFee("subscription", 1000, Decimal("1000.4"), Decimal(1), 1000, Decimal(10))
CHARGE = UUID(int=7)
USAGE = RatedFee(
    "charge", 300, Decimal(300), Decimal(3), 100, Decimal(1), charge_id=CHARGE, total_aggregated_units=Decimal(3)
)
TIERS = {
    "graduated_ranges": [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "2"},
    ]
}


def test_units_with_an_amount_are_their_product_rounded_once() -> None:
    adjustment = Adjustment("charge", Decimal("3"), Decimal("0.3333"), charge_id=CHARGE, id=new_id())
    fee = adjust(USAGE, adjustment, "EUR", UnitPrice("graduated", TIERS))
    assert (fee.amount_cents, fee.precise_amount_cents, fee.unit_amount_cents) == (100, Decimal("99.99"), 33)
    assert (fee.units, fee.total_aggregated_units, fee.amount_details) == (Decimal(3), Decimal(3), {})
    assert fee.adjusted_fee_id == adjustment.id


def test_units_alone_are_priced_by_the_model_and_a_base_fee_is_multiplied() -> None:
    priced = adjust(USAGE, Adjustment("charge", Decimal(12), charge_id=CHARGE), "EUR", UnitPrice("graduated", TIERS))
    assert (priced.amount_cents, priced.units) == (1300, Decimal(12))
    assert [each["units"] for each in priced.amount_details["graduated_ranges"]] == ["10.0", "2.0"]
    base = adjust(BASE, Adjustment("subscription", Decimal("2.5")), "EUR", None)
    assert (base.amount_cents, base.precise_amount_cents, base.unit_amount_cents) == (2500, Decimal(2501), 1000)


def test_a_name_alone_leaves_the_amount() -> None:
    fee = adjust(USAGE, Adjustment("charge", invoice_display_name="Calls"), "EUR", None)
    assert (fee.invoice_display_name, fee.amount_cents, fee.units) == ("Calls", 300, Decimal(3))


def test_an_amount_in_a_pricing_unit_is_converted() -> None:
    adjustment = Adjustment("charge", Decimal(4), Decimal("2.5"), charge_id=CHARGE)
    fee = adjust(USAGE, adjustment, "EUR", UnitPrice("standard", {"amount": "1"}, Decimal("0.1")))
    assert fee.pricing_unit is not None
    assert (fee.amount_cents, fee.pricing_unit.amount_cents) == (100, 1000)


@pytest.mark.parametrize(
    ("model", "prorated", "possible"),
    [("standard", False, True), ("standard", True, True), ("percentage", False, False), ("graduated", True, False),
     ("graduated", False, True), ("dynamic", False, False), ("custom", False, False), ("volume", False, True)],
)  # fmt: skip
def test_units_alone_have_a_price_where_the_model_looks_at_nothing_else(
    model: str, prorated: bool, possible: bool
) -> None:
    assert priced_by_units(model, prorated=prorated) is possible


@given(
    units=st.decimals(0, 10**6, places=5),
    amount=st.decimals(0, 10**4, places=6),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_the_amount_is_within_half_a_cent_of_the_exact_product(units: Decimal, amount: Decimal, currency: str) -> None:
    fee = adjust(USAGE, Adjustment("charge", units, amount, charge_id=CHARGE), currency, UnitPrice("volume", {}))
    subunit = {"EUR": 100, "JPY": 1, "KWD": 1000}[currency]
    assert fee.precise_amount_cents == units * amount * subunit
    assert abs(fee.amount_cents - fee.precise_amount_cents) <= Decimal("0.5")
    assert key_of(fee) == key_of(USAGE)
