"""`tarn price`: what units cost under a charge model, with the reckoning, without a server or a database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from domain.kernel.money import decimal_text
from domain.pricing.fee_amounts import FeeAmounts
from domain.pricing.models import ChargeModelName
from domain.pricing.priceable import detail_text
from domain.pricing.rows import InvalidRowError, price_row
from domain.pricing.steps import price_steps

__all__ = ["app", "price"]

MAX_FILE_BYTES = 64 * 1024 * 1024

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def price(
    model: Annotated[ChargeModelName | None, typer.Option(help="The charge model.")] = None,
    properties: Annotated[str | None, typer.Option(help="The charge's properties, as JSON.")] = None,
    units: Annotated[str | None, typer.Option(help="The aggregated units.")] = None,
    events: Annotated[int | None, typer.Option(help="How many events (default: of --values).", min=0)] = None,
    values: Annotated[str | None, typer.Option(help="Each event's value, comma separated, in time order.")] = None,
    full_units: Annotated[str | None, typer.Option(help="The whole units behind prorated ones.")] = None,
    prorated_values: Annotated[str | None, typer.Option(help="Each event's prorated value, comma separated.")] = None,
    conversion_rate: Annotated[str | None, typer.Option(help="Worth of a pricing unit in the currency.")] = None,
    currency: Annotated[str, typer.Option(help="ISO code.")] = "EUR",
    rows: Annotated[
        Path | None,
        typer.Option(help="A JSON list of rows instead: prints a JSON list of answers.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Price units under a charge model and show how the amount comes about.

    Example: tarn price --model standard --properties '{"amount": "0.25"}' --units 121
    """
    if rows is not None:
        typer.echo(json.dumps(_answers(_read_rows(rows)), default=float, indent=1))
        return
    if model is None or properties is None or units is None:
        _fail("--model, --properties and --units are needed, or --rows with a file.")
    row: dict[str, Any] = {
        "model": model.value,
        "properties": _json(properties, "--properties"),
        "units": units,
        "per_event_values": _listed(values),
        "per_event_prorated_values": _listed(prorated_values),
        "full_units": full_units,
        "prorated": full_units is not None,
        "conversion_rate": conversion_rate,
        "currency": currency,
    }
    if events is not None:
        row["events_count"] = events
    _show(row, _priced(row, None))


def _show(row: Mapping[str, Any], fee: FeeAmounts) -> None:
    table = Table(title=f"{row['model']}, {detail_text(fee.units)} units", show_lines=False)
    table.add_column("Step")
    table.add_column("Reckoning")
    table.add_column("Amount", justify="right")
    for step in price_steps(row["model"], fee.units, fee.amount, row["properties"].get("amount"), fee.amount_details):
        table.add_row(step.label, step.reckoning, step.amount)
    if fee.pricing_unit is not None:
        rate = decimal_text(fee.pricing_unit.conversion_rate)
        table.add_row("pricing unit", f"{fee.pricing_unit.amount_cents} hundredths x {rate}", detail_text(fee.amount))
    table.add_section()
    table.add_row("amount", f"{row['currency']}, not rounded", detail_text(fee.amount))
    table.add_row("amount_cents", "rounded half up", str(fee.amount_cents))
    table.add_row("unit_amount", "amount / units", detail_text(fee.unit_amount))
    table.add_row("unit_amount_cents", "cut off", str(fee.unit_amount_cents))
    Console().print(table)


def _answers(rows: list[Any]) -> list[dict[str, Any]]:
    answers = []
    for number, row in enumerate(rows, 1):
        fee = _priced(row, number)
        answer: dict[str, Any] = {
            "amount": detail_text(fee.amount),
            "unit_amount": detail_text(fee.unit_amount),
            "amount_cents": fee.amount_cents,
            "unit_amount_cents": fee.unit_amount_cents,
            "amount_details": fee.amount_details,
        }
        if fee.pricing_unit is not None:
            answer["pricing_unit"] = {
                "amount_cents": fee.pricing_unit.amount_cents,
                "unit_amount_cents": fee.pricing_unit.unit_amount_cents,
            }
        answers.append(answer)
    return answers


def _priced(row: Any, number: int | None) -> FeeAmounts:
    try:
        if not isinstance(row, Mapping):
            raise InvalidRowError("must be an object")
        return price_row(row)
    except ArithmeticError:
        _fail("a number is too large" if number is None else f"row {number}: a number is too large")
    except ValueError as error:
        _fail(str(error) if number is None else f"row {number}: {error}")


def _read_rows(path: Path) -> list[Any]:
    if path.stat().st_size > MAX_FILE_BYTES:
        _fail(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    found = _json(path.read_text(encoding="utf-8", errors="replace"), str(path))
    if not isinstance(found, list):
        _fail(f"{path}: must hold a JSON list of rows")
    return list(found)


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        _fail(f"{where}: not JSON: {error}")


def _listed(text: str | None) -> list[str]:
    return [value.strip() for value in text.split(",")] if text else []


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(2)
