"""Redis 6.2 from a wheel: one small server per role, so that the roles are as separate here as in production.

Queue and store keep an append-only file that is synced every second: a kill of the process loses nothing, a power cut
at most a second (the job ledger in PostgreSQL re-sends what the queue lost). The cache keeps nothing and drops what
was used least when full.
"""

from __future__ import annotations

import os
import signal
import subprocess
from urllib.parse import quote

import redis

from infrastructure.embedded.binaries import redis_server
from infrastructure.embedded.home import EmbeddedError, Home
from infrastructure.embedded.server import Notify, Server
from infrastructure.process import clear_directory, free_port, spawn

__all__ = ["Redis"]

KEEP = """\
appendonly yes
appendfsync everysec
aof-load-truncated yes
maxmemory-policy noeviction
"""
FORGET = """\
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
"""
CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir .
save ""
databases 64
tcp-backlog 128
loglevel warning
daemonize no
"""


class Redis(Server):
    """The server of one role: `queue`, `cache` or `store`."""

    ending = signal.SIGTERM  # writes its file, then ends

    def __init__(self, home: Home, role: str, password: str, notify: Notify, port: int | None = None):
        super().__init__(home, f"redis-{role}", notify)
        self.role = role
        self.password = password
        self.port = port
        self.directory = home.path / "redis" / role

    @property
    def url(self) -> str:
        return f"redis://:{quote(self.password, safe='')}@127.0.0.1:{self.port}/0"

    def spawn(self) -> None:
        for folder in (self.directory.parent, self.directory):
            if not folder.exists():
                folder.mkdir(mode=0o700)
                self.home.give(folder, self.home.owner)
        try:
            clear_directory(
                self.directory,
                "redis-server",
                [(None, 5), (signal.SIGTERM, 10), (signal.SIGKILL, 5)],
                self.notify,
            )
        except TimeoutError as error:
            raise EmbeddedError(f"{error}. End that process, then start again.") from error
        if self.process is None or not self.port:
            self.port = free_port(self.port)
        text = CONFIGURATION.format(port=self.port, password=self.password)
        text += FORGET if self.role == "cache" else KEEP
        # Redis may run as root; in another user's place it runs as that user, who owns its files afterwards.
        user = self.home.server if self.home.server == self.home.owner else None
        log = self.open_log()
        try:
            # The configuration goes through a pipe: the password is in no file and in no list of processes.
            self.process = spawn(
                [redis_server(user), "-"],
                where=self.directory,
                death=signal.SIGTERM,
                stdin=subprocess.PIPE,
                output=log,
                user=user,
            )
        finally:
            os.close(log)
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.close()
        except BrokenPipeError:
            self.notify(f"{self.name} ended at once: see {self.log}")

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_connect_timeout=2, socket_timeout=2)
        try:
            return bool(client.ping())
        except redis.AuthenticationError:
            return False  # somebody else's server took the port between our look and our start
        except redis.RedisError:
            return False
        finally:
            client.close()
