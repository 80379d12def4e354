"""What the conductor and the attempts of one run share in this process: the state, and the only way to change it."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from prefect_swarm.core.errors import Fenced, StorageFailed
from prefect_swarm.core.events import Event, Record
from prefect_swarm.core.graph import efforts, ranks
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.ports import Slots
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.settings import Settings
from prefect_swarm.core.state import RunState
from prefect_swarm.journal.store import Journal
from prefect_swarm.tasks.control import Control
from prefect_swarm.tasks.gate import Gate


@dataclass(frozen=True, slots=True)
class Hold:
    """The lease of a run, as an executor has it."""

    run_id: RunId
    epoch: int


class Execution:
    """One executor's hold on a run; the live state is always that of the journal or ahead of it by nothing."""

    def __init__(
        self, journal: Journal, plan: Plan, *, hold: Hold, settings: Settings, control: Control, slots: Slots
    ) -> None:
        """Fold the run's state from the journal."""
        self.journal, self.plan, self.hold, self.settings, self.control = journal, plan, hold, settings, control
        self.slots = slots
        self.ranks = ranks(plan, efforts(plan))
        self.gate = Gate(settings.max_parallel, self.ranks, draining=control.draining.is_set)
        self._changed = threading.Condition(threading.RLock())
        self._pokes = 0
        self._state = journal.state(hold.run_id, plan)

    @property
    def run_id(self) -> RunId:
        """The run that is executed."""
        return self.hold.run_id

    @property
    def state(self) -> RunState:
        """Where the run stands now."""
        return self._state

    def record(self, *events: Event) -> tuple[Record, ...]:
        """Write events and fold them; durable when this returns.

        Raises IllegalEvent where they cannot follow from the state, Fenced where another executor has taken
        over, StorageFailed where they cannot be written; nothing is changed then, and after the latter two the run
        is given up.
        """
        with self._changed:
            self._try(events)
            try:
                records = self._append(events)
            except (Fenced, StorageFailed) as trouble:
                self.control.give_up(trouble)
                raise
            self._state = fold(self._state, records)
            self._changed.notify_all()
            return records

    def _append(self, events: tuple[Event, ...]) -> tuple[Record, ...]:
        """Write events; gives all records that the state does not know yet."""
        records = self.journal.append(self.run_id, events, epoch=self.hold.epoch)
        if records[0].seq == self._state.seq + 1:
            return records
        return self.journal.records(self.run_id, after=self._state.seq)  # a hook in another process wrote meanwhile

    def _try(self, events: tuple[Event, ...]) -> None:
        at = self.journal.clock()
        fold(self._state, [Record(self.run_id, self._state.stream, 0, at, event) for event in events])

    def poke(self) -> None:
        """Wake whoever waits, although nothing was written."""
        with self._changed:
            self._pokes += 1
            self._changed.notify_all()

    def wait(self, after: int, timeout: float | None) -> RunState:
        """Wait until the state is newer than `after`, somebody pokes, or so many seconds are over."""
        with self._changed:
            pokes = self._pokes
            self._changed.wait_for(lambda: self._state.seq > after or self._pokes > pokes, timeout)
            return self._state


_executions: dict[RunId, Execution] = {}


@contextmanager
def registered(execution: Execution) -> Generator[Execution, None, None]:
    """Let the tasks and hooks of this process find the execution by the run's id, as long as it lasts."""
    _executions[execution.run_id] = execution
    try:
        yield execution
    finally:
        del _executions[execution.run_id]


def execution_of(run_id: RunId) -> Execution | None:
    """Give the execution of a run in this process, None where there is none."""
    return _executions.get(run_id)


def execution_of_flow_run(flow_run_id: str) -> Execution | None:
    """Give the execution in this process that a Prefect flow run is, None where there is none."""
    return next((one for one in _executions.values() if one.state.flow_run_id == flow_run_id), None)
