"""How many GraphQL pages a second go through HTTP, against a route that answers the same bytes without doing anything.

    python -m benchmarks.graphql [--seconds 5] [--rounds 5] [--connections 16]

The page: 20 customers with 10 fields each, from a real `tarn up`, by a logged-in user of an organization with 200
customers. The limit: Starlette with one route that answers the bytes of that page, under the same uvicorn settings and
on the same machine, at the same time up but never under load together. wrk sends the same request to both; the rounds
alternate between them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
from rich.console import Console
from rich.table import Table

from infrastructure.process import free_port

CUSTOMERS = 200
START_SECONDS = 60.0
QUERY = """query customers {
  customers(page: 1, limit: 20) {
    metadata { currentPage totalPages totalCount }
    collection {
      id externalId name displayName email currency country timezone createdAt updatedAt
    }
  }
}"""
PASSWORD = "Bench-Mark-1"
REGISTER = "mutation($i: RegisterUserInput!) { registerUser(input: $i) { token organization { id } } }"
CREATE = "mutation($i: CreateCustomerInput!) { createCustomer(input: $i) { id } }"


@contextmanager
def process(command: list[str], url: str, place: Path, variables: dict[str, str]) -> Iterator[None]:
    """A server that answers under `url`, ended afterwards."""
    with (place / "output").open("ab") as output:
        running = subprocess.Popen([sys.executable, *command], env=variables, stdout=output, stderr=output)
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            if running.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"no answer from {url}:\n{(place / 'output').read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)
        yield
    finally:
        running.terminate()
        try:
            running.wait(60)
        except subprocess.TimeoutExpired:
            running.kill()


def prepare(url: str) -> dict[str, str]:
    """An organization with customers; the headers of its user."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:

        def ask(query: str, headers: dict[str, str], **given: object) -> dict[str, dict[str, object]]:
            answer = client.post("/graphql", json={"query": query, "variables": {"i": given}}, headers=headers).json()
            if answer.get("errors"):
                raise SystemExit(f"could not prepare: {answer['errors']}")
            found: dict[str, dict[str, object]] = answer["data"]
            return found

        user = ask(REGISTER, {}, email="bench@example.com", password=PASSWORD, organizationName="Bench")["registerUser"]
        organization = user["organization"]
        assert isinstance(organization, dict)
        headers = {"Authorization": f"Bearer {user['token']}", "x-lago-organization": str(organization["id"])}
        for number in range(CUSTOMERS):
            ask(
                CREATE, headers, externalId=f"customer-{number}", name=f"Customer {number} & Sons", currency="EUR",
                email=f"billing-{number}@example.com", country="DE", timezone="TZ_EUROPE_BERLIN",
            )  # fmt: skip
        return headers


def page(url: str, headers: dict[str, str]) -> bytes:
    """The answer that is measured, once looked at: 20 customers without an error."""
    answer = httpx.post(f"{url}/graphql", json={"query": QUERY}, headers=headers, timeout=30, trust_env=False)
    body = answer.json()
    if body.get("errors") or len(body["data"]["customers"]["collection"]) != 20:
        raise SystemExit(f"not the page to measure: {answer.text[:500]}")
    return answer.content


def wrk(url: str, script: Path, connections: int, seconds: int) -> float:
    """Requests per second; refuses a run in which any request failed."""
    found = subprocess.run(
        ["wrk", "-t2", f"-c{connections}", f"-d{seconds}s", "-s", str(script), f"{url}/graphql"],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", found)
    if rate is None or "Non-2xx" in found or "Socket errors" in found:
        raise SystemExit(f"wrk failed:\n{found}")
    return float(rate[1])


def lua(headers: dict[str, str]) -> str:
    """The request as wrk sends it. JSON strings are Lua strings as long as they are plain ASCII."""
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(json.dumps({'query': QUERY}))}"]
    sent = {**headers, "Content-Type": "application/json"}
    return "\n".join(lines + [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in sent.items()])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="length of each run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed: apt-get install wrk (Debian, Ubuntu), brew install wrk (macOS)", file=sys.stderr)
        return 2
    ours = ("TARN_", "LAGO_", "REDIS_", "DATABASE_", "PORT")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    console = Console()
    with tempfile.TemporaryDirectory(prefix="tarn-bench-") as folder:
        place, port, other = Path(folder), free_port(), free_port()
        url, bare = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}"
        up = ["-m", "cli.main", "up", "--no-demo", "--port", str(port), "--data-dir", str(place / "data")]
        script, kept = place / "request.lua", place / "page.json"
        with process(up, f"{url}/health", place, variables):
            headers = prepare(url)
            script.write_text(lua(headers))
            kept.write_bytes(page(url, headers))
            route = ["-m", "benchmarks.graphql.bare", str(kept), str(other)]
            with process(route, f"{bare}/health", place, variables):
                rates: dict[str, list[float]] = {url: [], bare: []}
                for target in rates:
                    wrk(target, script, options.connections, 1)
                for number in range(options.rounds):
                    for target, found in rates.items():
                        found.append(wrk(target, script, options.connections, options.seconds))
                    console.print(
                        f"round {number + 1}: GraphQL {rates[url][-1]:,.0f}/s, the same bytes {rates[bare][-1]:,.0f}/s"
                    )
            size = kept.stat().st_size
    ours_rate, limit = median(rates[url]), median(rates[bare])
    table = Table("route", "requests/s", "of the bare route")
    table.add_row("GraphQL, 20 customers with 10 fields", f"{ours_rate:,.0f}", f"{ours_rate / limit:.3f}")
    table.add_row(f"Starlette, the same {size:,} bytes", f"{limit:,.0f}", "1.000")
    console.print(table)
    console.print(f"The bare route is {limit / ours_rate:.1f} times as fast. One API process each.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
