"""`tarn usage import`: the lines of a CSV file as usage events, through the batch endpoint of a running server.

Every line has a transaction id of its own, made of the file's name, the line's number and text, and the code. So an
import that was stopped is simply started again: what is there already is counted, not stored twice.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.usage_lines import Columns, UnreadableFile
from cli.usage_sender import Outcome, Stopped, send_file

__all__ = ["app"]

SHOWN_LINES = 20

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command()
def run(
    file: Annotated[
        Path, typer.Argument(help="A CSV file whose first line names the columns.", exists=True, dir_okay=False)
    ],
    code: Annotated[str, typer.Option(help="The code of the billable metric.")],
    timestamp_column: Annotated[
        str, typer.Option(help="When the use took place: ISO 8601 (UTC where no zone is given) or Unix seconds.")
    ],
    subscription: Annotated[str | None, typer.Option(help="External id of the subscription of all lines.")] = None,
    subscription_column: Annotated[str | None, typer.Option(help="Or the column that holds it.")] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option("--property", help="column=name (or just column): send a column as a property. Repeatable."),
    ] = None,
    url: Annotated[str, typer.Option(help="The server.", envvar="TARN_URL")] = "http://127.0.0.1:3000",
    api_key: Annotated[str, typer.Option(help="An API key of the organization.", envvar="TARN_API_KEY")] = "",
    batch: Annotated[int, typer.Option(help="Events in a request.", min=1, max=10_000)] = 100,
    connections: Annotated[int, typer.Option(help="Requests at a time.", min=1, max=64)] = 4,
    report: Annotated[Path | None, typer.Option(help="Write every refused line and why to this CSV file.")] = None,
) -> None:
    """Load usage events from a CSV file. May be started again at any time: no line is stored twice."""
    console = Console(stderr=True)
    if (subscription is None) == (subscription_column is None):
        _fail(console, "Say whose usage this is: either --subscription or --subscription-column.")
    if not api_key:
        _fail(console, "An API key is needed: --api-key or TARN_API_KEY.")
    columns = Columns(
        code=code,
        timestamp=timestamp_column,
        subscription=subscription,
        subscription_column=subscription_column,
        properties={column: name or column for column, _, name in (each.partition("=") for each in properties or ())},
    )
    outcome = Outcome()
    try:
        asyncio.run(send_file(file, file.stat().st_size, columns, outcome, url, api_key, batch, connections, console))
    except UnreadableFile as error:
        _fail(console, str(error))
    except (Stopped, KeyboardInterrupt) as error:
        _show(console, outcome)
        _fail(console, f"{error or 'Interrupted.'} What is stored stays; start the same command again to go on.")
    _show(console, outcome)
    if report is not None:
        outcome.write(report)
    if outcome.refused:
        raise typer.Exit(1)


def _show(console: Console, outcome: Outcome) -> None:
    console.print(
        f"{outcome.stored:,} events stored, {outcome.known:,} were there already,"
        f" {len(outcome.refused):,} lines refused."
    )
    if not outcome.refused:
        return
    table = Table("line", "refused because")
    for line, reason in sorted(outcome.refused)[:SHOWN_LINES]:
        table.add_row(str(line), reason)
    console.print(table)
    if len(outcome.refused) > SHOWN_LINES:
        console.print(f"… and {len(outcome.refused) - SHOWN_LINES:,} more: --report FILE lists all.")


def _fail(console: Console, message: str) -> None:
    console.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)
