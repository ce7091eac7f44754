"""`tarn up`: the whole installation in one terminal.

Order of a start: embedded servers, migrations, then API, worker and clock as child processes; ready when the API's
`/health` answers 200. Whatever dies is started again. Ctrl-C or SIGTERM ends all in order; after a kill -9 the
children end by themselves and the next start continues where this one was.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from cli.children import Child
from infrastructure.embedded import EmbeddedError, Environment, start_embedded
from infrastructure.embedded.server import Server
from infrastructure.process import port_is_free
from infrastructure.settings import Settings, settings

__all__ = ["run"]

DEMO = "demo.json"
WATCH = 0.25  # seconds between two looks at the servers
SAY_WAITING = 10.0


def run(port: int, data_dir: Path, demo: bool) -> int:
    """Run until a signal; the exit status (0 after an orderly end, 1 with a sentence when it cannot start)."""
    console = Console(highlight=False)
    host = os.environ.get("TARN_HOST", "127.0.0.1")
    if not port_is_free(host, port):
        _refuse(console, f"Port {port} is taken by another program. Choose another one: tarn up --port {port + 1}")
        return 1
    try:
        console.print(f"[dim]Starting PostgreSQL and Redis in[/dim] {data_dir}")
        with start_embedded(data_dir, notify=lambda text: console.print(text, style="yellow")) as environment:
            from cli.migrate import run_migrations

            applied = run_migrations(environment["DATABASE_URL"])
            if applied:
                console.print(f"[dim]Migrated the database to[/dim] {applied[-1]}")
            return asyncio.run(Supervisor(console, environment, host, port, demo).run())
    except EmbeddedError as error:
        _refuse(console, str(error))
    except (psycopg.Error, RuntimeError) as error:
        _refuse(console, f"The database could not be migrated: {str(error).strip()}")
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    return 1


def _refuse(console: Console, text: str) -> None:
    console.print(text, style="red", markup=False, soft_wrap=True)


class Supervisor:
    """Watches servers and children from one event loop in the main thread."""

    def __init__(self, console: Console, environment: Environment, host: str, port: int, demo: bool) -> None:
        self.console = console
        self.environment = environment
        self.home = Path(environment["TARN_DATA_DIR"])
        self.url = f"http://{'localhost' if host in {'127.0.0.1', '0.0.0.0', '::'} else host}:{port}"  # noqa: S104
        self.probe = f"http://{'127.0.0.1' if host in {'0.0.0.0', '::'} else host}:{port}/health"  # noqa: S104
        self.demo = demo
        self.ending = asyncio.Event()
        env = self.variables = self._variables(port)
        tarn = (sys.executable, "-m", "cli.main")
        self.children = [
            Child("api", [*tarn, "api", "--host", host, "--port", str(port)], env, "cyan", console),
            Child("worker", [*tarn, "worker"], env, "green", console),
            Child("clock", [*tarn, "clock"], env, "magenta", console),
        ]
        self.grace = Settings.model_validate(env).worker_shutdown_seconds + 5

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)
        work = [self._watch_servers(), *(child.run() for child in self.children)]
        tasks = [asyncio.create_task(self._guarded(each)) for each in work]
        welcome = asyncio.create_task(self._guarded(self._welcome()))
        await self.ending.wait()
        welcome.cancel()  # it calls the API, which ends now
        self.console.print("[dim]Stopping; jobs under way are finished first. Once more to stop at once.[/dim]")
        self.ending.clear()
        hurry = asyncio.create_task(self.ending.wait())
        orderly = asyncio.create_task(self._stop_children(self.grace))
        await asyncio.wait({hurry, orderly}, return_when=asyncio.FIRST_COMPLETED)
        if not orderly.done():
            await self._stop_children(0)
        for task in (*tasks, hurry, orderly):
            task.cancel()
        await asyncio.gather(*tasks, welcome, hurry, orderly, return_exceptions=True)
        self.console.print("[dim]Stopped. Everything is kept in[/dim] " + str(self.home))
        return 0

    async def _stop_children(self, grace: float) -> None:
        await asyncio.gather(*(child.stop(grace) for child in self.children))

    def _signalled(self) -> None:
        self.ending.set()

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        """A defect in one part is printed and does not take the others down."""
        try:
            await work
        except Exception:
            self.console.print_exception()

    def _variables(self, port: int) -> dict[str, str]:
        """The environment of the children. Addresses are ours; a secret the user has set himself wins over ours."""
        own = {
            name: value for name, value in self.environment.items() if not _is_secret(name) or name not in os.environ
        }
        metrics = self.home / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir(mode=0o700)
        defaults = {
            "LAGO_API_URL": self.url,
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "PYTHONUNBUFFERED": "1",
            "TZ": "UTC",
            **({"FORCE_COLOR": "1"} if self.console.is_terminal else {}),
        }
        passwords = ("REDIS_PASSWORD", "LAGO_REDIS_CACHE_PASSWORD", "LAGO_REDIS_STORE_PASSWORD")
        inherited = {name: value for name, value in os.environ.items() if name not in passwords}
        return {**defaults, **inherited, **own, "PORT": str(port)}

    async def _watch_servers(self) -> None:
        """Start again what died; the children reconnect by themselves, the addresses stay."""
        while True:
            await asyncio.sleep(WATCH)
            for server in self.environment.dead():
                if self.ending.is_set():
                    return
                await self._revive(server)

    async def _revive(self, server: Server) -> None:
        self.console.print(f"{server.name} died; starting it again", style="red")
        try:
            server.spawn()  # in the main thread, see infrastructure.process
        except EmbeddedError as error:
            _refuse(self.console, str(error))
            await asyncio.sleep(2)
            return
        began = time.monotonic()
        if await asyncio.to_thread(server.wait):
            self.console.print(f"{server.name} is back after {time.monotonic() - began:.1f} s", style="green")
        else:
            _refuse(self.console, f"{server.name} does not start. The end of its log:\n{server.last_words()}")
            await asyncio.sleep(2)

    async def _welcome(self) -> None:
        """Wait until the API is healthy, fill an empty installation, then print where everything is."""
        await self._healthy()
        self._print_addresses()
        if self.demo:
            await self._demo()

    async def _healthy(self) -> None:
        import httpx

        reason, said = "it does not answer yet", time.monotonic()
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            while True:
                try:
                    answer = await client.get(self.probe)
                    if answer.status_code == 200:
                        return
                    reason = str(answer.json().get("details", answer.status_code))
                except (httpx.HTTPError, ValueError):
                    pass
                if time.monotonic() - said > SAY_WAITING:
                    said = time.monotonic()
                    self.console.print(f"Waiting for the API: {reason}", style="yellow", markup=False)
                await asyncio.sleep(0.1)

    def _print_addresses(self) -> None:
        table = Table.grid(padding=(0, 2))
        table.add_row("REST", f"{self.url}/api/v1")
        table.add_row("GraphQL", f"{self.url}/graphql")
        table.add_row("Health, metrics", f"{self.url}/health  {self.url}/metrics")
        table.add_row("Data", str(self.home))
        self.console.print(Panel(table, title="Tarn is ready", subtitle="Ctrl-C stops it", expand=False))

    async def _demo(self) -> None:
        """Fill an installation without any organization; afterwards show at every start what was made."""
        # The demo works on this installation from this process: with the variables of the children.
        os.environ.update(self.variables)
        settings.cache_clear()
        from cli.demo import DemoResult, seed

        kept = self.home / DEMO
        if await asyncio.to_thread(_is_empty, self.environment["DATABASE_URL"]):
            result = await seed(self.console, self.url)
            kept.touch(mode=0o600)
            kept.write_text(json.dumps(dataclasses.asdict(result), default=str))
        elif kept.exists():
            try:
                result = DemoResult(**json.loads(kept.read_text()))
            except (ValueError, TypeError):  # written by another version: the demo itself is untouched
                return
        else:
            return
        result.print()


def _is_secret(name: str) -> bool:
    return name.startswith("ENCRYPTION_") or name in {"SECRET_KEY_BASE", "RSA_PRIVATE_KEY"}


def _is_empty(database_url: str) -> bool:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT NOT EXISTS (SELECT FROM organizations)").fetchone()
    return bool(row and row[0])
