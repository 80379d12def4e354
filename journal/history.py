"""The past of a run: its checkpoints, and where it stood at each of them, folded from the journal when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect_swarm.core.errors import UsageError
from prefect_swarm.core.events import Record
from prefect_swarm.core.history import Mark, marks_of
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.reuse import Past
from prefect_swarm.core.state import initial_state
from prefect_swarm.journal.store import Journal


@dataclass(frozen=True, slots=True)
class History:
    """All that has happened in a run so far."""

    journal: Journal
    run_id: RunId
    origin: Plan
    records: tuple[Record, ...]

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The checkpoints, in their order."""
        return marks_of(self.records, len(self.origin.items))

    @property
    def now(self) -> Past:
        """Where the run stands."""
        return self._past(self.records)

    def mark(self, number: int) -> Mark:
        """Give a checkpoint by its number. Raises UsageError naming those that there are."""
        found = next((mark for mark in self.marks if mark.number == number), None)
        if found is None:
            there = ", ".join(str(mark.number) for mark in self.marks) or "none yet"
            raise UsageError(f"run {self.run_id} has no checkpoint {number}; it has: {there}")
        return found

    def at(self, mark: Mark) -> Past:
        """Where the run stood at a checkpoint."""
        return self._past(self.records[: mark.seq])

    def _past(self, records: Sequence[Record]) -> Past:
        state = fold(initial_state(self.run_id, self.origin), records)
        known = state.plan in {"", self.origin.digest}
        return Past(self.origin if known else self.journal.stored_plan(self.run_id, state.plan), state)


def read_history(journal: Journal, run_id: RunId) -> History:
    """Read a run's past. Raises RunNotFound, Damaged naming a record that is not what was written."""
    return History(journal, run_id, journal.origin(run_id), journal.records(run_id))


def read_run(journal: Journal, run_id: RunId) -> Past:
    """Give plan and state of a run, which fit each other whatever is written meanwhile. Raises RunNotFound."""
    state = journal.state(run_id)
    return Past(journal.stored_plan(run_id, state.plan) if state.plan else journal.plan(run_id), state)
