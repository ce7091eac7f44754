"""How numbers of documents read: subscriptions handbook, section 5.5."""

from datetime import date

import pytest

from domain.invoicing.numbering import (
    credit_note_number,
    default_document_number_prefix,
    is_document_number_prefix,
    number_per_billing_entity,
    number_per_customer,
    payment_receipt_number,
)


def test_default_prefix_is_made_of_name_and_id() -> None:
    assert default_document_number_prefix("Acme Inc", "0197c1a2-0000-7000-8000-00000000ab1f") == "ACM-AB1F"
    assert default_document_number_prefix("Xy", "ab1f") == "XY-AB1F"


@pytest.mark.parametrize(("prefix", "valid"), [("A", True), ("ABCDE-1234", True), ("", False), ("ABCDE-12345", False)])
def test_prefix_has_one_to_ten_characters(prefix: str, valid: bool) -> None:
    assert is_document_number_prefix(prefix) is valid


@pytest.mark.parametrize(
    ("customer", "invoice", "number"), [(1, 2, "ACM-001-002"), (12, 999, "ACM-012-999"), (1234, 1000, "ACM-1234-1000")]
)
def test_number_per_customer_grows_beyond_three_digits(customer: int, invoice: int, number: str) -> None:
    assert number_per_customer("acm", customer, invoice) == number


def test_number_per_billing_entity_carries_the_month() -> None:
    assert number_per_billing_entity("ACM", date(2024, 3, 31), 7) == "ACM-202403-007"


def test_numbers_that_hang_on_others() -> None:
    assert credit_note_number("ACM-001-002", 1) == "ACM-001-002-CN001"
    assert payment_receipt_number("ACM-001", 1) == "ACM-001-RCPT-000001"
