"""Child processes that never outlive their parent, and the search for leftovers in a directory.

A child started with `preexec_fn=die_with_parent(...)` receives a signal from the kernel as soon as the *thread* that
started it ends, however it ended: a `kill -9` of `tarn up` leaves no orphan. So children are started from the main
thread only. On systems other than Linux the signal does not exist and children are stopped by `stop` alone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

__all__ = [
    "children_in_directory",
    "clear_directory",
    "die_with_parent",
    "free_port",
    "port_is_free",
    "spawn",
    "stop",
]

_PR_SET_PDEATHSIG = 1
# Loaded here and not in the child: between fork and exec nothing may take the import lock or the loader's lock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(death: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the child gets `death` when the thread that started it ends. Call from the main thread."""
    assert threading.current_thread() is threading.main_thread(), "the signal follows the thread that forks"
    parent = os.getpid()

    def arrange() -> None:
        if _libc is None:
            return
        _libc.prctl(_PR_SET_PDEATHSIG, int(death), 0, 0, 0)
        if os.getppid() != parent:  # the parent died between the fork and the call above
            os._exit(1)

    return arrange


def spawn(
    command: Sequence[str | Path],
    *,
    where: Path,
    death: signal.Signals,
    stdin: int = subprocess.DEVNULL,
    output: int | None = None,
    env: Mapping[str, str] | None = None,
    user: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own (Ctrl-C at the terminal does not reach it) that dies with this thread.

    `where` is its working directory, entered before it becomes `user` (uid, gid; None: ourselves). `output` is the
    descriptor for both of its output streams.
    """
    return subprocess.Popen(  # noqa: S603  the callers name programs of our own
        command,
        cwd=where,
        stdin=stdin,
        stdout=output,
        stderr=output,
        env=env,
        start_new_session=True,
        preexec_fn=die_with_parent(death),
        user=user[0] if user else None,
        group=user[1] if user else None,
        extra_groups=[] if user else None,
    )


def stop(process: subprocess.Popen[bytes], how: signal.Signals, grace: float) -> None:
    """Ask `process` to end with `how`; after `grace` seconds, kill it. Returns when it has ended."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port(preferred: int | None = None) -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now: `preferred` if it is free, else any."""
    if preferred and port_is_free("127.0.0.1", preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen on `host`:`port` now."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True


def children_in_directory(directory: Path, program: str, recorded: int | None = None) -> list[int]:
    """Ids of the running processes called `program` whose working directory is `directory`.

    PostgreSQL and Redis both change into their data directory, so this finds every process of an earlier run that
    still works on these files. A pid file alone cannot tell: after a restart of a container its number belongs to
    somebody else. In a container root may not look into other users' processes: there the pid file's `recorded`
    number counts if a `program` bears it. Empty where /proc does not exist.
    """
    try:
        wanted = directory.stat()
    except OSError:
        return []
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "stat").read_text()
        except OSError:
            continue
        name, state = status.partition("(")[2].rpartition(")")[0], status.rpartition(")")[2].split()[0]
        if name != program or state == "Z":
            continue
        try:
            where = (entry / "cwd").stat()
            here = (where.st_dev, where.st_ino) == (wanted.st_dev, wanted.st_ino)
        except PermissionError:
            here = int(entry.name) == recorded
        except OSError:
            continue
        if here:
            found.append(int(entry.name))
    return found


def clear_directory(
    directory: Path,
    program: str,
    steps: list[tuple[signal.Signals | None, float]],
    notify: Callable[[str], None],
    recorded: int | None = None,
) -> None:
    """Wait until no `program` of an earlier run works in `directory` any more.

    `steps` are tried in order: send the signal (None: only wait), then wait so many seconds. Raises TimeoutError when
    the last step did not help: starting a second server on the same files would destroy them.
    """
    for how, patience in steps:
        pids = children_in_directory(directory, program, recorded)
        if not pids:
            return
        notify(
            f"an earlier {program} (process {pids[0]}) still works in {directory}: "
            + (f"sending {how.name}" if how else "waiting for it to end")
        )
        if how is not None:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not children_in_directory(directory, program, recorded):
                return
            time.sleep(0.05)
    if pids := children_in_directory(directory, program, recorded):
        raise TimeoutError(f"{program} of an earlier run (process {pids[0]}) does not leave {directory}")
