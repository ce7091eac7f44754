"""What the date rules need to know of a subscription: a plain value, built from a row by the caller."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.subscriptions.calendar import SPLIT_INTERVALS, BillingTime, Interval, Schedule, is_billing_day, monthly
from domain.subscriptions.instants import local_date, rounded_to_second


class Successor(StrEnum):
    """What followed a terminated subscription: the direction of the plan change that ended it."""

    NONE = "none"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"


@dataclass(frozen=True, slots=True)
class SubscriptionTerms:
    """Instants are aware. subscription_at: the anchor, inherited along plan changes; started_at: the row's own start.

    zone: the customer's applicable time zone. terminated_at: set if and only if the status is terminated.
    successor: looks at the next subscription that is not canceled, also while this one is still active.
    """

    interval: Interval
    billing_time: BillingTime
    pay_in_advance: bool
    zone: ZoneInfo
    subscription_at: datetime
    started_at: datetime
    terminated_at: datetime | None = None
    successor: Successor = Successor.NONE
    bill_charges_monthly: bool = False
    bill_fixed_charges_monthly: bool = False

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.interval, self.billing_time, local_date(self.subscription_at, self.zone))

    @property
    def charges_schedule(self) -> Schedule:
        return monthly(self.schedule) if self.charges_are_split else self.schedule

    @property
    def fixed_charges_schedule(self) -> Schedule:
        return monthly(self.schedule) if self.fixed_charges_are_split else self.schedule

    @property
    def charges_are_split(self) -> bool:
        return self.bill_charges_monthly and self.interval in SPLIT_INTERVALS

    @property
    def fixed_charges_are_split(self) -> bool:
        return self.bill_fixed_charges_monthly and self.interval in SPLIT_INTERVALS

    def is_terminated_at(self, at: datetime) -> bool:
        """Seen as terminated (ST) by a bill made at that instant; both rounded to the second."""
        return self.terminated_at is not None and rounded_to_second(self.terminated_at) <= rounded_to_second(at)

    def is_billing_day(self, day: date) -> bool:
        """Whether the periodic run bills the subscription on the local date."""
        split = self.charges_are_split or self.fixed_charges_are_split
        return is_billing_day(self.schedule, day, monthly_split=split)
