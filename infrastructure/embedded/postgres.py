"""PostgreSQL 18 from a wheel, run as a child on files below the data directory.

The program runs in its data directory and is given that as `/proc/self/cwd`: so it needs no way there from the root,
and a project below a closed folder (/root, a private home) works with PostgreSQL under another user, without opening
anybody's access rights. Its socket stands in the same directory for the same reason.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from infrastructure.embedded.binaries import postgres_installation
from infrastructure.embedded.home import EmbeddedError, Home
from infrastructure.embedded.server import Notify, Server
from infrastructure.process import children_in_directory, clear_directory, free_port, spawn

__all__ = ["Postgres"]

ROLE = DATABASE = "tarn"
SOCKET_PATH_LIMIT = 107  # bytes, of the operating system

# Recovery after a kill replays at most the log between two checkpoints, 45 to 100 MB/s on a small machine: half a
# gigabyte takes five to twelve seconds. A larger value would checkpoint less often and write a little faster.
CONFIGURATION = """\
# Written anew at every start: changes made here are lost.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '.'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 200
cluster_name = 'tarn'

shared_buffers = {shared_buffers}MB
effective_cache_size = {cache}MB
work_mem = 16MB
maintenance_work_mem = 128MB
random_page_cost = 1.1
effective_io_concurrency = 64

fsync = {durable}
full_page_writes = {durable}
synchronous_commit = {durable}
max_wal_size = 512MB
min_wal_size = 256MB
checkpoint_timeout = 5min
checkpoint_completion_target = 0.9
wal_level = minimal
max_wal_senders = 0

timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, mdy'
lc_messages = 'C.UTF-8'
log_min_messages = warning
log_checkpoints = off
log_min_error_statement = panic
log_line_prefix = '%m [%p] '
"""
ACCESS = """\
# Written anew at every start: changes made here are lost.
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


class Postgres(Server):
    """The server of one data directory. `durable=False` (tests) trades safety against a power cut for speed."""

    ending = signal.SIGINT  # "fast": cuts the connections, writes a checkpoint
    grace = 60

    def __init__(self, home: Home, password: str, notify: Notify, port: int | None = None, durable: bool = True):
        super().__init__(home, "postgres", notify)
        self.password = password
        self.durable = durable
        self.port = port
        self.directory = home.path / "postgres" / "data"
        self._installation: Path | None = None

    @property
    def url(self) -> str:
        """For psycopg and SQLAlchemy: over the socket if its path is short enough, else over TCP."""
        account = f"postgresql://{ROLE}:{quote(self.password, safe='')}"
        if len(os.fsencode(self.directory / f".s.PGSQL.{self.port}")) <= SOCKET_PATH_LIMIT:
            return f"{account}@/{DATABASE}?host={quote(str(self.directory))}&port={self.port}"
        return f"{account}@127.0.0.1:{self.port}/{DATABASE}"

    def spawn(self) -> None:
        self._create()
        self._clear_leftovers()
        if self.process is None or not self.port:
            self.port = free_port(self.port)
        self._configure()
        log = self.open_log()
        try:
            self.process = spawn(
                [self._program("postgres"), "-D", self._here(self.directory)],
                where=self.directory,
                death=signal.SIGINT,
                output=log,
                env=self._environment(),
                user=self.home.server,
            )
        finally:
            os.close(log)

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=5) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            if "authentication failed" in str(error):
                raise EmbeddedError(
                    f"PostgreSQL in {self.directory} does not accept the password kept in {self.home.path}: put back"
                    " the secrets.json that belongs to this data."
                ) from error
            return False
        return True

    def _create(self) -> None:
        """Make the cluster, its role and its database, unless they exist. Renamed into place when complete."""
        if self.directory.exists():
            return
        place = self.home.server_directory("postgres")
        shutil.rmtree(place / "data.new", ignore_errors=True)  # what a start that was killed half way left
        fresh = self.home.server_directory("postgres/data.new")
        password = place / "password"
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.password + "\n")
        if self.home.server:
            self.home.give(password, self.home.server)
        try:
            self._run(
                [
                    self._program("initdb"),
                    f"--pgdata={self._here(fresh)}",
                    "--locale-provider=builtin",
                    "--locale=C.UTF-8",
                    "--encoding=UTF8",
                    f"--username={ROLE}",
                    "--pwfile=../password",
                    "--auth=scram-sha-256",
                    "--no-instructions",
                    *([] if self.durable else ["--no-sync"]),
                ],
                fresh,
            )
            self._run(
                [self._program("postgres"), "--single", "-D", self._here(fresh), "postgres"],
                fresh,
                f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n",
            )
        finally:
            password.unlink()
        fresh.rename(self.directory)

    def _run(self, command: list[str | Path], where: Path, text: str = "") -> None:
        with tempfile.TemporaryFile() as said:
            process = spawn(
                command,
                where=where,
                death=signal.SIGTERM,
                stdin=subprocess.PIPE,
                output=said.fileno(),
                env=self._environment(),
                user=self.home.server,
            )
            process.communicate(text.encode())
            said.seek(0)
            output = said.read().decode(errors="replace")
        if process.returncode or "ERROR" in output or "FATAL" in output:
            raise EmbeddedError(f"The database could not be created in {where}:\n{output.strip()}")

    def _clear_leftovers(self) -> None:
        """Let a server of an earlier run finish, then remove lock files that would keep this one from starting."""
        recorded = self._recorded()
        try:
            clear_directory(
                self.directory,
                "postgres",
                # Its parent is dead, so it has been told to end already; a checkpoint may take a while.
                [(None, 20), (signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)],
                self.notify,
                recorded,
            )
        except TimeoutError as error:
            raise EmbeddedError(f"{error}. End that process, then start again.") from error
        if recorded is not None and Path(f"/proc/{recorded}").exists():
            # The number was given to somebody else since. PostgreSQL would take that for a living server. While the
            # number is free it must stay: by this file PostgreSQL recognizes survivors of the old server itself.
            if children_in_directory(self.directory, "postgres", recorded):
                return
            for stale in (self.directory / "postmaster.pid", *self.directory.glob(".s.PGSQL.*")):
                stale.unlink(missing_ok=True)

    def _recorded(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return abs(int((self.directory / "postmaster.pid").read_text().split()[0]))
        return None

    def _configure(self) -> None:
        memory = _memory_megabytes()
        text = CONFIGURATION.format(
            port=self.port,
            shared_buffers=max(64, min(1024, memory // 8)),
            cache=max(256, memory // 2),
            durable="on" if self.durable else "off",
        )
        for name, content in {"postgresql.conf": text, "pg_hba.conf": ACCESS}.items():
            fresh = self.directory / f"{name}.new"
            fresh.write_text(content)
            fresh.chmod(0o600)
            if self.home.server:
                self.home.give(fresh, self.home.server)
            fresh.replace(self.directory / name)

    def _program(self, name: str) -> Path:
        if self._installation is None:
            self._installation = postgres_installation(self.home.server)
        return self._installation / "bin" / name

    def _here(self, directory: Path) -> str:
        """The directory as a program sees it that was started in it."""
        return "/proc/self/cwd" if sys.platform == "linux" else str(directory)

    def _environment(self) -> dict[str, str]:
        """Nothing of ours: a PGPORT or PGDATA of the user's shell is not meant for this server."""
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _memory_megabytes() -> int:
    """Memory this process may use: the machine's, or less in a container with a limit."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        with suppress(OSError, ValueError):
            total = min(total, int(limit.read_text()))
    return total // 1_000_000
