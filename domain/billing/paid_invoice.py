"""The first invoice of a subscription that was waiting for it, once it is paid: final, with a number, dated today.

Source: handbook, subscriptions-and-invoices 1.8 and 5.3.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from domain.billing.facts import zone_of
from domain.invoicing.dates import DateSettings, advance_dates
from domain.invoicing.events import InvoicesFinalized
from domain.invoicing.number import Unnumbered, number_invoices
from domain.kernel import clock
from domain.kernel.unit_of_work import UnitOfWork

__all__ = ["finalize_paid"]

# The rule for invoices of nothing is the issuing entity's, zone and terms are those of the customer's.
_TERMS: Final = sa.text(
    """
    SELECT coalesce(c.timezone, e.timezone, 'UTC') AS timezone,
           coalesce(c.net_payment_term, e.net_payment_term) AS net_payment_term,
           CASE c.finalize_zero_amount_invoice WHEN 'finalize' THEN true WHEN 'skip' THEN false
                ELSE issuer.finalize_zero_amount_invoice END AS finalizes_zero
    FROM invoices i
    JOIN customers c ON c.id = i.customer_id
    JOIN billing_entities e ON e.id = c.billing_entity_id
    JOIN billing_entities issuer ON issuer.id = i.billing_entity_id
    WHERE i.id = :id
    """
)
_DATE: Final = sa.text(
    """
    UPDATE invoices SET issuing_date = :issuing, expected_finalization_date = :issuing, payment_due_date = :due,
        status = CASE WHEN :shown THEN status ELSE 'closed' END, updated_at = :now
    WHERE id = :id
    """
)


async def finalize_paid(work: UnitOfWork, invoice: Any) -> None:
    """Numbers an open invoice, which is locked; one of nothing that its billing entity does not issue is closed."""
    terms = (await work.session.execute(_TERMS, {"id": invoice.id})).one()
    settings = DateSettings(zone=zone_of(terms.timezone), net_payment_term=terms.net_payment_term)
    dates = advance_dates(settings, clock.now())
    shown = bool(invoice.fees_amount_cents) or terms.finalizes_zero
    await work.session.execute(
        _DATE,
        {
            "id": invoice.id,
            "issuing": dates.issuing_date,
            "due": dates.payment_due_date,
            "shown": shown,
            "now": clock.now(),
        },
    )
    if not shown:
        return
    await number_invoices(
        work, [Unnumbered(invoice.id, invoice.customer_id, invoice.billing_entity_id, invoice.self_billed)]
    )
    work.record(InvoicesFinalized((invoice.id,)))
