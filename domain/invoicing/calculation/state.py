"""What an invoice calculation starts from and what it has found so far. Values only: a step returns a new state."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.kernel.money import ZERO

SHARE_DECIMALS = 5
"""Decimals of the amounts that are spread over fees."""


@dataclass(frozen=True, slots=True)
class Tax:
    """rate: percent. Two taxes are the same line of an invoice if their ids are."""

    id: Hashable
    rate: Decimal = field(compare=False)


@dataclass(frozen=True, slots=True)
class FeeLine:
    """A fee as the calculation sees it.

    amount_cents: rounded; precise_amount_cents: before rounding. taxes: those that apply to this fee.
    coupon_share: cents already taken off this fee by coupons or progressive credits (a fee that is stored).
    billable_metric_id, plan_ids: what limited coupons look at; plan_ids are the subscription's plan and its parent.
    charge_id, charge_key: what progressive credits look at: the charge of one subscription, and what tells its filters
    and groups apart.
    """

    amount_cents: int
    precise_amount_cents: Decimal
    taxes: tuple[Tax, ...] = ()
    coupon_share: Decimal = ZERO
    billable_metric_id: Hashable = None
    plan_ids: frozenset[Hashable] = frozenset()
    charge_id: Hashable = None
    charge_key: Hashable = None


@dataclass(frozen=True, slots=True)
class ProgressiveInvoice:
    """A progressive billing invoice of the window being billed, whose amount is credited.

    creditable_cents: its fees less its coupons, credits already given against it and its credit notes; not below 0.
    fees: for each of its fees the charge's id and key, and the amount in cents. Those of two such invoices are of
    different subscriptions.
    """

    id: Hashable
    creditable_cents: int
    fees: tuple[tuple[Hashable, Hashable, int], ...]


class CouponLimit(StrEnum):
    METRICS = "metrics"
    PLANS = "plans"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon applied to the customer. Exactly one of available_cents (fixed) and rate (percent) is set.

    available_cents: what is left of a coupon used once, the full amount of a recurring or unlimited one.
    currency: of a fixed coupon. target_ids: metrics or plans, as `limit` says.
    """

    id: Hashable
    available_cents: int | None = None
    rate: Decimal | None = None
    currency: str | None = None
    limit: CouponLimit = CouponLimit.NONE
    target_ids: frozenset[Hashable] = frozenset()


@dataclass(frozen=True, slots=True)
class CreditNote:
    id: Hashable
    balance_cents: int


class CreditKind(StrEnum):
    PROGRESSIVE = "progressive"
    COUPON = "coupon"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True)
class Credit:
    """One credit row of the invoice. unused_cents: what a progressive invoice could not credit here."""

    kind: CreditKind
    source_id: Hashable
    amount_cents: int
    unused_cents: int = 0


@dataclass(frozen=True, slots=True)
class AppliedTax:
    """A tax line. amount_cents is rounded by itself, so lines may differ from their total by a cent.

    base_cents: what the tax was taken of, unrounded.
    """

    tax: Tax
    base_cents: Decimal
    amount_cents: int
    precise_amount_cents: Decimal


@dataclass(frozen=True, slots=True)
class Taxes:
    """Of one fee or of the invoice: lines, the total rounded once on the unrounded sum, the rate in percent."""

    lines: tuple[AppliedTax, ...] = ()
    amount_cents: int = 0
    precise_amount_cents: Decimal = ZERO
    rate: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Calculation:
    """Inputs first, then what the steps found. The tuples `shares`, `fee_taxes`, `note_shares` run beside `fees`.

    shares: cents taken off each fee before taxes. note_shares: cents of each fee paid by credit notes.
    """

    fees: tuple[FeeLine, ...]
    currency: str
    progressive_invoices: tuple[ProgressiveInvoice, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    credit_notes: tuple[CreditNote, ...] = ()

    shares: tuple[Decimal, ...] = ()
    note_shares: tuple[Decimal, ...] = ()
    fee_taxes: tuple[Taxes, ...] = ()
    taxes: Taxes = Taxes()
    credits: tuple[Credit, ...] = ()
    fees_amount_cents: int = 0
    progressive_billing_credit_amount_cents: int = 0
    coupons_amount_cents: int = 0
    credit_notes_amount_cents: int = 0

    @property
    def sub_total_excluding_taxes_amount_cents(self) -> int:
        return self.fees_amount_cents - self.progressive_billing_credit_amount_cents - self.coupons_amount_cents

    @property
    def taxes_amount_cents(self) -> int:
        return self.taxes.amount_cents

    @property
    def sub_total_including_taxes_amount_cents(self) -> int:
        return self.sub_total_excluding_taxes_amount_cents + self.taxes.amount_cents

    @property
    def total_amount_cents(self) -> int:
        """What the customer owes before prepaid credits; never negative."""
        return max(self.sub_total_including_taxes_amount_cents - self.credit_notes_amount_cents, 0)
