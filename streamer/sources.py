"""How a run's records come out of the journal, from whichever process they were written.

Two ways lead here, and both end in `Channel.take`, which passes over what it knows:

1. Commits of this process are told by the journal's feed, at once, in the committing thread.
2. Commits of other processes are found by asking for the newest number ten times a second.
"""

import asyncio
import contextlib
import time
from collections.abc import Generator

from prefect_swarm.core.errors import JournalError, RunNotFound
from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal.history import read_run
from prefect_swarm.journal.store import Journal
from prefect_swarm.streamer.protocol import Channel, Gap, Turned

POLL = 0.1
"""Seconds between two looks at the journal."""
REST = 1.0
"""Seconds between two looks where nothing is expected: the run has ended, or the journal is away."""
PULSE = 0.5
"""Seconds between two looks at who executes the run."""
COALESCE = 0.05
"""Seconds over which changes are gathered into one update, at least."""
SHARE = 4
"""An update is gathered for at least this many times as long as the last one took to make."""


class RunSource:
    """One run of the journal, followed live into a channel for as long as it is open."""

    def __init__(self, journal: Journal, run_id: RunId, channel: Channel) -> None:
        """Belong to a loop from `start` on."""
        self.channel = channel
        self.users = 0
        self.gone = False
        """The run was deleted: nothing more comes."""
        self._journal, self._run_id = journal, run_id
        self._changed: set[asyncio.Event] = set()
        self._hurry = asyncio.Event()
        self._settling: asyncio.TimerHandle | None = None
        self._cost = 0.0
        self._told = ""
        self._looked = time.monotonic()

    @classmethod
    async def open(cls, journal: Journal, run_id: RunId) -> "RunSource":
        """Fold the run as it stands and begin to follow it. Raises JournalError where it cannot be read."""
        now = await asyncio.to_thread(read_run, journal, run_id)
        source = cls(journal, run_id, Channel(now.plan, now.state))
        source.channel.alive = await asyncio.to_thread(source._executed)
        source._start()
        return source

    def _start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._unsubscribe = self._journal.feed.subscribe(self._hand_over)
        self._task = self._loop.create_task(self._follow(), name=f"follow {self._run_id}")

    async def close(self) -> None:
        """Stop following."""
        self._unsubscribe()
        self._task.cancel()
        if self._settling is not None:
            self._settling.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @contextlib.contextmanager
    def watched(self) -> Generator[asyncio.Event, None, None]:
        """Give an event that is set whenever the channel has something new."""
        changed = asyncio.Event()
        self._changed.add(changed)
        try:
            yield changed
        finally:
            self._changed.discard(changed)

    # -- from this process -----------------------------------------------------------------------------------

    def _hand_over(self, records: tuple[Record, ...]) -> None:
        if records and records[0].run_id == self._run_id:
            with contextlib.suppress(RuntimeError):  # the loop was closed between unsubscribing and this call
                self._loop.call_soon_threadsafe(self._arrived, records)

    def _arrived(self, records: tuple[Record, ...]) -> None:
        try:
            new = self.channel.take(records)
        except (Gap, Turned):
            self._hurry.set()  # another process wrote in between, or history has changed; the journal has it all
        except JournalError as error:
            self._complain(error)
        else:
            if new:
                self._wake()
                self._settle_soon()

    # -- from any process ------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            pause = POLL
            try:
                await self._look()
                self._told = ""
            except RunNotFound:
                self.gone = True
                self._wake()
                return
            except JournalError as error:
                self._complain(error)
                pause = REST
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), REST if self._quiet else pause)

    async def _look(self) -> None:
        known = self.channel.state.seq
        newest, _ = await asyncio.to_thread(self._journal.last, self._run_id)
        if newest == 0 and not await asyncio.to_thread(self._journal.has, self._run_id):
            raise RunNotFound(f"run {self._run_id} was deleted")
        if newest < known:
            await self._restore()
        elif newest > self.channel.state.seq:
            await self._catch_up(known)
        if not self._quiet and time.monotonic() - self._looked >= PULSE:
            await self._check_executor()

    async def _catch_up(self, known: int) -> None:
        records = await asyncio.to_thread(self._journal.records, self._run_id, after=known)
        if records[-1].stream == self.channel.state.stream:
            self._arrived(records)
        else:
            await self._restore()

    async def _restore(self) -> None:
        """The journal was put back to an earlier point, or history was turned: begin anew."""
        now = await asyncio.to_thread(read_run, self._journal, self._run_id)
        self.channel.restart(now.plan, now.state)
        self._wake()

    async def _check_executor(self) -> None:
        self._looked = time.monotonic()
        alive = await asyncio.to_thread(self._executed)
        if alive != self.channel.alive:
            self.channel.alive = alive
            self._settle_soon()

    def _executed(self) -> bool:
        return self._journal.holder(self._run_id) is not None

    @property
    def _quiet(self) -> bool:
        return self.channel.state.status.ended and not self.channel.alive

    # -- to the subscribers ----------------------------------------------------------------------------------

    def _settle_soon(self) -> None:
        if self._settling is None:
            self._settling = self._loop.call_later(max(COALESCE, SHARE * self._cost), self._settle)

    def _settle(self) -> None:
        self._settling = None
        begun = time.perf_counter()
        if self.channel.settle(self._journal.clock()):
            self._wake()
        self._cost = time.perf_counter() - begun

    def _complain(self, error: JournalError) -> None:
        if str(error) != self._told:
            self._told = str(error)
            self.channel.complain(self._told)
            self._wake()

    def _wake(self) -> None:
        for changed in self._changed:
            changed.set()
