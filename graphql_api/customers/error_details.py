"""What went wrong outside of Tarn about customers."""

from __future__ import annotations

from uuid import UUID

import strawberry

from domain.customers.queries import failed_checks
from domain.kernel.unit_of_work import UnitOfWork
from graphql_api.invoicing.enums import ErrorCodesEnum
from graphql_api.invoicing.invoice_life import ErrorDetail

__all__ = ["fetch_errors"]


async def fetch_errors(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, list[ErrorDetail]]:
    """Of each customer: that its VAT number can't be checked, so that its taxes are not known."""
    found = await failed_checks(work.session, ids)
    return {
        customer_id: [ErrorDetail(id=strawberry.ID(str(row.id)), error_code=ErrorCodesEnum.tax_error,
                                  error_details=row.last_error)]
        for customer_id, row in found.items()
    }  # fmt: skip
