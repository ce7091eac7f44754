"""What was billed, line by line, each with its part of what was taken off its invoice: the base of revenue figures.

Source: handbook, platform 20. Lines are the fees of finalized invoices, by issuing date, and fees of charges in advance
that have no invoice, by the day they were made. Not counted: drafts and voided invoices, invoices whose dispute was
lost, those to oneself for a partner, and credits that were sold, which are money in advance and no revenue.

What was taken off an invoice is spread over its fees so that the parts sum to it to the cent: coupons and progressive
billing credits by what they took off each fee, credit notes and prepaid credits by what was left to pay of each, taxes
included.
"""

from __future__ import annotations

from typing import Final

from domain.insight.wanted import CURRENCY, OF_CUSTOMER, issued_by

__all__ = ["DEDUCTIONS", "REVENUE_LINES", "STREAMS"]


def _spread(total: str, weight: str, window: str) -> str:
    """The line's part of a total of its invoice: the rounded running share less that of the lines before it."""
    whole, upto = f"sum({weight}) OVER {window}", f"sum({weight}) OVER {window}_upto"
    first_of_nothing = f"CASE WHEN row_number() OVER {window}_upto = 1 THEN {total} ELSE 0 END"
    return (
        f"CASE WHEN {total} = 0 THEN 0 WHEN {whole} = 0 THEN {first_of_nothing}"
        f" ELSE round({total} * ({upto}) / ({whole})) - round({total} * (({upto}) - {weight}) / ({whole})) END"
    )


REVENUE_LINES: Final = f"""
    invoiced AS (
        SELECT f.id, f.invoice_id, f.customer_id, f.subscription_id, f.fee_type, f.amount_cents, i.currency,
               i.issuing_date AS day, f.precise_coupons_amount_cents AS lowered,
               f.amount_cents - f.precise_coupons_amount_cents + f.taxes_amount_cents AS payable,
               i.coupons_amount_cents AS coupons, i.progressive_billing_credit_amount_cents AS progressive,
               i.credit_notes_amount_cents AS notes,
               coalesce(i.prepaid_granted_credit_amount_cents, 0) AS free,
               i.prepaid_credit_amount_cents - coalesce(i.prepaid_granted_credit_amount_cents, 0) AS prepaid
        FROM invoices i
        JOIN fees f ON f.invoice_id = i.id
        JOIN customers c ON c.id = i.customer_id
        WHERE i.organization_id = :organization AND i.status = 'finalized' AND NOT i.self_billed
          AND i.payment_dispute_lost_at IS NULL AND f.fee_type <> 'credit'
          AND i.issuing_date BETWEEN :from_date AND :to_date
          AND {CURRENCY.format(column="i.currency")} {OF_CUSTOMER} {issued_by("i.billing_entity_id")}
    ), lines AS (
        SELECT customer_id, subscription_id, fee_type, amount_cents, currency, day,
               {_spread("coupons", "lowered", "fees")} AS coupons,
               {_spread("progressive", "lowered", "fees")} AS progressive,
               {_spread("notes", "payable", "fees")} AS notes,
               {_spread("free", "payable", "fees")} AS free,
               {_spread("prepaid", "payable", "fees")} AS prepaid
        FROM invoiced
        WINDOW fees AS (PARTITION BY invoice_id),
               fees_upto AS (PARTITION BY invoice_id ORDER BY id ROWS UNBOUNDED PRECEDING)
        UNION ALL
        SELECT f.customer_id, f.subscription_id, f.fee_type, f.amount_cents, f.amount_currency,
               (f.created_at AT TIME ZONE 'UTC')::date, 0, 0, 0, 0, 0
        FROM fees f JOIN customers c ON c.id = f.customer_id
        WHERE f.organization_id = :organization AND f.invoice_id IS NULL AND f.pay_in_advance
          AND (f.created_at AT TIME ZONE 'UTC')::date BETWEEN :from_date AND :to_date
          AND {CURRENCY.format(column="f.amount_currency")} {OF_CUSTOMER} {issued_by("f.billing_entity_id")}
    )
"""  # noqa: S608
"""Common table expressions; `lines` are (customer_id, subscription_id, fee_type, amount_cents, currency, day) and the
DEDUCTIONS, in cents."""

DEDUCTIONS: Final = ("coupons", "notes", "free", "prepaid", "progressive")

STREAMS: Final = {
    "subscription": ("subscription", "fixed_charge"),
    "usage": ("charge",),
    "one_off": ("add_on",),
    "commitment": ("commitment",),
}
"""The kinds of fees that make each stream; every kind is in one."""
