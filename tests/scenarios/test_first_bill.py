"""The main job, end to end on real input: two language-model services, one line a request, billed for November 2023.

The plan: 49.00 USD a month in arrears; input tokens at 0.000003 each; output tokens at 0.00001 up to 200,000 and
0.000008 above; requests in packages, the first 1,000 free, then 0.50 for each 1,000 begun.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import httpx
import pypdf
import pytest

from tests.installation import Installation, Sandbox

pytestmark = pytest.mark.slow

METRICS = {"input_tokens": "ContextTokens", "output_tokens": "GeneratedTokens", "requests": None}
CUSTOMERS = ("code", "conversation")
LINES = {"code": 8_819, "conversation": 19_366}
# Base, input tokens, output tokens, requests, total; in cents.
EXPECTED = {"code": (4900, 5418, 237, 400, 10955), "conversation": (4900, 6709, 3311, 950, 15870)}


def cents(amount: Decimal) -> int:
    return int((amount * 100).quantize(Decimal(1), ROUND_HALF_UP))


def reckoned(file: Path) -> tuple[int, int, int, int, int]:
    """The bill worked out from the file by hand: no code of Tarn's."""
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    incoming = sum(int(row["ContextTokens"]) for row in rows)
    outgoing = sum(int(row["GeneratedTokens"]) for row in rows)
    begun = (Decimal(max(0, len(rows) - 1000)) / 1000).to_integral_value(ROUND_CEILING)
    parts = (
        4900,
        cents(incoming * Decimal("0.000003")),
        cents(min(outgoing, 200_000) * Decimal("0.00001") + max(0, outgoing - 200_000) * Decimal("0.000008")),
        cents(begun * Decimal("0.50")),
    )
    return (*parts, sum(parts))


@dataclass(frozen=True)
class Billed:
    """The sandbox after its billing run."""

    sandbox: Sandbox
    said: Mapping[tuple[str, str], str]
    invoices: Mapping[str, Any]


def charges(ids: Mapping[str, str]) -> list[dict[str, Any]]:
    tiers = [
        {"from_value": 0, "to_value": 200_000, "per_unit_amount": "0.00001", "flat_amount": "0"},
        {"from_value": 200_001, "to_value": None, "per_unit_amount": "0.000008", "flat_amount": "0"},
    ]
    return [
        {"billable_metric_id": ids["input_tokens"], "charge_model": "standard", "properties": {"amount": "0.000003"}},
        {"billable_metric_id": ids["output_tokens"], "charge_model": "graduated",
         "properties": {"graduated_ranges": tiers}},
        {"billable_metric_id": ids["requests"], "charge_model": "package",
         "properties": {"amount": "0.50", "free_units": 1000, "package_size": 1000}},
    ]  # fmt: skip


def import_usage(
    installation: Installation, sandbox: Sandbox, shared: Path, name: str, code: str
) -> subprocess.CompletedProcess[str]:
    """`tarn usage import` of one file for one metric."""
    column = METRICS[code]
    return installation.command(
        "usage", "import", str(shared / "data" / f"azure-llm-2023-{name}.csv"), "--code", code,
        "--subscription", name, "--timestamp-column", "TIMESTAMP", *(["--property", column] if column else []),
        "--url", installation.url, "--api-key", sandbox.api_key,
    )  # fmt: skip


@pytest.fixture(scope="module")
def billed(installation: Installation, shared: Path) -> Billed:
    """Catalog, subscriptions, usage and the bills of 1 December."""
    sandbox = Sandbox(installation.url, "2023-11-01T00:00:00Z")
    ids = {}
    for code, column in METRICS.items():
        how = {"aggregation_type": "sum_agg", "field_name": column} if column else {"aggregation_type": "count_agg"}
        metric = {"name": code.replace("_", " "), "code": code, **how}
        ids[code] = sandbox.rest("POST /billable_metrics", {"billable_metric": metric})["billable_metric"]["lago_id"]
    plan = {
        "name": "Models", "code": "models", "interval": "monthly", "amount_cents": 4900, "amount_currency": "USD",
        "pay_in_advance": False, "charges": charges(ids),
    }  # fmt: skip
    sandbox.rest("POST /plans", {"plan": plan})
    for name in CUSTOMERS:
        sandbox.rest("POST /customers", {"customer": {"external_id": name, "name": name.title(), "currency": "USD"}})
        subscription = {
            "external_customer_id": name, "external_id": name, "plan_code": "models", "billing_time": "calendar",
        }  # fmt: skip
        sandbox.rest("POST /subscriptions", {"subscription": subscription})
    said = {}
    for name in CUSTOMERS:
        for code in METRICS:
            done = import_usage(installation, sandbox, shared, name, code)
            assert done.returncode == 0, done.stderr
            said[name, code] = done.stderr
    advanced = sandbox.ask(
        "mutation($i: AdvanceSandboxClockInput!) { advanceSandboxClock(input: $i) { frozenAt pendingCount failures } }",
        {"i": {"organizationId": sandbox.id, "to": "2023-12-01T02:00:00Z"}},
    )["advanceSandboxClock"]
    assert (advanced["pendingCount"], advanced["failures"]) == (0, [])
    invoices = {}
    for name in CUSTOMERS:
        (listed,) = sandbox.rest(f"GET /invoices?external_customer_id={name}")["invoices"]
        invoices[name] = sandbox.rest(f"GET /invoices/{listed['lago_id']}")["invoice"]
    return Billed(sandbox, said, invoices)


