"""What a receipt calls the means of payment."""

from __future__ import annotations

from typing import Any

import pytest

from domain.payments.receipt_document import name_of_method


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ({"type": "card", "brand": "visa", "last4": "4242"}, "Visa **** 4242"),
        ({"type": "sepa_debit", "brand": None, "last4": "3000"}, "Sepa debit **** 3000"),
        ({"type": "customer_balance", "last4": None}, "Customer balance"),
        ({"last4": "1111"}, "**** 1111"),
        ({}, ""),
    ],
)
def test_the_card_by_its_brand_and_last_digits(method: dict[str, Any], name: str) -> None:
    assert name_of_method(method) == name
