"""A real `tarn up` on a directory of its own, and an organization that uses it over HTTP as a client would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg

from infrastructure.process import free_port

__all__ = ["Installation", "Sandbox", "running"]

PASSWORD = "Fault-or-Scenario-1"
START_SECONDS = 60.0


class Installation:
    """One `tarn up`; `start` it again after a kill, as an init system would."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self.place = folder / "data"
        self.output = folder / "output"
        self.port = free_port()
        self.variables = dict(variables)
        self.process: subprocess.Popen[bytes] | None = None
        # One client for all looks: making one costs more than a look, and the start that it looks at waits meanwhile.
        self._prober = httpx.Client(timeout=5, trust_env=False, headers={"connection": "close"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable, "-m", "cli.main", "up", "--no-demo", "--port", str(self.port),
            "--data-dir", str(self.place),
        ]  # fmt: skip
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.variables, stdout=output, stderr=output, start_new_session=True
            )

    def start_until_healthy(self, seconds: float = START_SECONDS) -> int:
        """Starts it, and again whenever it ends by itself; how many starts it took."""
        deadline, starts = time.monotonic() + seconds, 1
        self.start()
        while not self.healthy():
            assert self.process is not None
            if self.process.poll() is not None:
                time.sleep(0.2)
                starts += 1
                self.start()
            assert time.monotonic() < deadline, f"not healthy after {seconds:g} s:\n{self.said()}"
            time.sleep(0.05)
        return starts

    def healthy(self) -> bool:
        try:
            return self._prober.get(f"{self.url}/health").status_code == 200
        except httpx.HTTPError:
            return False

    def said(self) -> str:
        """The end of its output."""
        return self.output.read_text(errors="replace")[-6000:]

    def environment(self) -> dict[str, str]:
        """What it wrote down for the other commands: addresses, passwords and secrets."""
        said = json.loads((self.place / "environment.json").read_text())
        return {name: value for name, value in said.items() if isinstance(value, str)}

    def database(self) -> psycopg.Connection[Any]:
        """A connection as the owner, whom no row-level security holds back."""
        return psycopg.connect(self.environment()["DATABASE_URL"], autocommit=True, connect_timeout=5)

    def descendants(self) -> list[int]:
        """Every living process below this `tarn up`."""
        assert self.process is not None
        parents = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(entry.parent.name)] = int(fields[1])
        found: list[int] = []
        level = {self.process.pid}
        while level := {pid for pid, parent in parents.items() if parent in level}:
            found += level
        return found

    def child(self, command: str) -> int:
        """The process of `tarn <command>`, once it is there."""
        deadline = time.monotonic() + 20
        while True:
            for pid in self.descendants():
                with suppress(OSError):
                    if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:4] == [
                        b"-m", b"cli.main", command.encode(),
                    ]:  # fmt: skip
                        return pid
            assert time.monotonic() < deadline, f"no {command}:\n{self.said()}"
            time.sleep(0.05)

    def servers(self, program: str) -> list[int]:
        """The embedded servers of that program: direct children of `tarn up`."""
        assert self.process is not None
        found = []
        for pid in self.descendants():
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                if name == program and int(fields[1]) == self.process.pid:
                    found.append(pid)
        return found

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A `tarn` command beside it, with the same database and secrets."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments],
            cwd=self.folder, env={**self.variables, **self.environment()}, capture_output=True, text=True, timeout=300,
        )  # fmt: skip


@contextmanager
def running(folder: Path, variables: Mapping[str, str]) -> Iterator[Installation]:
    """A healthy `tarn up` in that folder; ended afterwards."""
    root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (root, variables.get("PYTHONPATH"))))
    one = Installation(folder, {**variables, "PYTHONPATH": path})
    try:
        one.start_until_healthy()
        yield one
    finally:
        one.stop()


class Sandbox:
    """An organization whose clock stands still, driven by its admin and by the holder of its API key."""

    def __init__(self, url: str, frozen_at: str, name: str = "Evergreen") -> None:
        self.client = httpx.Client(base_url=url, timeout=120, trust_env=False)
        register = "mutation($i: RegisterUserInput!) { registerUser(input: $i) { token organization { id } } }"
        account = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD, "organizationName": name}
        user = self._ask(register, {"i": account}, {})["registerUser"]
        self.user = {"Authorization": f"Bearer {user['token']}"}
        make = "mutation($i: CreateSandboxInput!) { createSandbox(input: $i) { organization { id apiKey } } }"
        made = self.ask(make, {"i": {"name": name, "frozenAt": frozen_at}})["createSandbox"]["organization"]
        self.id: str = made["id"]
        self.key = {"Authorization": f"Bearer {made['apiKey']}"}
        self.api_key: str = made["apiKey"]

    def _ask(self, query: str, variables: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        body = {"query": query, "variables": variables}
        answer = self.client.post("/graphql", json=body, headers=dict(headers)).json()
        assert not answer.get("errors"), answer["errors"]
        return answer["data"]

    def ask(self, query: str, variables: Mapping[str, Any]) -> Any:
        """GraphQL as the admin, in the sandbox once it is there."""
        headers = {**self.user, **({"x-lago-organization": self.id} if hasattr(self, "id") else {})}
        return self._ask(query, variables, headers)

    def rest(self, call: str, body: Mapping[str, Any] | None = None, status: int = 200) -> Any:
        """REST with the API key: "GET /customers"."""
        method, _, path = call.partition(" ")
        answer = self.client.request(method, f"/api/v1{path}", json=body, headers=self.key)
        assert answer.status_code == status, f"{call}: {answer.status_code} {answer.text[:600]}"
        return answer.json() if answer.content else None

    def set_clock(self, at: str) -> None:
        self.ask(
            "mutation($i: SetSandboxClockInput!) { setSandboxClock(input: $i) { frozenAt } }",
            {"i": {"organizationId": self.id, "at": at}},
        )

    def run_task(self, name: str) -> Any:
        """Runs a scheduled job and the work that follows; the jobs left open and those that failed."""
        return self.ask(
            "mutation($i: RunScheduledTaskInput!) { runScheduledTask(input: $i) { pendingCount failures } }",
            {"i": {"organizationId": self.id, "name": name}},
        )["runScheduledTask"]
