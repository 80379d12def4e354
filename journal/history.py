"""The past of a run: its checkpoints, and where it stood at each of them, folded from the journal when asked for."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from prefect_swarm.core.errors import Damaged, RunNotFound, UsageError
from prefect_swarm.core.events import Record
from prefect_swarm.core.history import Mark, marks_of
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.reuse import Past
from prefect_swarm.core.state import initial_state
from prefect_swarm.journal.schema import documents, runs
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
        return Past(self.origin if known else _stored(self.journal, self.run_id, state.plan), state)


def read_history(journal: Journal, run_id: RunId) -> History:
    """Read a run's past. Raises RunNotFound, Damaged naming a record that is not what was written."""
    with journal.reading() as connection:
        digest = connection.scalar(select(runs.c.origin).where(runs.c.run_id == run_id))
    if digest is None:
        raise RunNotFound(f"no run {run_id}")
    return History(journal, run_id, _stored(journal, run_id, digest), journal.records(run_id))


def read_run(journal: Journal, run_id: RunId) -> Past:
    """Give plan and state of a run, which fit each other whatever is written meanwhile. Raises RunNotFound."""
    state = journal.state(run_id)
    return Past(_stored(journal, run_id, state.plan) if state.plan else journal.plan(run_id), state)


def _stored(journal: Journal, run_id: RunId, digest: str) -> Plan:
    """Give a plan that a run went by at some time."""
    with journal.reading() as connection:
        body = connection.scalar(select(documents.c.body).where(documents.c.digest == digest))
    if body is None or "sha256:" + hashlib.sha256(body).hexdigest() != digest:
        raise Damaged(f"the plan of run {run_id} is damaged; restore the journal from a backup")
    return Plan.model_validate_json(body)
