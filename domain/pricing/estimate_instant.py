"""The stateless estimate of one event: no history, no free units (metering handbook, section 20.2)."""

from decimal import Decimal

from domain.kernel.money import ZERO
from domain.pricing.percentage import Percentage
from domain.pricing.priceable import ChargeModel, Price
from domain.pricing.standard import Standard


def estimate_event(model: ChargeModel, units: Decimal) -> Price:
    """What an event of so many units costs by itself; less than none count as none.

    A percentage charge's fixed amount and minimum are due even with zero units.
    Raises ValueError for models other than standard and percentage.
    """
    units = max(units, ZERO)
    if isinstance(model, Standard):
        amount = units * model.unit_price
    elif isinstance(model, Percentage):
        amount = model.bounded(units * model.factor + model.fixed)
    else:
        raise ValueError("only standard and percentage charges can be estimated by one event")
    return Price(amount, amount / units if units else ZERO, {})
