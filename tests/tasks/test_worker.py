"""Real worker processes: what they take, in which order, how they end, and what happens when they are killed."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import redis

from domain.kernel.jobs import JobRequest
from infrastructure.settings import settings
from tasks.probe import probe
from tasks.queues import DEDICATED_QUEUES, DEFAULT_QUEUES
from tests.tasks.conftest import Start, World

pytestmark = pytest.mark.slow

FLAGS = {
    "analytics": "DRAMATIQ_ANALYTICS", "billing": "DRAMATIQ_BILLING", "clock_worker": "DRAMATIQ_CLOCK",
    "events": "DRAMATIQ_EVENTS", "payments": "DRAMATIQ_PAYMENTS", "pdfs": "DRAMATIQ_PDF",
    "webhook_worker": "DRAMATIQ_WEBHOOK", "ai_agent": "DRAMATIQ_AI_AGENT",
}  # fmt: skip


async def test_a_worker_runs_a_job_and_its_children(world: World, start: Start) -> None:
    worker = start("worker", forked=False)
    await world.ask(JobRequest("test.children", {"key": "family", "count": 50}))
    await world.until(lambda: world.jobs() == [])
    assert len(world.keys()) == 51
    assert {pid for (pid,) in world.sql("SELECT DISTINCT pid FROM effects")} == {worker.popen.pid}


async def test_high_priority_overtakes_a_backlog_of_low_priority(world: World, start: Start) -> None:
    """Both queues are full when the one worker begins, and again while it works."""
    await world.ask(*(JobRequest("test.low", {"key": f"low-{n}"}) for n in range(300)))
    await world.ask(*(JobRequest("test.high", {"key": f"high-{n}"}) for n in range(100)))
    start("worker", "", "5")
    await world.until(lambda: len(world.keys()) > 150)
    done = world.keys()
    first_hundred = [key.partition("-")[0] for key in done[:110]]
    assert first_hundred.count("high") == 100, first_hundred
    left = 400 - len(world.keys())
    await world.ask(*(JobRequest("test.high", {"key": f"later-{n}"}) for n in range(20)))
    await world.until(lambda: len(world.keys("later-%")) == 20)
    assert len(world.keys("low-%")) < 300, "the backlog was gone before the urgent ones came"
    await world.until(lambda: world.jobs() == [], 60)
    order = world.keys()
    begun = order.index("later-0")
    overtaken = [key for key in order[begun : begun + 20] if key.startswith("low")]
    assert len(overtaken) <= 5, (overtaken, left)


async def test_a_delayed_job_runs_when_it_is_due(world: World, start: Start) -> None:
    start("worker")
    await asyncio.sleep(1)  # the relay of the worker leads
    began = time.monotonic()
    await world.ask(JobRequest("test.mark", {"key": "later"}, delay=timedelta(seconds=2)))
    await world.until(lambda: world.keys() == ["later"])
    assert 2 <= time.monotonic() - began < 3


async def test_a_killed_workers_job_is_finished_by_another(world: World, start: Start) -> None:
    second, first = start("worker"), start("worker")
    second.popen.send_signal(signal.SIGSTOP)
    await world.ask(JobRequest("test.slow", {"key": "killed", "seconds": 2}), JobRequest("test.mark", {"key": "other"}))
    await world.until(lambda: world.keys() == ["other"])
    second.popen.send_signal(signal.SIGCONT)
    first.kill()
    took = await world.until(lambda: world.jobs() == [], 20)
    assert sorted(world.keys()) == ["killed", "other"]
    assert world.sql("SELECT pid FROM effects WHERE key = 'killed'") == [(second.popen.pid,)]
    print(f"finished {took:.1f} s after the kill")


async def test_messages_that_a_killed_worker_had_fetched_come_back(world: World, start: Start) -> None:
    first = start("worker", "", "2")
    await world.ask(*(JobRequest("test.slow", {"key": f"slow-{n}", "seconds": 0.5}) for n in range(8)))
    await asyncio.sleep(0.3)
    first.kill()
    start("worker")
    await world.until(lambda: world.jobs() == [], 20)
    assert sorted(world.keys()) == [f"slow-{n}" for n in range(8)]


async def test_an_external_job_of_a_killed_worker_is_repeated(world: World, start: Start) -> None:
    first = start("worker")
    await world.ask(JobRequest("test.external", {"key": "call", "seconds": 2}))
    await world.until(lambda: world.keys() == ["call-called"])
    first.kill()
    start("worker")
    await world.until(lambda: world.jobs() == [], 25)
    assert world.keys() == ["call-called", "call-called", "call-settled"]


async def test_what_redis_lost_is_sent_again(world: World, start: Start, queue: redis.Redis) -> None:
    await world.ask(*(JobRequest("test.mark", {"key": f"lost-{n}"}) for n in range(20)))
    assert queue.llen("dramatiq:default") == 20
    queue.flushdb()
    start("worker")
    await world.until(lambda: world.jobs() == [], 15)
    assert len(world.keys()) == 20


async def test_the_relay_sends_nothing_twice_while_a_backlog_waits(
    world: World, start: Start, queue: redis.Redis
) -> None:
    start("worker", "high_priority")
    await world.ask(*(JobRequest("test.low", {"key": f"wait-{n}"}) for n in range(100)))
    world.sql("UPDATE jobs SET sent_at = clock_timestamp() - interval '1 hour'")
    await asyncio.sleep(2)
    assert queue.llen("dramatiq:low_priority") == 100
    ((untouched,),) = world.sql("SELECT count(*) FROM jobs WHERE sent_at < clock_timestamp() - interval '1 minute'")
    assert untouched == 0, "after an hour even a waiting message is looked at"


async def test_sigterm_lets_running_jobs_finish_and_leaves_the_rest(world: World, start: Start) -> None:
    worker = start("worker", "", "2")
    await world.ask(*(JobRequest("test.slow", {"key": f"slow-{n}", "seconds": 1}) for n in range(6)))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - began < 6
    assert len(world.keys()) == 2
    assert [status for status, *_ in world.jobs()] == ["pending"] * 4
    start("worker")
    await world.until(lambda: world.jobs() == [], 8)
    assert len(world.keys()) == 6


async def test_a_job_longer_than_the_grace_is_cut_off_and_run_anew(world: World, start: Start) -> None:
    worker = start("worker", TARN_WORKER_SHUTDOWN_SECONDS="1")
    await world.ask(JobRequest("test.slow", {"key": "long", "seconds": 5}))
    await asyncio.sleep(0.5)
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < 8
    assert world.keys() == []
    start("worker")
    await world.until(lambda: world.keys() == ["long"], 25)


async def test_a_worker_that_made_documents_leaves_no_files_behind(world: World, start: Start, tmp_path: Path) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    worker = start("worker", forked=False, TMPDIR=str(place))
    await world.ask(JobRequest("test.document", {"key": "made"}))
    await world.until(lambda: world.keys() == ["made"])
    assert list(place.glob("tarn-pdf-*"))
    assert worker.stop() == 0
    assert list(place.iterdir()) == []


async def test_a_worker_refuses_a_queue_that_does_not_exist(start: Start) -> None:
    worker = start("worker", "defualt", ready=False, forked=False)
    assert worker.popen.wait(20) == 1
    assert "no queue called defualt" in worker.log.read_text()


async def test_each_flag_takes_its_jobs_to_a_worker_of_their_own(
    world: World, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = dict.fromkeys(FLAGS.values(), "true")
    for name, value in on.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        default = start("worker", **on)
        await world.ask(*(JobRequest(f"test.dedicated_{name}", {"key": name}) for name in DEDICATED_QUEUES))
        await world.ask(JobRequest("test.mark", {"key": "default"}))
        await asyncio.sleep(2)
        assert world.keys() == ["default"]
        one, *others = DEDICATED_QUEUES
        alone = start("worker", one, **on)
        await world.until(partial(_done, world, one))
        alone.stop()
        together = start("worker", ",".join(others), **on)
        await world.until(lambda: len(world.keys()) == 1 + len(DEDICATED_QUEUES))
        pids: dict[str, int] = dict(world.sql("SELECT key, pid FROM effects"))
        workers = {"default": default, one: alone} | dict.fromkeys(others, together)
        assert pids == {key: worker.popen.pid for key, worker in workers.items()}
        assert default.popen.poll() is None
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def _done(world: World, key: str) -> bool:
    return world.keys(key) == [key]


async def test_a_flag_that_is_taken_away_brings_its_jobs_back(
    world: World, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("SIDEKIQ_BILLING", "true")
        settings.cache_clear()
        await world.ask(JobRequest("test.dedicated_billing", {"key": "back"}))
    settings.cache_clear()
    start("worker")
    await world.until(lambda: world.keys() == ["back"], 15)


async def test_a_probe_names_the_worker_of_every_queue(world: World, start: Start) -> None:
    one = start("worker", "high_priority,default")
    found = {result.queue: result for result in await probe(2)}
    assert list(found) == list(DEFAULT_QUEUES)
    taken = found["default"]
    assert taken.pid == one.popen.pid
    assert taken.worker_queues == ("high_priority", "default")
    assert taken.seconds is not None
    assert taken.seconds < 1
    assert found["mailers"].pid is None


async def test_a_message_that_is_no_job_does_not_stop_the_worker(
    world: World, start: Start, queue: redis.Redis
) -> None:
    start("worker")
    for number, arguments in enumerate(({"job_id": "not an id"}, {}, {"job_id": None}, {"surprise": 1})):
        message = {
            "queue_name": "default", "actor_name": "run.default", "args": [], "kwargs": arguments,
            "options": {"redis_message_id": f"m{number}"}, "message_id": f"m{number}", "message_timestamp": 0,
        }  # fmt: skip
        queue.hset("dramatiq:default.msgs", f"m{number}", json.dumps(message))
        queue.rpush("dramatiq:default", f"m{number}")
    await world.ask(JobRequest("test.mark", {"key": "alive"}))
    await world.until(lambda: world.keys() == ["alive"])
