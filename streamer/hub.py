"""One place where all clients of a journal meet: each run is followed once, however many look at it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from prefect_swarm.core.errors import RunNotFound
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.progress import run_share
from prefect_swarm.journal.history import read_run
from prefect_swarm.journal.store import Journal, RunEntry
from prefect_swarm.streamer.protocol import BATCH, Runs, RunSummary, Subscribe, Subscriber
from prefect_swarm.streamer.sources import RunSource

LISTED = 50
"""Runs that a list shows."""
LIST_EVERY = 1.0
"""Seconds between two looks at the list of runs."""


class Hub:
    """The frames of a journal's runs, for any number of clients in one event loop."""

    def __init__(self, journal: Journal) -> None:
        """Follow nothing yet."""
        self.journal = journal
        self._sources: dict[RunId, RunSource] = {}
        self._opening = asyncio.Lock()
        self._listed: dict[RunId, tuple[int, RunSummary]] = {}

    async def frames(self, wish: Subscribe) -> AsyncGenerator[str, None]:
        """Give the frames of a subscription, for ever.

        Raises RunNotFound, also when the run is deleted meanwhile, and JournalError where it cannot be read.
        """
        if wish.run is None:
            async with aclosing(self._lists()) as texts:
                async for text in texts:
                    yield text
            return
        run_id = await asyncio.to_thread(self.journal.find, wish.run)
        async with self._followed(run_id) as source, aclosing(self._of_run(source, run_id, wish)) as texts:
            async for text in texts:
                yield text

    async def _of_run(self, source: RunSource, run_id: RunId, wish: Subscribe) -> AsyncGenerator[str, None]:
        subscriber = Subscriber(source.channel, wish)
        with source.watched() as changed:
            while True:
                changed.clear()
                frames = subscriber.due(self.journal.clock())
                if not frames and source.gone:
                    raise RunNotFound(f"run {run_id} was deleted")
                if not frames and subscriber.missing is not None:
                    after = subscriber.missing
                    past = await asyncio.to_thread(self.journal.records, run_id, after=after, limit=BATCH)
                    frames = subscriber.replay(past, self.journal.clock())
                elif not frames:
                    await changed.wait()
                for text in frames:
                    yield text

    @asynccontextmanager
    async def _followed(self, run_id: RunId) -> AsyncGenerator[RunSource, None]:
        async with self._opening:
            source = self._sources.get(run_id) or await RunSource.open(self.journal, run_id)
            self._sources[run_id] = source
            source.users += 1
        try:
            yield source
        finally:
            source.users -= 1
            if source.users == 0 and self._sources.get(run_id) is source:
                del self._sources[run_id]
                await source.close()

    # -- the list of runs ------------------------------------------------------------------------------------

    async def _lists(self) -> AsyncGenerator[str, None]:
        shown = ""
        while True:
            text = Runs(runs=await asyncio.to_thread(self.runs)).model_dump_json()
            if text != shown:
                yield text
            shown = text
            await asyncio.sleep(LIST_EVERY)

    def runs(self) -> tuple[RunSummary, ...]:
        """Give the newest runs in one line each; a run is folded again only when it has new records."""
        summaries = map(self._summary, self.journal.runs()[:LISTED])
        return tuple(one for one in summaries if one is not None)

    def _summary(self, entry: RunEntry) -> RunSummary | None:
        try:
            return self._summarised(entry)
        except RunNotFound:  # deleted since the list was read
            self._listed.pop(entry.run_id, None)
            return None

    def _summarised(self, entry: RunEntry) -> RunSummary:
        seq, _ = self.journal.last(entry.run_id)
        alive = self.journal.holder(entry.run_id) is not None
        known = self._listed.get(entry.run_id)
        if known is None or known[0] != seq:
            known = (seq, summarise(self.journal, entry))
            self._listed[entry.run_id] = known
        return known[1].model_copy(update={"alive": alive})


def summarise(journal: Journal, entry: RunEntry) -> RunSummary:
    """Fold a run into one line."""
    now = read_run(journal, entry.run_id)
    return RunSummary(
        run_id=entry.run_id,
        project=entry.project,
        created=entry.created,
        status=now.state.status,
        percent=100 * run_share(now.plan, now.state),
        rehearsal=now.plan.rehearsal,
        alive=journal.holder(entry.run_id) is not None,
    )
