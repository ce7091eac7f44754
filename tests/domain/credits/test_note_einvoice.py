"""An electronic credit note says what the note says, to the cent."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace as Row
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.credits.note_amounts import Creditable, CreditableFee, FeeTax, Item, note_amounts
from domain.credits.note_einvoice import electronic_note_of
from domain.invoicing.einvoice.render import factur_x_xml, ubl_xml
from domain.invoicing.einvoice.terms import business_terms

D = Decimal
ADDRESS: dict[str, Any] = dict.fromkeys(
    ("legal_number", "email", "phone", "address_line1", "address_line2", "city", "zipcode", "state", "legal_name",
     "firstname", "lastname")
)  # fmt: skip
ENTITY = Row(**{**ADDRESS, "name": "Northwind", "country": "DE", "tax_identification_number": "DE136695976"},
             einvoicing=True)  # fmt: skip
CUSTOMER = Row(**{**ADDRESS, "name": "Harbour", "country": "FR", "tax_identification_number": None},
               external_id="harbour")  # fmt: skip
ITEMS = st.lists(
    st.tuples(
        st.integers(1, 10**7),
        st.decimals(0, 1, places=5),
        st.decimals(0, 1, places=5),
        st.sampled_from(["0", "5.5", "20"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(ITEMS)
def test_its_sums_are_those_of_the_note_and_it_fits_the_schemas(drawn: list[tuple[int, D, D, str]]) -> None:
    fees = [
        CreditableFee(
            number,
            amount,
            (coupons * amount).quantize(D("0.00001")),
            (FeeTax(rate, "VAT", D(rate)),) if D(rate) else (),
        )
        for number, (amount, _, coupons, rate) in enumerate(drawn)
    ]
    sub_total = sum(fee.amount_cents for fee in fees) - round(sum((fee.coupons for fee in fees), D(0)))
    items = [
        Item(fee, (part * fee.amount_cents).quantize(D("0.00001")))
        for fee, (_, part, _, _) in zip(fees, drawn, strict=True)
    ]
    taxes = round(sum(((fee.amount_cents - fee.coupons) * fee.taxes_rate / 100 for fee in fees), D(0)))
    amounts = note_amounts(Creditable(tuple(fees), sub_total, taxes), items)
    note = Row(
        number="NOR-1-CN1", invoice_number="NOR-1", issuing_date=date(2026, 1, 31), currency="EUR",
        purchase_order_number=None, self_billed=False, sub_total_excluding_taxes_amount_cents=amounts.sub_total_cents,
        taxes_amount_cents=amounts.taxes_cents, total_amount_cents=amounts.total_cents,
    )  # fmt: skip
    made = electronic_note_of(
        note, ENTITY, CUSTOMER,
        [Row(fee_id=item.fee.id, amount_cents=item.amount_cents, precise_amount_cents=item.precise,
             amount_currency="EUR") for item in items],
        {fee.id: _fee(fee) for fee in fees},
        {},
    )  # fmt: skip
    assert made is not None
    terms = business_terms(made)
    assert D(terms["BT-106"]) * 100 == sum(item.amount_cents for item in items)
    assert D(terms["BT-109"]) * 100 == amounts.sub_total_cents
    assert D(terms["BT-110"]) * 100 == amounts.taxes_cents
    assert D(terms["BT-115"]) * 100 == amounts.total_cents
    # Rounded items and rounded coupons may miss the sub-total, by less than a cent for each.
    assert abs(made.reduced - amounts.coupons_cents) <= 1 + len(items)
    assert ubl_xml(made)
    assert factur_x_xml(made)


def _fee(fee: CreditableFee) -> Row:
    return Row(
        fee_type="charge", charge_id=fee.id, add_on_id=None, charge_filter_id=None,
        invoice_display_name="Setup", description=None, amount_cents=fee.amount_cents,
        taxes_rate=fee.taxes_rate, precise_coupons_amount_cents=fee.coupons,
    )  # fmt: skip
