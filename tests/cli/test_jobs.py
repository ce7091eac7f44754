"""`tarn jobs`: an operator sees what failed and why, and has it done again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from psycopg.types.json import Jsonb
from typer.testing import CliRunner, Result

from cli.jobs import app
from domain.kernel import clock
from domain.kernel.ids import new_id
from infrastructure.settings import settings
from tasks.app import install
from tasks.relay import relay_once
from tasks.runner import run
from tests.conftest import RedisUrls
from tests.databases import ask

# A real job whose work is done at once, because there is no such webhook.
DELIVER = "messaging.deliver"
QUEUE = "dramatiq:webhook"


class Ledger:
    """The table as its owner sees it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sql("DELETE FROM jobs")

    def sql(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return ask(self.url, query, values)

    def add(
        self, status: str = "failed", actor: str = DELIVER, organization: UUID | None = None, error: str | None = "boom"
    ) -> str:
        job_id, then = new_id(), clock.wall() - timedelta(hours=1)
        self.sql(
            "INSERT INTO jobs (id, organization_id, actor, queue, arguments, status, attempts, waits, error, due_at,"
            " sent_at, created_at) VALUES (%s, %s, %s, 'webhook', %s, %s, 5, true, %s, %s, %s, %s)",
            job_id, organization, actor, Jsonb({"webhook_id": str(new_id())}), status, error, then, then, then,
        )  # fmt: skip
        return str(job_id)

    def state(self, job_id: str) -> tuple[object, ...] | None:
        rows = self.sql("SELECT status, attempts, waits, sent_at IS NULL FROM jobs WHERE id = %s", job_id)
        return rows[0] if rows else None


FAILED, AGAIN = ("failed", 5, True, False), ("pending", 0, False, True)


@pytest.fixture
def ledger(migrated: str, empty_redis: RedisUrls) -> Ledger:
    install()
    return Ledger(migrated)


def _jobs(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_the_list_names_a_failed_job_its_organization_and_its_error(ledger: Ledger) -> None:
    organization = uuid4()
    job_id = ledger.add(organization=organization, error="ValueError: [bold]no plan[/bold]\nSELECT its statement")
    ledger.add(status="pending")
    said = _jobs("list").output
    for part in (job_id, DELIVER, str(organization), "5 attempts", "ValueError: [bold]no plan[/bold]", "1 failed job."):
        assert part in said
    assert "its statement" not in said


def test_the_list_can_be_narrowed_and_says_when_it_is_cut(ledger: Ledger) -> None:
    organization = uuid4()
    mine, other = ledger.add(organization=organization), ledger.add(actor="billing.bill_chunk")
    waiting = ledger.add(status="pending")
    assert other not in (said := _jobs("list", "--organization", str(organization)).output)
    assert mine in said
    assert mine not in (said := _jobs("list", "--job", "billing.bill_chunk").output)
    assert other in said
    assert other not in (said := _jobs("list", "--status", "pending").output)
    assert waiting in said
    assert "2 failed jobs, 1 of them shown" in _jobs("list", "--limit", "1").output
    assert "3 jobs." in _jobs("list", "--status", "all").output


def test_the_list_as_json_has_the_arguments(ledger: Ledger) -> None:
    job_id = ledger.add()
    (line,) = _jobs("list", "--json").output.splitlines()
    row = json.loads(line)
    assert (row["id"], row["status"], row["attempts"]) == (job_id, "failed", 5)
    assert set(row["arguments"]) == {"webhook_id"}
    assert clock.wall() - datetime.fromisoformat(row["due_at"]) < timedelta(hours=2)
    assert datetime.fromisoformat(row["created_at"]).tzinfo is UTC


async def test_a_retried_job_is_sent_by_the_relay_and_done(ledger: Ledger, redis_urls: RedisUrls) -> None:
    job_id = ledger.add(organization=uuid4())
    assert "1 job goes" in _jobs("retry", job_id).output
    assert ledger.state(job_id) == AGAIN
    async with await psycopg.AsyncConnection.connect(ledger.url, autocommit=True) as connection:
        await connection.execute("SET ROLE tarn_relay")
        assert await relay_once(connection) == 1
    with redis.Redis.from_url(redis_urls.queue) as queue:
        assert queue.llen(QUEUE) == 1
    assert await run(UUID(job_id))
    assert ledger.state(job_id) is None


def test_all_failed_jobs_are_retried_and_pending_ones_left_alone(ledger: Ledger) -> None:
    failed, waiting = [ledger.add(), ledger.add(actor="gone.job")], ledger.add(status="pending")
    before = ledger.state(waiting)
    assert "2 jobs go" in _jobs("retry", "--all").output
    assert [ledger.state(each) for each in failed] == [AGAIN, AGAIN]
    assert ledger.state(waiting) == before


def test_all_of_one_job_and_organization_leaves_the_others(ledger: Ledger) -> None:
    organization = uuid4()
    mine = ledger.add(organization=organization)
    others = [ledger.add(organization=uuid4()), ledger.add(organization=organization, actor="billing.bill_chunk")]
    done = _jobs("retry", "--all", "--job", DELIVER, "--organization", str(organization))
    assert done.exit_code == 0
    assert ledger.state(mine) == AGAIN
    assert [ledger.state(each) for each in others] == [FAILED, FAILED]


@pytest.mark.parametrize("command", ["retry", "discard"])
def test_one_wrong_id_and_nothing_is_changed(ledger: Ledger, command: str) -> None:
    good, waiting, unknown = ledger.add(), ledger.add(status="pending"), str(uuid4())
    for wrong in (waiting, unknown, "'; DROP TABLE jobs", "x" * 5000):
        done = _jobs(command, good, wrong)
        assert done.exit_code == 1
        assert "Nothing was changed." in done.output
        assert wrong[:60] in done.output
        assert ledger.state(good) == FAILED


@pytest.mark.parametrize(
    "arguments",
    [
        ["retry"], ["retry", "--all", str(uuid4())], ["retry", str(uuid4()), "--job", DELIVER],
        ["retry", "--all", "--organization", "acme"], ["list", "--organization", "acme"],
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(ledger: Ledger, arguments: list[str]) -> None:
    job_id = ledger.add()
    done = _jobs(*arguments)
    assert done.exit_code == 1
    assert done.output.strip().endswith(".")
    assert ledger.state(job_id) == FAILED


def test_discarded_jobs_are_gone(ledger: Ledger) -> None:
    gone, stays = [ledger.add(), ledger.add()], ledger.add()
    assert "2 jobs discarded" in _jobs("discard", *gone, gone[0]).output
    assert [ledger.state(each) for each in gone] == [None, None]
    assert ledger.state(stays) == FAILED


def test_a_database_that_is_away_is_a_sentence(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://tarn:hush-hush@127.0.0.1:1/tarn")
    settings.cache_clear()
    done = _jobs("list")
    settings.cache_clear()
    assert done.exit_code == 1
    assert "127.0.0.1" in done.output
    assert "hush-hush" not in done.output
    assert "Traceback" not in done.output


def test_a_database_without_a_schema_asks_for_the_migration(
    ledger: Ledger, servers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", servers["DATABASE_URL"])
    settings.cache_clear()
    done = _jobs("list")
    settings.cache_clear()
    assert done.exit_code == 1
    assert "tarn migrate" in done.output