def link_of(billed: Billed, name: str) -> str:
    """The signed link to the invoice's PDF, as the dashboard asks for it."""
    answer = billed.sandbox.ask(
        "mutation($i: DownloadInvoiceInput!) { downloadInvoice(input: $i) { id fileUrl } }",
        {"i": {"id": billed.invoices[name]["lago_id"]}},
    )["downloadInvoice"]
    assert answer["id"] == billed.invoices[name]["lago_id"]
    return str(answer["fileUrl"])


def fetched(link: str) -> httpx.Response:
    """As a stranger fetches it: without login."""
    return httpx.get(link, timeout=30, trust_env=False)


@pytest.mark.parametrize("name", CUSTOMERS)
def test_the_expected_amounts_are_those_of_the_file(shared: Path, name: str) -> None:
    assert reckoned(shared / "data" / f"azure-llm-2023-{name}.csv") == EXPECTED[name]


@pytest.mark.parametrize("name", CUSTOMERS)
def test_every_line_is_imported(billed: Billed, name: str) -> None:
    for code in METRICS:
        assert f"{LINES[name]:,} events stored, 0 were there already, 0 lines refused" in billed.said[name, code]


@pytest.mark.parametrize("name", CUSTOMERS)
def test_the_invoice_of_november_is_right_to_the_cent(billed: Billed, name: str) -> None:
    base, incoming, outgoing, requests, total = EXPECTED[name]
    invoice = billed.invoices[name]
    amounts = {
        fee["item"]["code"] if fee["item"]["type"] == "charge" else "base": fee["amount_cents"]
        for fee in invoice["fees"]
    }
    assert amounts == {"base": base, "input_tokens": incoming, "output_tokens": outgoing, "requests": requests}
    assert (invoice["fees_amount_cents"], invoice["total_amount_cents"]) == (total, total)
    assert (invoice["status"], invoice["currency"], invoice["issuing_date"]) == ("finalized", "USD", "2023-12-01")


@pytest.mark.parametrize("name", CUSTOMERS)
def test_the_link_opens_without_login_and_the_pdf_shows_number_and_total(billed: Billed, name: str) -> None:
    answer = fetched(link_of(billed, name))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    total = EXPECTED[name][-1]
    assert f"{total // 100}.{total % 100:02d}" in text
    assert billed.invoices[name]["number"] in text


def test_a_link_with_one_character_changed_is_not_found(billed: Billed) -> None:
    link = link_of(billed, "code")
    start = link.rindex("/") + 1
    for place in (start, (start + len(link)) // 2, len(link) - 2):
        other = "A" if link[place] != "A" else "B"
        assert fetched(link[:place] + other + link[place + 1 :]).status_code == 404


def test_an_expired_link_is_not_found(installation: Installation, billed: Billed) -> None:
    """Two links of the same kind under the same keys; the one that lasts a second is dead after three."""
    script = (
        "import sys; from datetime import timedelta; from infrastructure import signing\n"
        "print(signing.sign('download', ['invoice', *sys.argv[1:3]], timedelta(seconds=int(sys.argv[3]))))"
    )

    def made(seconds: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, billed.sandbox.id, billed.invoices["code"]["lago_id"], str(seconds)],
            env={**installation.variables, **installation.environment()},
            cwd=installation.folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return f"{installation.url}/download/{done.stdout.strip()}"

    lasting, short = made(600), made(1)
    time.sleep(3)
    assert fetched(lasting).status_code == 200
    assert fetched(short).status_code == 404


def test_a_second_import_of_the_same_file_stores_nothing(
    installation: Installation, shared: Path, billed: Billed
) -> None:
    again = import_usage(installation, billed.sandbox, shared, "code", "input_tokens")
    assert again.returncode == 0, again.stderr
    assert f"0 events stored, {LINES['code']:,} were there already, 0 lines refused" in again.stderr
    with installation.database() as database:
        row = database.execute(
            "SELECT count(*) FROM events WHERE organization_id = %s AND external_subscription_id = 'code'"
            " AND code = 'input_tokens'",
            [billed.sandbox.id],
        ).fetchone()
    assert row == (LINES["code"],)


def test_billing_again_on_the_same_day_makes_no_second_invoice(billed: Billed) -> None:
    done = billed.sandbox.run_task("bill_customers")
    assert json.dumps(done["failures"]) == "[]"
    for name in CUSTOMERS:
        assert len(billed.sandbox.rest(f"GET /invoices?external_customer_id={name}")["invoices"]) == 1
