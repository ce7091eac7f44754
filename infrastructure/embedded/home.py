"""The data directory: who holds it, who owns it, and the secrets kept in it.

PostgreSQL refuses to run as root. Started by root, the servers run as the owner of the data directory's place when
that is somebody else (so that a project of alice started once with sudo still belongs to alice), else as `nobody`.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

__all__ = ["EmbeddedError", "Home", "Secrets", "held"]

LOCK = "lock"
SECRETS = "secrets.json"


class EmbeddedError(RuntimeError):
    """The embedded servers cannot start; the message is for the person at the terminal and says what to do."""


class Secrets(TypedDict):
    """What is made at first start and must survive with the data: without it the data cannot be read."""

    postgres_password: str
    queue_password: str
    cache_password: str
    store_password: str
    secret_key_base: str
    encryption_primary_key: str
    encryption_key_derivation_salt: str
    rsa_private_key: str


@dataclass(frozen=True)
class Home:
    """A data directory that exists and is ours to write.

    `server` is the (uid, gid) the servers run as, None for "as ourselves". `owner` is who the plain files belong to.
    """

    path: Path
    server: tuple[int, int] | None
    owner: tuple[int, int]

    @classmethod
    def open(cls, data_dir: Path) -> Home:
        """Make the directory if needed. Raises EmbeddedError when this user may not use it."""
        path = Path(os.path.abspath(data_dir))  # noqa: PTH100  resolve() would follow a link the user chose on purpose
        place = next(folder for folder in (path, *path.parents) if folder.exists())
        if os.geteuid() == 0:
            status = place.stat()
            owner = (status.st_uid, status.st_gid)
            nobody = pwd.getpwnam("nobody")
            # PostgreSQL wants a user with a name: the owner of a folder mounted into a container often has none here.
            server = owner if owner[0] != 0 and _has_name(owner[0]) else (nobody.pw_uid, nobody.pw_gid)
        else:
            owner, server = (os.geteuid(), os.getegid()), None
        home = cls(path, server, owner)
        try:
            missing = [folder for folder in (path, *path.parents) if not folder.exists()]
            for folder in reversed(missing):
                folder.mkdir(mode=0o755 if folder != path else 0o700)
                home.give(folder, owner)
            (path / ".probe").touch()
            (path / ".probe").unlink()
        except PermissionError as error:
            raise home.foreign() from error
        except OSError as error:
            raise EmbeddedError(f"The data directory {path} cannot be used: {error.strerror}.") from error
        return home

    def foreign(self) -> EmbeddedError:
        """The refusal for a directory that belongs to another user."""
        try:
            uid = self.path.stat().st_uid if self.path.exists() else self.path.parent.stat().st_uid
            name = pwd.getpwuid(uid).pw_name
        except (OSError, KeyError):
            name = "another user"
        return EmbeddedError(
            f"The data directory {self.path} belongs to {name} and you may not write there. Run as {name}, choose"
            f" another place with --data-dir, or take it over: sudo chown -R $(id -u):$(id -g) {self.path}"
        )

    def give(self, path: Path, to: tuple[int, int]) -> None:
        """Hand a file to a user; only root can, and only root needs to."""
        if os.geteuid() == 0:
            os.chown(path, *to)

    def server_directory(self, name: str) -> Path:
        """A directory below the home in which only the servers' user reads and writes."""
        path = self.path / name
        try:
            path.mkdir(mode=0o700, exist_ok=True)
            if self.server:
                self.give(path, self.server)
        except PermissionError as error:
            raise self.foreign() from error
        return path

    def write(self, name: str, text: str) -> Path:
        """Replace a file in one step, readable by its owner alone, safe against a crash half way."""
        path = self.path / name
        fresh = path.with_name(f".{name}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.give(fresh, self.owner)
        fresh.replace(path)
        return path

    def secrets(self, has_data: bool) -> Secrets:
        """The secrets of this directory, made at the first call.

        Raises EmbeddedError when there is data but no secrets: new ones could not open it.
        """
        path = self.path / SECRETS
        try:
            known = json.loads(path.read_text())
        except FileNotFoundError:
            if has_data:
                raise EmbeddedError(
                    f"{self.path} holds a database but its {SECRETS} is gone, and with it the passwords and keys."
                    f" Put the file back from a backup, or remove {self.path} to begin anew without the data."
                ) from None
            known = _new_secrets()
            self.write(SECRETS, json.dumps(known, indent=1))
        except PermissionError as error:
            raise self.foreign() from error
        except ValueError as error:
            raise EmbeddedError(f"{path} is damaged ({error}): put it back from a backup.") from error
        have = known.keys() if isinstance(known, dict) else set()
        if missing := Secrets.__annotations__.keys() - have:
            raise EmbeddedError(f"{path} lacks {', '.join(sorted(missing))}: put it back from a backup.")
        return cast(Secrets, known)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _new_secrets() -> Secrets:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Secrets(
        postgres_password=secrets.token_urlsafe(24),
        queue_password=secrets.token_urlsafe(24),
        cache_password=secrets.token_urlsafe(24),
        store_password=secrets.token_urlsafe(24),
        secret_key_base=secrets.token_hex(64),
        encryption_primary_key=secrets.token_urlsafe(32),
        encryption_key_derivation_salt=secrets.token_urlsafe(32),
        rsa_private_key=pem,
    )


@contextmanager
def held(home: Home, who: str) -> Iterator[None]:
    """Hold the directory against any second holder, until the end of the block or of this process.

    The lock is the kernel's (flock): it goes with the process, however that ends. Raises EmbeddedError naming the
    holder when the directory is taken.
    """
    path = home.path / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise home.foreign() from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 500, 0).decode(errors="replace").strip() or "another process"
            raise EmbeddedError(
                f"The data directory {home.path} is in use by {holder}. Stop that one first, or give this one a"
                f" directory of its own with --data-dir."
            ) from None
        home.give(path, home.owner)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{who} (process {os.getpid()})".encode(), 0)
        yield
    finally:
        os.close(descriptor)
