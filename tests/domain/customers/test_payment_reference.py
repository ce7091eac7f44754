"""Which references to a payment method are taken, as the handbook lists them (credits 9)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from domain.customers.payment_reference import CUSTOMERS_WAY, PaymentReference, reference_of

CARD, FOREIGN = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (None, CUSTOMERS_WAY),
        ({}, CUSTOMERS_WAY),
        ({"payment_method_type": "provider"}, CUSTOMERS_WAY),
        ({"payment_method_type": "provider", "payment_method_id": None}, CUSTOMERS_WAY),
        ({"payment_method_type": "provider", "payment_method_id": str(CARD)}, PaymentReference("provider", CARD)),
        ({"payment_method_id": str(CARD)}, PaymentReference("provider", CARD)),
        ({"payment_method_type": "manual"}, PaymentReference("manual")),
        ({"payment_method_type": "manual", "payment_method_id": str(FOREIGN)}, PaymentReference("manual")),
        ({"payment_method_type": "manual", "payment_method_id": str(CARD)}, None),
        ({"payment_method_type": "provider", "payment_method_id": str(FOREIGN)}, None),
        ({"payment_method_type": "provider", "payment_method_id": "no id"}, None),
        ({"payment_method_id": 7}, None),
        ({"payment_method_type": "cheque"}, None),
        ("provider", None),
        ([], None),
    ],
)
def test_what_is_taken_and_what_is_not(sent: Any, meant: PaymentReference | None) -> None:
    assert reference_of(sent, {CARD}) == meant
