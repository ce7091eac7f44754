"""The payment method that something is to be paid with: as it is asked for, and as it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import Info

from domain.kernel.unit_of_work import UnitOfWork
from domain.payments.methods import payment_method_rows
from graphql_api.loaders import load
from graphql_api.payments.enums import PaymentMethodTypeEnum

if TYPE_CHECKING:
    from graphql_api.payments.types import PaymentMethod

__all__ = ["LazyPaymentMethod", "PaidByMethod", "PaymentMethodReferenceInput"]

LazyPaymentMethod = Annotated["PaymentMethod", strawberry.lazy("graphql_api.payments.types")]


@strawberry.input
class PaymentMethodReferenceInput:
    payment_method_id: strawberry.ID | None = strawberry.UNSET
    payment_method_type: PaymentMethodTypeEnum | None = strawberry.UNSET


@strawberry.type
class PaidByMethod:
    """What names a payment method. None where it leaves the choice, or the method was deleted since."""

    payment_method_id: strawberry.Private[UUID | None]
    payment_method_type: PaymentMethodTypeEnum | None

    @strawberry.field
    async def payment_method(self, info: Info) -> LazyPaymentMethod | None:
        if self.payment_method_id is None:
            return None
        return await load(info, "payment_methods", _fetch, self.payment_method_id)


async def _fetch(work: UnitOfWork, ids: list[UUID]) -> dict[UUID, PaymentMethod]:
    from graphql_api.payments.types import payment_method_type

    return {key: payment_method_type(row) for key, row in (await payment_method_rows(work.session, ids)).items()}
