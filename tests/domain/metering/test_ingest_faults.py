"""Events keep their promise when connections break: answered means stored, and nothing is stored twice."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from domain.metering import ingest
from infrastructure import database
from infrastructure.database import bare_url
from tests.metering_world import World, event

UNUSABLE = "SELECT no_such_column"
"""A statement that is not tried again in another way: whoever uses it is answered with 503."""


async def broken_connections(rounds: int) -> int:
    """Ends the backends of the shared flush again and again; how many were met."""
    met = 0
    async with await psycopg.AsyncConnection.connect(bare_url(), autocommit=True) as owner:
        for _ in range(rounds):
            await asyncio.sleep(0.03)
            cursor = await owner.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'tarn ingest' AND state <> 'idle'
                """
            )
            met += len(await cursor.fetchall())
    return met


async def test_broken_connections_lose_nothing_and_store_nothing_twice(world: World) -> None:
    sent: dict[str, int] = {}

    async def client(name: int) -> None:
        for number in range(40):
            ids = [f"{name}-{number}-{place}" for place in range(5)]
            answer = await world.post("/events/batch", {"events": [event(each) for each in ids]})
            for name_of_event in ids:
                sent[name_of_event] = answer.status_code

    met, *_ = await asyncio.gather(broken_connections(12), *(client(name) for name in range(6)))
    assert met, "no connection was met at work"
    assert set(sent.values()) <= {200, 503}
    rows = world.rows(
        "SELECT transaction_id, count(*) FROM events WHERE organization_id = %s GROUP BY 1",
        world.tenant.organization_id,
    )
    stored = dict(rows)
    assert set(stored.values()) == {1}
    assert {each for each, status in sent.items() if status == 200} <= stored.keys()


@pytest.mark.parametrize("committed", [True, False])
async def test_a_commit_whose_answer_was_lost_is_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    await world.post("/events", {"event": event("taken")})
    commit = ingest._commit
    lost = 0

    async def losing(connection: psycopg.AsyncConnection[Any]) -> None:
        nonlocal lost
        if lost:
            await commit(connection)
            return
        lost += 1
        if committed:
            await commit(connection)
        await connection.close()
        raise ingest._CommitUnknown

    monkeypatch.setattr(ingest, "_commit", losing)
    # Three requests share the flush: two good ones and one that must be refused all the same.
    answers = await asyncio.gather(
        world.post("/events", {"event": event("first")}),
        world.post("/events/batch", {"events": [event("second"), event("third", external_subscription_id=None)]}),
        world.post("/events/batch", {"events": [event("fourth"), event("taken")]}),
    )
    assert lost == 1
    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert answers[2].json()["error_details"] == {"1": {"transaction_id": ["value_already_exist"]}}
    rows = world.rows(
        "SELECT transaction_id FROM events WHERE organization_id = %s ORDER BY sequence", world.tenant.organization_id
    )
    assert sorted(row[0] for row in rows) == ["first", "second", "taken", "third"]
    # What was answered is what is stored.
    shown = (await world.get("/events/first")).json()["event"]
    assert shown == answers[0].json()["event"]


async def test_while_the_database_is_away_events_are_answered_with_503(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "PATIENCE", 0.3)
    await world.post("/events", {"event": event("before")})  # the key is known, as it is to a server at work
    from rest_api.events import close_ingestion

    await close_ingestion()
    monkeypatch.setattr(database, "bare_url", lambda: "postgresql://nobody@127.0.0.1:1/none")
    answer = await world.post("/events", {"event": event("during")})
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    monkeypatch.undo()
    await close_ingestion()
    assert (await world.post("/events", {"event": event("during")})).status_code == 200


async def test_too_many_waiting_events_are_turned_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "MOST_WAITING", 50)
    batches = [[event() for _ in range(20)] for _ in range(30)]
    answers = await asyncio.gather(*(world.post("/events/batch", {"events": batch}) for batch in batches))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    counted = world.rows("SELECT count(*) FROM events WHERE organization_id = %s", world.tenant.organization_id)
    assert counted == [(20 * statuses.count(200),)]


async def test_a_second_flush_begins_when_as_much_waits_as_is_being_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.post("/events", {"event": event("before")})
    commit, begun, go_on = ingest._commit, asyncio.Semaphore(0), asyncio.Event()

    async def waiting(connection: psycopg.AsyncConnection[Any]) -> None:
        begun.release()
        await go_on.wait()
        await commit(connection)

    monkeypatch.setattr(ingest, "_commit", waiting)
    batch = asyncio.create_task(world.post("/events/batch", {"events": [event("one"), event("two")]}))
    await asyncio.wait_for(begun.acquire(), 10)
    single = asyncio.create_task(world.post("/events", {"event": event("three")}))
    with pytest.raises(TimeoutError):  # one event does not go beside a flush of two
        await asyncio.wait_for(begun.acquire(), 0.3)
    other = asyncio.create_task(world.post("/events", {"event": event("four")}))
    await asyncio.wait_for(begun.acquire(), 10)
    go_on.set()
    assert [(await answer).status_code for answer in (batch, single, other)] == [200, 200, 200]
    assert begun.locked(), "two flushes stored them all"


async def test_duplicates_are_looked_for_only_for_a_while_after_a_refusal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL writes each violated constraint to its log: whoever repeats itself must not fill that."""
    from rest_api.events import close_ingestion

    await close_ingestion()  # what was refused before is forgotten with it
    assert (await world.post("/events", {"event": event("once")})).status_code == 200
    with monkeypatch.context() as broken:
        broken.setattr(ingest, "INSERT_EVENTS", UNUSABLE)
        assert (await world.post("/events", {"event": event("twice")})).status_code == 200
    assert (await world.post("/events", {"event": event("once")})).status_code == 422
    with monkeypatch.context() as broken:
        broken.setattr(ingest, "INSERT_NEW", UNUSABLE)
        assert (await world.post("/events", {"event": event("thrice")})).status_code == 200
        assert (await world.post("/events", {"event": event("thrice")})).status_code == 422
    monkeypatch.setattr(ingest, "CAREFUL", 0.0)
    assert (await world.post("/events", {"event": event("once")})).status_code == 422
    monkeypatch.setattr(ingest, "INSERT_EVENTS", UNUSABLE)
    assert (await world.post("/events", {"event": event("four times")})).status_code == 200
