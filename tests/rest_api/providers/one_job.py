"""A process that runs one job and ends: python -m tests.rest_api.providers.one_job ID"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

from infrastructure import database
from tasks.app import install
from tasks.runner import run


async def main() -> None:
    """Runs the job that is named on the command line."""
    install()
    await run(UUID(sys.argv[1]))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
