"""The four embedded servers of one data directory as one thing."""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from infrastructure.embedded.home import Home, held
from infrastructure.embedded.postgres import Postgres
from infrastructure.embedded.redis import Redis
from infrastructure.embedded.server import Server

__all__ = ["Environment", "start_embedded"]

VARIABLES = "environment.json"
ROLES = {"queue": "REDIS_URL", "cache": "LAGO_REDIS_CACHE_URL", "store": "LAGO_REDIS_STORE_URL"}


class Environment(dict[str, str]):
    """The variables that the other processes need, and a hold on the servers behind them.

    Holds DATABASE_URL, REDIS_URL, LAGO_REDIS_CACHE_URL, LAGO_REDIS_STORE_URL, the secrets and TARN_DATA_DIR. The
    addresses stay the same as long as this object lives, also across `revive`.
    """

    def __init__(self, variables: dict[str, str], servers: list[Server], stack: ExitStack) -> None:
        super().__init__(variables)
        self.servers = servers
        self._stack = stack

    def dead(self) -> list[Server]:
        """The servers whose process has ended."""
        return [server for server in self.servers if not server.alive]

    def revive(self) -> list[str]:
        """Start again what has died (main thread only); their names. Does not wait: see `Server.answers`."""
        names = []
        for server in self.dead():
            server.spawn()
            names.append(server.name)
        return names

    def stop(self) -> None:
        """End all servers in order, the database last, and let go of the directory. Harmless when called twice."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_embedded(
    data_dir: Path | str,
    *,
    notify: Callable[[str], None] = lambda _: None,
    who: str = "tarn up",
    durable: bool = True,
) -> Environment:
    """Start PostgreSQL and three Redis servers (queue, cache, store) on `data_dir` and wait until they answer.

    Call it from the main thread: the servers end by themselves when that thread ends, also after a kill -9. The
    directory, the passwords and the keys are made at the first start. `notify` is told what takes long. Raises
    EmbeddedError with a sentence for the user when the directory is taken (`who` is the name the others are shown),
    belongs to somebody else or a server does not start.
    """
    home = Home.open(Path(data_dir))
    with ExitStack() as stack:
        stack.enter_context(held(home, who))
        secrets = home.secrets(has_data=(home.path / "postgres" / "data").exists())
        ports = _known_ports(home)
        database = Postgres(home, secrets["postgres_password"], notify, ports.get("postgres"), durable)
        passwords = {
            "queue": secrets["queue_password"],
            "cache": secrets["cache_password"],
            "store": secrets["store_password"],
        }
        roles = {role: Redis(home, role, passwords[role], notify, ports.get(f"redis-{role}")) for role in ROLES}
        servers: list[Server] = [database, *roles.values()]
        for server in servers:
            stack.callback(server.stop)
        # All at once, then wait for each: the start takes as long as the slowest.
        for server in roles.values():
            server.spawn()
        database.start()
        for server in roles.values():
            if not server.wait():
                server.start()
        variables = {
            "DATABASE_URL": database.url,
            **{variable: roles[role].url for role, variable in ROLES.items()},
            "SECRET_KEY_BASE": secrets["secret_key_base"],
            "ENCRYPTION_PRIMARY_KEY": secrets["encryption_primary_key"],
            "ENCRYPTION_KEY_DERIVATION_SALT": secrets["encryption_key_derivation_salt"],
            "RSA_PRIVATE_KEY": secrets["rsa_private_key"],
            "TARN_DATA_DIR": str(home.path),
        }
        home.write(VARIABLES, json.dumps({"ports": {s.name: s.port for s in (database, *roles.values())}, **variables}))
        environment = Environment(variables, servers, stack.pop_all())
    atexit.register(environment.stop)
    return environment


def _known_ports(home: Home) -> dict[str, int]:
    """The ports of the last start: kept when free, so that addresses written down elsewhere go on working."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        known = json.loads((home.path / VARIABLES).read_text())["ports"]
        return {str(name): int(port) for name, port in known.items()}
    return {}
