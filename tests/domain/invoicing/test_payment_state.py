"""What payments and offsets make of an invoice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.invoicing.payment_state import PAYMENT_STATUSES, PaymentState

CENTS = st.integers(0, 10**15)


def test_an_offset_and_a_payment_together_pay_an_invoice() -> None:
    """The handbook's example: 10000, of which a note settled 2000."""
    invoice = PaymentState(total=10_000).after(offset=2_000)
    assert (invoice.due, invoice.status) == (8_000, "pending")
    part = invoice.after(paid=7_999)
    assert (part.due, part.status) == (1, "pending")
    assert (part.after(paid=1).due, part.after(paid=1).status) == (0, "succeeded")


def test_a_part_leaves_status_and_overdue_mark_as_they_are() -> None:
    late = PaymentState(total=500, status="failed", overdue=True)
    assert late.after(paid=499) == PaymentState(total=500, paid=499, status="failed", overdue=True)
    assert late.after(paid=500) == PaymentState(total=500, paid=500, status="succeeded", overdue=False)


@pytest.mark.parametrize("status", PAYMENT_STATUSES)
def test_the_clients_word_changes_no_amount(status: str) -> None:
    late = PaymentState(total=500, paid=20, overdue=True)
    marked = late.marked(status)
    assert (marked.total, marked.paid, marked.due, marked.status) == (500, 20, 480, status)
    assert marked.overdue is (status != "succeeded")


@given(total=CENTS, parts=st.lists(st.tuples(CENTS, st.booleans()), max_size=20))
def test_what_comes_in_is_never_lost_and_never_more_than_due(total: int, parts: list[tuple[int, bool]]) -> None:
    """Whatever is offered, each part taken only up to what is due: the sum never passes the total, and the invoice has
    succeeded exactly when nothing is due after something came in."""
    state = PaymentState(total=total)
    moved = False
    for offered, by_note in parts:
        taken = min(offered, state.due)
        before = state
        state = state.after(offset=taken) if by_note else state.after(paid=taken)
        moved = True
        assert state.paid + state.offset == before.paid + before.offset + taken
        assert state.paid + state.offset + state.due == total
    assert (state.status == "succeeded") is (moved and state.due == 0)
