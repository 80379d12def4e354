"""A run held by this process: from the moment its lease is taken to the moment it is given back. No Prefect here."""

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Self

from prefect_swarm.agents.supervisor import end_marked
from prefect_swarm.core.errors import JournalError
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal.lease import Pulse
from prefect_swarm.journal.store import Journal


class Tenure:
    """The lease of a run, taken when this is made and prolonged until `end`.

    The command line takes it before anything slow is started and the flow ends it, so that at no moment two
    processes believe that the run is theirs. Agents that an executor left behind when it was killed are ended.
    """

    def __init__(self, journal: Journal, run_id: RunId, *, period: float, lost: Callable[[JournalError], None]) -> None:
        """Take the lease for `period` seconds and beat; `lost` is told once when it cannot be kept.

        Raises RunHeld naming the holder, RunNotFound where there is no such run, Fenced where another has followed.
        """
        self.run_id = run_id
        self.epoch = journal.take_lease(run_id, period=period)
        self._journal = journal
        self._ending = threading.Lock()
        self._beating = ExitStack()
        self._beating.enter_context(Pulse(lambda: journal.beat(run_id, self.epoch), period=period / 3, lost=lost))
        try:
            # Whoever was stopped after it took the lease may go on when its successor's agents are at work already:
            # so those are ended who were there before the lease was certainly still ours.
            end_marked({"SWARM_RUN": run_id}, sure=lambda: journal.beat(run_id, self.epoch))
        except JournalError:
            self._beating.close()
            raise

    def __enter__(self) -> Self:
        """Hold the run, which it does already."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """End it."""
        self.end()

    def end(self) -> None:
        """Stop beating and give the lease back; harmless when done twice, or when another has taken over."""
        with self._ending:
            self._beating.close()
            with suppress(JournalError):  # a journal that is away: the lease runs out by itself
                self._journal.release_lease(self.run_id, self.epoch)
