"""The `tarn` command: help, refusals in sentences, and the checks of `tarn doctor`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from cli.doctor import Finding, examine
from cli.environment import load_environment
from domain.kernel import clock
from infrastructure.settings import settings
from tests.conftest import RedisUrls


def _tarn(*arguments: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments], env=env, cwd=cwd, capture_output=True, text=True, check=False
    )


def test_help_lists_every_command(tmp_path: Path, plain_environment: dict[str, str]) -> None:
    done = _tarn("--help", env=plain_environment, cwd=tmp_path)
    assert done.returncode == 0
    for command in ("up", "api", "worker", "clock", "migrate", "doctor", "schema", "secrets", "usage", "price"):
        assert f" {command} " in done.stdout


@pytest.mark.parametrize("command", ["api", "worker", "clock"])
def test_production_does_not_start_with_missing_or_default_secrets(
    tmp_path: Path, plain_environment: dict[str, str], command: str
) -> None:
    done = _tarn(command, env={**plain_environment, "TARN_ENV": "production"}, cwd=tmp_path)
    assert done.returncode == 1
    for name in ("DATABASE_URL", "REDIS_URL", "RSA_PRIVATE_KEY", "SECRET_KEY_BASE", "ENCRYPTION_PRIMARY_KEY"):
        assert f"{name} is missing" in done.stderr


@pytest.mark.parametrize("arguments", [["api"], ["worker"], ["clock"], ["migrate"], ["secrets", "rotate"]])
def test_without_a_database_a_command_says_what_to_do(
    tmp_path: Path, plain_environment: dict[str, str], arguments: list[str]
) -> None:
    done = _tarn(*arguments, env=plain_environment, cwd=tmp_path)
    assert done.returncode == 1
    assert "start `tarn up`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http"])
def test_a_port_that_is_none_is_refused(tmp_path: Path, plain_environment: dict[str, str], port: str) -> None:
    done = _tarn("up", "--port", port, "--data-dir", "data", env=plain_environment, cwd=tmp_path)
    assert done.returncode == 2
    assert not (tmp_path / "data").exists()


def test_migrate_answers_an_unreachable_database_with_a_sentence(
    tmp_path: Path, plain_environment: dict[str, str]
) -> None:
    url = "postgresql://nobody:hush-hush@127.0.0.1:1/none"
    done = _tarn("migrate", env={**plain_environment, "DATABASE_URL": url}, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "hush-hush" not in done.stderr + done.stdout


def test_a_second_terminal_takes_the_addresses_of_a_running_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _forget_settings(monkeypatch, tmp_path)
    (tmp_path / ".tarn").mkdir()
    (tmp_path / ".tarn" / "environment.json").write_text(
        json.dumps({"ports": {"postgres": 1}, "DATABASE_URL": "postgresql://a", "REDIS_URL": "redis://b"})
    )
    monkeypatch.setenv("REDIS_URL", "redis://chosen")
    load_environment()
    assert os.environ["DATABASE_URL"] == "postgresql://a"
    assert os.environ["REDIS_URL"] == "redis://chosen"


def test_dot_env_is_read_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _forget_settings(monkeypatch, tmp_path)
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://file\nREDIS_URL=redis://file\n")
    monkeypatch.setenv("REDIS_URL", "redis://chosen")
    load_environment()
    assert os.environ["DATABASE_URL"] == "postgresql://file"
    assert os.environ["REDIS_URL"] == "redis://chosen"


def test_production_never_takes_development_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _forget_settings(monkeypatch, tmp_path)
    (tmp_path / ".tarn").mkdir()
    (tmp_path / ".tarn" / "environment.json").write_text(json.dumps({"DATABASE_URL": "postgresql://a"}))
    monkeypatch.setenv("TARN_ENV", "production")
    load_environment()
    assert "DATABASE_URL" not in os.environ


def _forget_settings(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.chdir(place)
    for name in ("DATABASE_URL", "REDIS_URL", "TARN_ENV", "TARN_DATA_DIR"):
        monkeypatch.setenv(name, "")  # so that what the test sets is taken back afterwards
        monkeypatch.delenv(name)


def _by_check() -> dict[str, Finding]:
    return {finding.check: finding for finding in examine()}


def _tick(url: str, age: timedelta) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM clock_ticks")
        now = clock.wall()
        connection.execute(
            "INSERT INTO clock_ticks (id, job, tick, created_at) VALUES (uuidv7(), 'probe', %s, %s)", [now - age, now]
        )


def test_doctor_finds_nothing_wrong_with_a_sound_installation(migrated: str, empty_redis: RedisUrls) -> None:
    _tick(migrated, timedelta(seconds=10))
    found = _by_check()
    assert [finding for finding in found.values() if finding.level != "ok"] == []
    assert {"settings", "database", "migrations", "clock", "jobs", "redis, queue", "queues"} <= found.keys()


def test_doctor_sees_a_clock_that_stands_still(migrated: str) -> None:
    _tick(migrated, timedelta(minutes=10))
    finding = _by_check()["clock"]
    assert finding.level == "error"
    assert "tarn clock" in finding.advice


def test_doctor_sees_jobs_that_nobody_does(migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        now = clock.wall()
        connection.execute(
            "INSERT INTO jobs (id, actor, queue, arguments, status, attempts, waits, due_at, created_at)"
            " VALUES (uuidv7(), 'probe', 'default', '{}', 'pending', 0, false, %s, %s)",
            [now - timedelta(hours=1), now],
        )
    finding = _by_check()["jobs"]
    with psycopg.connect(migrated) as connection:
        connection.execute("DELETE FROM jobs")
    assert finding.level == "error"
    assert "60 min" in finding.says


def test_doctor_says_what_to_do_about_a_database_that_is_away(migrated: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://tarn:hush-hush@127.0.0.1:1/tarn")
    settings.cache_clear()
    found = _by_check()
    settings.cache_clear()
    assert found["database"].level == "error"
    assert "tarn up" in found["database"].advice
    assert "migrations" not in found
    assert "hush-hush" not in str(found)


def test_doctor_names_the_redis_role_whose_password_is_wrong(
    migrated: str, redis_urls: RedisUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAGO_REDIS_STORE_URL", "redis://:wrong@" + redis_urls.store.rpartition("@")[2])
    settings.cache_clear()
    found = _by_check()
    settings.cache_clear()
    assert found["redis, store"].level == "error"
    assert found["redis, queue"].level == "ok"
