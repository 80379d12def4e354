"""Runs that are deleted while somebody looks at them."""

import asyncio
import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from tests.streamer.test_stream import connected, is_event, received, run

from prefect_swarm.core.errors import RunNotFound
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.removal import remove_run
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.client import follow_journal
from prefect_swarm.streamer.guard import Tokens
from prefect_swarm.streamer.hub import Hub
from prefect_swarm.streamer.protocol import Snapshot, Subscribe
from prefect_swarm.testing.scenes import Scene, lively, plan_of

GONE = "run scene-1 was deleted"


@contextmanager
def quiet(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """No error may be logged meanwhile, not even by the event loop."""
    caplog.clear()
    yield
    assert [record.getMessage() for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}] == []


def delete(scene: Scene) -> None:
    """Delete the run as `swarm delete` does once its executor has left."""
    scene.journal.release_lease(scene.run_id, scene.epoch)
    remove_run(scene.journal, scene.run_id, (), period=5.0)


@pytest.mark.usefixtures("streamer")
def test_subscribers_are_told_once_that_their_run_was_deleted(
    settings: Settings, tokens: Tokens, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """Two clients of a deleted run get all its events, one message that it is over, and can ask for another run."""
    lively(scene)
    newest = scene.journal.last(scene.run_id)[0]

    async def test() -> None:
        async with connected(settings, tokens.view) as one, connected(settings, tokens.view) as two:
            for connection in (one, two):
                await connection.send('{"type":"subscribe","run":"scene","after":0}')
                await received(connection, is_event(newest))
            await asyncio.to_thread(delete, scene)
            told = [await received(each, lambda frame: frame["type"] == "error") for each in (one, two)]
            await asyncio.to_thread(lively, Scene(scene.journal, plan_of(8), RunId("other")))
            await one.send('{"type":"subscribe","run":"other"}')
            then = json.loads(await one.recv())

        for frames in told:
            assert frames[-1] == {"type": "error", "message": GONE, "over": True}
            assert not [frame for frame in frames if frame["type"] in {"reset", "snapshot"}]
        assert (then["type"], then["run"]["run_id"]) == ("snapshot", "other")  # and no second word on the other

    with quiet(caplog):
        run(test)


@pytest.mark.usefixtures("streamer")
def test_a_deleted_run_leaves_the_list(
    settings: Settings, tokens: Tokens, scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """The list of runs is sent again without it, and REST no longer knows it."""
    lively(scene)

    async def test() -> None:
        async with connected(settings, tokens.view) as connection:
            await connection.send('{"type":"subscribe","run":null}')
            first = json.loads(await connection.recv())
            await asyncio.to_thread(delete, scene)
            then = await received(connection, lambda frame: frame["type"] != "runs" or not frame["runs"])

        assert [one["run_id"] for one in first["runs"]] == ["scene-1"]
        assert then[-1] == {"type": "runs", "runs": []}

    with quiet(caplog):
        run(test)
    base, headers = f"http://127.0.0.1:{settings.http_port}", {"Authorization": f"Bearer {tokens.view}"}
    with httpx.Client(base_url=base, headers=headers, trust_env=False) as client:
        assert client.get("/api/orchestration/runs/scene-1").status_code == 404
        assert client.get("/api/orchestration/runs").json() == []


def test_a_run_that_had_not_begun_is_told_too(journal: Journal) -> None:
    """Whoever follows a run without any event learns of its end as well."""
    run_id = RunId("empty")
    journal.create(run_id, plan_of(2))

    async def test() -> None:
        frames = follow_journal(journal, Subscribe(run=run_id))
        first = await anext(frames)
        await asyncio.to_thread(remove_run, journal, run_id, (), period=5.0)

        assert isinstance(first, Snapshot)
        with pytest.raises(RunNotFound, match="run empty was deleted"):
            await anext(frames)

    run(test)


def test_the_list_is_read_while_runs_come_and_go(journal: Journal) -> None:
    """Whoever lists runs while others delete them gets those that are left, and no error."""
    hub = Hub(journal)

    def come_and_go() -> None:
        for number in range(40):
            delete(Scene(journal, plan_of(1), RunId(f"run-{number}")))

    with ThreadPoolExecutor(1) as threads:
        going = threads.submit(come_and_go)
        seen = 0
        while not going.done():
            seen += len(hub.runs())
        going.result()

    assert hub.runs() == ()
    assert seen > 0
