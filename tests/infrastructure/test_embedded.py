"""The embedded servers: they start from nothing, keep what they were given, and never outlive or share their place."""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from infrastructure.embedded import EmbeddedError, Environment, binaries, start_embedded
from infrastructure.embedded.postgres import SOCKET_PATH_LIMIT
from infrastructure.process import children_in_directory
from tests.databases import named

HOLDER = """
import json, sys, time
from infrastructure.embedded import start_embedded
environment = start_embedded(sys.argv[1], who="the holder")
print(json.dumps(environment), flush=True)
time.sleep(600)
"""
OTHER_USER = """
import os, sys
from infrastructure.embedded import start_embedded
os.setgroups([]), os.setgid(65534), os.setuid(65534)
start_embedded(sys.argv[1])
"""
ROLES = {"REDIS_URL": "queue", "LAGO_REDIS_CACHE_URL": "cache", "LAGO_REDIS_STORE_URL": "store"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A short place (a socket's path is limited), removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="tarn-") as place:
        yield Path(place) / "data"


def _server_processes(data_dir: Path) -> list[int]:
    found = children_in_directory(data_dir / "postgres" / "data", "postgres")
    for role in ROLES.values():
        found += children_in_directory(data_dir / "redis" / role, "redis-server")
    return found


def _kill(environment: Environment, name: str) -> None:
    (server,) = [server for server in environment.servers if server.name == name]
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert [dead.name for dead in environment.dead()] == [name]
    assert environment.revive() == [name]
    assert server.wait()


def test_a_committed_row_survives_a_kill_of_postgresql(data_dir: Path) -> None:
    with start_embedded(data_dir) as environment:
        with psycopg.connect(environment["DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE kept (number int)")
            connection.execute("INSERT INTO kept SELECT generate_series(1, 10000)")
        _kill(environment, "postgres")
        with psycopg.connect(environment["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (10_000,)


@pytest.mark.parametrize("variable", ["REDIS_URL", "LAGO_REDIS_STORE_URL"])
def test_queue_and_store_survive_a_kill_of_redis(data_dir: Path, variable: str) -> None:
    with start_embedded(data_dir) as environment:
        with redis.Redis.from_url(environment[variable]) as client:
            client.rpush("list", *range(1000))
        _kill(environment, f"redis-{ROLES[variable]}")
        with redis.Redis.from_url(environment[variable]) as client:
            assert client.llen("list") == 1000


def test_a_killed_parent_leaves_no_server_and_loses_nothing(data_dir: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(data_dir)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    environment = json.loads(holder.stdout.readline())
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    with redis.Redis.from_url(environment["REDIS_URL"]) as client:
        client.set("kept", "yes")
    assert len(_server_processes(data_dir)) >= 4
    holder.kill()
    holder.wait()
    holder.stdout.close()
    deadline = time.monotonic() + 20
    while (left := _server_processes(data_dir)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []
    with start_embedded(data_dir) as again:
        with psycopg.connect(again["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (42,)
        with redis.Redis.from_url(again["REDIS_URL"]) as client:
            assert client.get("kept") == b"yes"


def test_a_start_right_after_the_kill_waits_for_the_old_servers(data_dir: Path) -> None:
    for round_number in range(2):
        holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(data_dir)], stdout=subprocess.PIPE)
        assert holder.stdout is not None
        environment = json.loads(holder.stdout.readline())
        with psycopg.connect(environment["DATABASE_URL"]) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
            connection.execute("INSERT INTO kept VALUES (%s)", [round_number])
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with start_embedded(data_dir) as again, psycopg.connect(again["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT number FROM kept ORDER BY 1").fetchall() == [(0,), (1,)]


def test_a_second_holder_is_told_who_holds_the_directory(data_dir: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(data_dir)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        with pytest.raises(EmbeddedError, match=rf"in use by the holder \(process {holder.pid}\)"):
            start_embedded(data_dir)
    finally:
        holder.terminate()
        holder.wait()
        holder.stdout.close()


def test_a_pid_file_whose_number_is_now_somebody_elses_does_not_stop_the_start(data_dir: Path) -> None:
    start_embedded(data_dir).stop()
    cluster = data_dir / "postgres" / "data"
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster}\n1\n5432\n.\n\n")
        with start_embedded(data_dir) as environment, psycopg.connect(environment["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_creation_that_was_cut_off_is_begun_anew(data_dir: Path) -> None:
    half = data_dir / "postgres" / "data.new" / "base"
    half.mkdir(parents=True)
    (half / "half").write_text("written")
    with start_embedded(data_dir) as environment, psycopg.connect(environment["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("tarn",)


def test_addresses_and_secrets_stay_the_same_over_a_restart(data_dir: Path) -> None:
    with start_embedded(data_dir) as first:
        assert "PRIVATE KEY" in first["RSA_PRIVATE_KEY"]
    with start_embedded(data_dir) as second:
        assert dict(first) == dict(second)


def test_secrets_are_readable_by_their_owner_alone(data_dir: Path) -> None:
    start_embedded(data_dir).stop()
    for name in ("secrets.json", "environment.json", "lock"):
        assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600
    command_lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    password = json.loads((data_dir / "secrets.json").read_text())["queue_password"].encode()
    assert not any(password in line for line in command_lines)


def test_data_without_its_secrets_is_refused_with_a_way_out(data_dir: Path) -> None:
    start_embedded(data_dir).stop()
    (data_dir / "secrets.json").unlink()
    with pytest.raises(EmbeddedError, match="from a backup"):
        start_embedded(data_dir)


@pytest.mark.parametrize("damage", ["", "{", '"text"', "{}"])
def test_damaged_secrets_are_refused_with_a_sentence(data_dir: Path, damage: str) -> None:
    data_dir.mkdir()
    (data_dir / "secrets.json").write_text(damage)
    with pytest.raises(EmbeddedError, match=r"secrets\.json"):
        start_embedded(data_dir)


def test_a_file_in_the_place_of_the_directory_is_refused_with_a_sentence(data_dir: Path) -> None:
    data_dir.write_text("not a directory")
    with pytest.raises(EmbeddedError, match="cannot be used"):
        start_embedded(data_dir)


def test_postgresql_asks_for_its_password_on_socket_and_tcp(servers: dict[str, str]) -> None:
    url = servers["DATABASE_URL"]
    port = psycopg.conninfo.conninfo_to_dict(url)["port"]
    directory = psycopg.conninfo.conninfo_to_dict(url)["host"]
    for host in (directory, "127.0.0.1"):
        for password in ("", "password=wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"host={host} port={port} user=tarn dbname=tarn {password}", passfile="/dev/null")


@pytest.mark.parametrize("variable", ROLES)
def test_each_redis_role_asks_for_its_own_password(servers: dict[str, str], variable: str) -> None:
    def at(password: str) -> redis.Redis:
        place = servers[variable].rpartition("@")[2]
        return redis.Redis.from_url(f"redis://{password}@{place}" if password else f"redis://{place}")

    with at("") as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    for other in ROLES.keys() - {variable}:
        password = servers[other].partition("://")[2].partition("@")[0]
        with at(password) as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_the_database_sorts_by_code_point_and_keeps_utc(servers: dict[str, str]) -> None:
    with psycopg.connect(servers["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT x FROM unnest(ARRAY['b', 'B', 'a', 'é']) x ORDER BY x").fetchall()
        assert [row[0] for row in rows] == ["B", "a", "b", "é"]
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_a_path_too_long_for_a_socket_is_served_over_tcp(data_dir: Path) -> None:
    deep = data_dir / ("d" * SOCKET_PATH_LIMIT)
    with start_embedded(deep) as environment:
        assert "@127.0.0.1:" in environment["DATABASE_URL"]
        with psycopg.connect(named(environment["DATABASE_URL"], "postgres")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


@as_root
def test_as_root_a_place_below_a_closed_folder_works_and_stays_closed(data_dir: Path) -> None:
    closed = data_dir.parent
    closed.chmod(0o700)
    with start_embedded(data_dir) as environment, psycopg.connect(environment["DATABASE_URL"]) as connection:
        (pid,) = connection.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        assert Path(f"/proc/{pid}").stat().st_uid != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700


@as_root
def test_as_root_the_files_in_a_users_place_belong_to_that_user(data_dir: Path) -> None:
    user = pwd.getpwnam("daemon").pw_uid
    os.chown(data_dir.parent, user, user)
    start_embedded(data_dir).stop()
    assert {path.lstat().st_uid for path in [data_dir, *data_dir.rglob("*")]} == {user}


@as_root
def test_as_root_a_place_of_a_user_without_a_name_works(data_dir: Path) -> None:
    os.chown(data_dir.parent, 54_321, 54_321)
    with start_embedded(data_dir) as environment, psycopg.connect(environment["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert data_dir.stat().st_uid == 54_321


@as_root
def test_as_root_another_users_start_is_refused_with_what_to_do(data_dir: Path) -> None:
    start_embedded(data_dir).stop()
    data_dir.parent.chmod(0o755)
    child = subprocess.run([sys.executable, "-c", OTHER_USER, str(data_dir)], capture_output=True, check=False)
    assert b"belongs to root" in child.stderr
    assert b"chown" in child.stderr


@as_root
def test_programs_out_of_reach_are_copied_to_an_open_place(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed, open_place = data_dir / "closed", data_dir / "open"
    program = closed / "pginstall18" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    for folder in (data_dir.parent, data_dir, closed / "pginstall18", program.parent, program):
        folder.chmod(0o755)
    monkeypatch.setattr(binaries, "_package", lambda *_: closed)
    monkeypatch.setattr(binaries, "COPIES", (open_place,))
    assert binaries.postgres_installation((65534, 65534)) == closed / "pginstall18"
    closed.chmod(0o700)
    copy = binaries.postgres_installation((65534, 65534))
    assert copy.is_relative_to(open_place)
    assert binaries.reachable(copy / "bin" / "postgres", 65534, 65534)
    assert binaries.postgres_installation((65534, 65534)) == copy
    (copy / "bin" / "postgres").chmod(0o700)
    with pytest.raises(EmbeddedError, match="virtual environment"):
        binaries.postgres_installation((65534, 65534))


def test_a_copy_somebody_else_put_there_is_not_trusted(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o777)
    data_dir.chmod(0o777)
    assert not binaries._ours(data_dir)
    data_dir.chmod(0o755)
    assert binaries._ours(data_dir)


def test_a_signal_to_the_parents_group_does_not_reach_the_servers(data_dir: Path) -> None:
    with start_embedded(data_dir) as environment:
        for server in environment.servers:
            assert server.process is not None
            assert os.getpgid(server.process.pid) == server.process.pid
            assert server.process.pid != os.getpgid(0)
