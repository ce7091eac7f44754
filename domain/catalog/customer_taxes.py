"""The taxes that stand on a customer itself, before those of its billing entity (pricing handbook, section 13)."""

from __future__ import annotations

from uuid import UUID

from domain.catalog.applied_taxes import read_tax_codes, set_taxes
from domain.catalog.events import CustomerTaxesChanged
from domain.catalog.models import CustomerTax
from domain.kernel.unit_of_work import UnitOfWork
from domain.kernel.validation import Params

__all__ = ["set_customer_taxes"]


async def set_customer_taxes(work: UnitOfWork, customer_id: UUID, params: Params) -> None:
    """Puts the taxes of `tax_codes` on a customer that was just written, in the same transaction; absent or null
    leaves them alone. Raises ValidationFailed, NotFound("tax")."""
    codes = read_tax_codes(params)
    if codes is not None and await set_taxes(work, CustomerTax, customer_id, codes):
        work.record(CustomerTaxesChanged((customer_id,)))
