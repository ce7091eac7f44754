"""`tarn verify`: proves amounts that were billed by computing them again. Reads only."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

import psycopg
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from domain.billing.verify import Difference, Verified, invoices_to_verify, verify_invoices
from domain.credits.wallets.verify import WalletsVerified, verify_wallets
from domain.kernel.ids import parse_id
from domain.kernel.tenancy import Tenant
from domain.kernel.unit_of_work import tenant_work
from infrastructure.database import bare_url, close

__all__ = ["app", "verified"]

CHUNK: Final = 200
MOST_SHOWN: Final = 100
_INVOICE: Final = {True: "invoice", False: "invoices"}
_THEIR: Final = {True: "its", False: "their"}

app = typer.Typer(help="Prove what was billed.", add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def invoices(
    context: typer.Context,
    customer: Annotated[str | None, typer.Option(help="Only of the customer with this external id.")] = None,
    month: Annotated[str | None, typer.Option(help="Only those issued in this month, e.g. 2026-11.")] = None,
    organization: Annotated[str | None, typer.Option(help="Only of the organization with this id.")] = None,
) -> None:
    """Compute finalized invoices again from their events, and show the first difference of each.

    Leaves with 0 if all are identical, with 1 if some differ. Late events and prices changed since are differences too.
    """
    if context.invoked_subcommand is not None:
        return
    found = asyncio.run(_verify(_organizations(organization), customer, _month(month)))
    _show(found)
    raise typer.Exit(1 if found.differences else 0)


@app.command()
def wallets(
    organization: Annotated[str | None, typer.Option(help="Only of the organization with this id.")] = None,
) -> None:
    """Compute the balances of all wallets again from their movements, and show the first difference of each.

    Leaves with 0 if all are identical, with 1 if some differ.
    """
    found = asyncio.run(_wallets(_organizations(organization)))
    console = Console()
    if found.differences:
        table = Table(title="Differences, the first of each")
        for heading in ("Of", "Id", "What", "Stored", "Found"):
            table.add_column(heading)
        for each in found.differences[:MOST_SHOWN]:
            table.add_row(each.kind, each.id, each.what, each.stored, each.found)
        console.print(table)
    console.print(
        f"{found.wallets} wallets computed again from {found.transactions} movements: "
        f"{len(found.differences)} differences.",
        soft_wrap=True,
    )
    raise typer.Exit(1 if found.differences else 0)


async def _wallets(tenants: list[Tenant]) -> WalletsVerified:
    parts = []
    try:
        for tenant in tenants:
            async with tenant_work(tenant) as work:
                parts.append(await verify_wallets(work))
    finally:
        await close()
    return WalletsVerified(
        sum(each.wallets for each in parts),
        sum(each.transactions for each in parts),
        [difference for each in parts for difference in each.differences],
    )


async def _verify(tenants: list[Tenant], customer: str | None, month: date | None) -> Verified:
    try:
        return await verified(tenants, customer, month)
    finally:
        await close()


async def verified(tenants: list[Tenant], customer: str | None, month: date | None) -> Verified:
    """What the invoices of these organizations come to; shows how far it is."""
    checked, recomputed = 0, 0
    differences: list[Difference] = []
    skipped: Counter[str] = Counter()
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        for tenant in tenants:
            async with tenant_work(tenant) as work:
                ids = await invoices_to_verify(work, customer=customer, month=month)
            bar = progress.add_task("invoices", total=len(ids))
            async for found in _chunks(tenant, ids):
                checked += found.invoices
                recomputed += found.recomputed
                differences += found.differences
                skipped.update(found.skipped)
                progress.advance(bar, found.invoices)
    return Verified(checked, recomputed, differences, skipped)


async def _chunks(tenant: Tenant, ids: list[UUID]) -> AsyncIterator[Verified]:
    """A transaction for each, so that no subscription is held for long."""
    for start in range(0, len(ids), CHUNK):
        async with tenant_work(tenant) as work:
            yield await verify_invoices(work, ids[start : start + CHUNK])


def _show(found: Verified) -> None:
    console = Console()
    if found.differences:
        table = Table(title="Differences, the first of each invoice")
        for heading in ("Invoice", "What", "Billed", "Now"):
            table.add_column(heading)
        for each in found.differences[:MOST_SHOWN]:
            table.add_row(each.number, each.what, each.billed, each.found)
        console.print(table)
        if len(found.differences) > MOST_SHOWN:
            console.print(f"and {len(found.differences) - MOST_SHOWN} more")
    one = found.invoices == 1
    identical = found.invoices - len(found.differences)
    console.print(
        f"{found.invoices} {_INVOICE[one]} added up, {found.recomputed} of them recomputed from {_THEIR[one]} events: "
        f"{identical} identical, {len(found.differences)} different.",
        soft_wrap=True,
    )
    for why, count in sorted(found.skipped.items()):
        console.print(f"Only added up: {count} {why}.", soft_wrap=True)


def _organizations(wanted: str | None) -> list[Tenant]:
    organization_id = parse_id(wanted) if wanted is not None else None
    if wanted is not None and organization_id is None:
        raise typer.BadParameter("is no id", param_hint="--organization")
    with psycopg.connect(bare_url()) as connection:
        rows: list[Any] = connection.execute(
            "SELECT id, frozen_at FROM organizations WHERE %(id)s::uuid IS NULL OR id = %(id)s ORDER BY created_at, id",
            {"id": organization_id},
        ).fetchall()
    if wanted is not None and not rows:
        raise typer.BadParameter("there is none with this id", param_hint="--organization")
    return [Tenant(*row) for row in rows]


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise typer.BadParameter("must look like 2026-11", param_hint="--month") from None
