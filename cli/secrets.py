"""`tarn secrets rotate`: every encrypted column of the schema, written anew under the current key."""

from __future__ import annotations

import asyncio

from domain.registry import metadata
from infrastructure import database
from infrastructure.encryption import EncryptedString, rotate

__all__ = ["rotate_all"]


def rotate_all() -> int:
    """How many values were written anew. One transaction: all or none."""

    async def work() -> int:
        columns = [
            (table, column)
            for table in metadata.sorted_tables
            for column in table.columns
            if isinstance(column.type, EncryptedString)
        ]
        try:
            async with database.engine().begin() as connection:
                return await rotate(connection, columns)
        finally:
            await database.close()

    return asyncio.run(work())
