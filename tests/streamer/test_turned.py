"""Runs that are given another plan while somebody looks at them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from pathlib import Path

import pytest
from tests.streamer.test_deleted import quiet
from tests.streamer.test_stream import SECONDS, run

from prefect_swarm.core.events import RunResumed
from prefect_swarm.core.history import take_in
from prefect_swarm.core.settings import Settings
from prefect_swarm.journal.store import Journal
from prefect_swarm.journal.takeover import rewind
from prefect_swarm.streamer.client import follow_journal
from prefect_swarm.streamer.protocol import EventFrame, Reset, ServerFrame, Snapshot, Subscribe
from prefect_swarm.testing.scenes import Scene, item_of, plan_of

NEW = plan_of(9)


async def next_of(frames: AsyncGenerator[ServerFrame], kind: type[ServerFrame]) -> ServerFrame:
    """The next frame of a kind."""
    while not isinstance(frame := await asyncio.wait_for(anext(frames), SECONDS), kind):
        pass
    return frame


@pytest.mark.parametrize("same_process", [True, False], ids=["by the feed", "from another process"])
def test_followers_are_shown_the_new_plan(
    journal: Journal, settings: Settings, scene: Scene, caplog: pytest.LogCaptureFixture, *, same_process: bool
) -> None:
    """Where history turns, a follower is reset, sees the run whole with its new items, and then its events again."""
    scene.start(1)
    scene.verify(1)
    journal.release_lease(scene.run_id, scene.epoch)

    async def test() -> None:
        with closing(Journal.at(Path(settings.home))) as other:
            writer = journal if same_process else other
            async with aclosing(follow_journal(journal, Subscribe(run="scene", after=0))) as frames:
                await next_of(frames, Snapshot)
                turn = rewind(writer, scene.run_id, lambda history: take_in(history.now, NEW, frozenset()), period=5.0)
                await next_of(frames, Reset)
                shown = await next_of(frames, Snapshot)
                assert isinstance(shown, Snapshot)
                assert [item.id for item in shown.run.items] == [item_of(number) for number in range(1, 10)]
                assert (shown.run.stream, turn.plan.digest) == (2, NEW.digest)
                writer.append(scene.run_id, [RunResumed(reason="it was interrupted")])
                event = await next_of(frames, EventFrame)
                assert isinstance(event, EventFrame)
                assert (event.event.type, event.event.seq) == ("run_resumed", shown.run.seq + 1)

    with quiet(caplog):
        run(test)
