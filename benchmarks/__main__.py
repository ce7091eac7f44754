"""All benchmarks, one after the other, or those that are named: `python -m benchmarks [ingest] [wallets] …`.

The billing run, current usage and wallets fill the database that they are given, so each gets one of its own: an
embedded PostgreSQL in a temporary directory. 0 when every bar is met.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from infrastructure.embedded import start_embedded

NAMES = ("ingest", "alerts", "billing_run", "current_usage", "wallets", "documents", "graphql")
IN_A_DATABASE_OF_THEIR_OWN = ("billing_run", "current_usage", "wallets")


def run(name: str) -> int:
    """The status of one benchmark, in a process of its own."""
    print(f"\n== {name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    if name not in IN_A_DATABASE_OF_THEIR_OWN:
        return subprocess.run(command, check=False).returncode
    from cli.migrate import run_migrations

    with tempfile.TemporaryDirectory(prefix="tarn-bench-") as place, start_embedded(place) as environment:
        run_migrations(environment["DATABASE_URL"])
        return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def main() -> int:
    names = sys.argv[1:] or NAMES
    if unknown := sorted(set(names) - set(NAMES)):
        print(f"There is no benchmark called {', '.join(unknown)}. There are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    missed = [name for name in names if run(name)]
    if missed:
        print(f"\nMissed or not run: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
