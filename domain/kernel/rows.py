"""The base of every table, and the column kinds that SQLModel needs to be told about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from domain.kernel import clock
from domain.kernel.ids import new_id

__all__ = [
    "Row", "TenantRow", "big_integer", "decimal", "encrypted", "json_object", "one_of", "reference", "table", "texts",
    "timestamp",
]  # fmt: skip

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


def timestamp(*, nullable: bool = True, **options: Any) -> Any:
    """An instant, stored with its zone. None by default when nullable."""
    if nullable and "default_factory" not in options:
        options.setdefault("default", None)
    return Field(sa_type=cast(Any, sa.DateTime(timezone=True)), nullable=nullable, **options)


def big_integer(**options: Any) -> Any:
    """A whole number of 64 bits: amounts in minor units, counts."""
    return Field(sa_type=sa.BigInteger, **options)


def decimal(precision: int = 40, scale: int = 15, **options: Any) -> Any:
    """An exact decimal number."""
    return Field(sa_type=cast(Any, sa.Numeric(precision, scale)), **options)


def json_object(**options: Any) -> Any:
    """A JSON value. Assign a new one to change it: changes in place are not seen."""
    if not options.get("nullable", False):
        options.setdefault("default_factory", dict)
        options["nullable"] = False
    else:
        options.setdefault("default", None)
    return Field(sa_type=JSONB, **options)


def texts(**options: Any) -> Any:
    """A list of short texts."""
    if not options.get("nullable", False):
        options.setdefault("default_factory", list)
        options["nullable"] = False
    else:
        options.setdefault("default", None)
    return Field(sa_type=cast(Any, ARRAY(sa.Text)), **options)


def encrypted(purpose: str, **options: Any) -> Any:
    """A secret, encrypted at rest under the current key; `purpose` binds the ciphertext to this column."""
    from infrastructure.encryption import EncryptedString

    return Field(sa_type=cast(Any, EncryptedString(purpose)), **options)


def reference(target: str, **options: Any) -> Any:
    """A foreign key, e.g. reference("plans.id", index=True)."""
    if options.get("nullable"):
        options.setdefault("default", None)
    return Field(foreign_key=target, **options)


def one_of(column: str, values: Sequence[str]) -> sa.CheckConstraint:
    """The column holds one of these values (or null): the models themselves do not validate."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


class Row(SQLModel):
    """What every table has: an id that sorts by creation, and two instants of business time."""

    id: UUID = Field(default_factory=new_id, primary_key=True)
    created_at: datetime = timestamp(nullable=False, default_factory=clock.now)
    updated_at: datetime = timestamp(
        nullable=False, default_factory=clock.now, sa_column_kwargs={"onupdate": clock.now}
    )


class TenantRow(Row):
    """A row of one organization; row-level security keeps it from all others."""

    organization_id: UUID = Field(foreign_key="organizations.id")


M = TypeVar("M", bound=SQLModel)


def table(model: type[SQLModel]) -> sa.Table:
    """The table behind a model, for Core statements."""
    return cast(sa.Table, model.__table__)  # type: ignore[attr-defined]
