"""The one door to the journal: append what happened, read it back verified, fold it.

Every append is one transaction: the lease's epoch is looked at, the next numbers are given and the records
written together, or nothing is. When `append` returns, the records survive a power cut.
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, delete, insert, select

from prefect_swarm.core.errors import Fenced, JournalError, RunHeld, RunNotFound
from prefect_swarm.core.events import Event, Record, RunRewound
from prefect_swarm.core.ids import RunId, plain_run_id
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.state import RunState, initial_state
from prefect_swarm.journal import entries, lease, schema
from prefect_swarm.journal.chain import START, Row, encode, missing, seal
from prefect_swarm.journal.database import give_back, open_database
from prefect_swarm.journal.failpoint import failpoint
from prefect_swarm.journal.feed import Feed
from prefect_swarm.journal.lease import Holder, Moment
from prefect_swarm.journal.memory import undisturbed
from prefect_swarm.journal.trouble import told

Clock = Callable[[], float]
UNUSABLE = "the journal cannot be used"


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run as the journal lists it."""

    run_id: RunId
    project: str
    created: float


class Journal:
    """A journal of runs in a database; safe to use from many threads and processes."""

    def __init__(self, url: str, *, clock: Clock = time.time, monotonic: Clock = time.monotonic) -> None:
        """Open the journal at a SQLAlchemy URL. Raises JournalError where that fails."""
        self.url = url
        self.clock = clock
        self.feed = Feed()
        self._monotonic = monotonic
        self._engine = open_database(url)
        self._appending = threading.RLock()

    @classmethod
    def at(cls, folder: Path, *, clock: Clock = time.time, monotonic: Clock = time.monotonic) -> "Journal":
        """Open the SQLite journal of a state folder, made with mode 0700 where it is missing."""
        with told(f"the folder {folder} cannot be made"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = URL.create("sqlite", database=str(folder / "journal.db"))  # which quotes what a folder may be called
        return cls(url.render_as_string(), clock=clock, monotonic=monotonic)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # -- runs ------------------------------------------------------------------------------------------------

    def create(self, run_id: RunId, plan: Plan) -> None:
        """Make a run known, with its plan.

        Raises JournalError where the run exists with another plan, UsageError where the id is no plain name.
        """
        plain_run_id(run_id)
        with self.writing() as connection:
            found = entries.find(connection, run_id)
            if found is None:
                digest = entries.store_plan(connection, run_id, plan)
                entry = entries.Entry(
                    *(run_id, plan.project.name, digest, digest, float(self.clock())),
                    stream=1,
                    head=0,
                    epoch=0,
                    seal="",
                )
                entries.add(connection, entry)
            elif found.plan != plan.digest:
                raise JournalError(f"run {run_id} exists with another plan: start a new run, or resume this one")

    def runs(self) -> tuple[RunEntry, ...]:
        """All runs, the newest first."""
        with self.reading() as connection:
            found = entries.newest_first(connection)
        return tuple(RunEntry(RunId(entry.run_id), entry.project, entry.created) for entry in found)

    def has(self, run_id: RunId) -> bool:
        """Whether there is such a run."""
        with self.reading() as connection:
            return entries.find(connection, run_id) is not None

    def find(self, word: str) -> RunId:
        """Give the run that a word means: an id, the only id that begins so, or `last`.

        Raises RunNotFound, naming the runs it could have been.
        """
        known = [entry.run_id for entry in self.runs()]
        if not known:
            raise RunNotFound("no run yet: `swarm run FILE` starts one")
        if word == "last" and known:
            return known[0]
        fitting = [word] if word in known else [run_id for run_id in known if run_id.startswith(word)]
        if len(fitting) == 1:
            return RunId(fitting[0])
        hint = ", ".join(fitting or known[:5])
        raise RunNotFound(f"{'several runs begin' if fitting else 'no run begins'} with {word!r}; runs: {hint}")

    def plan(self, run_id: RunId) -> Plan:
        """Give the plan that a run goes by now. Raises RunNotFound."""
        with self.reading() as connection:
            return entries.load_plan(connection, run_id, entries.get(connection, run_id).plan)

    def origin(self, run_id: RunId) -> Plan:
        """Give the plan that a run began with. Raises RunNotFound."""
        with self.reading() as connection:
            return entries.load_plan(connection, run_id, entries.get(connection, run_id).origin)

    def stored_plan(self, run_id: RunId, digest: str) -> Plan:
        """Give a plan that a run goes by, or once did. Raises RunNotFound, Damaged where there is none."""
        with self.reading() as connection:
            return entries.load_plan(connection, run_id, digest)

    def bind(self, flow_run_id: str, run_id: RunId) -> None:
        """Remember that a Prefect flow run executes a run, so that its hooks find it from any process."""
        with self.writing() as connection:
            connection.execute(delete(schema.flow_runs).where(schema.flow_runs.c.flow_run_id == flow_run_id))
            connection.execute(insert(schema.flow_runs).values(flow_run_id=flow_run_id, run_id=run_id))

    def run_of(self, flow_run_id: str) -> RunId | None:
        """Give the run that a Prefect flow run executes, or None."""
        query = select(schema.flow_runs.c.run_id).where(schema.flow_runs.c.flow_run_id == flow_run_id)
        with self.reading() as connection:
            found = connection.scalar(query)
        return None if found is None else RunId(found)

    # -- events ----------------------------------------------------------------------------------------------

    def append(
        self, run_id: RunId, events: Sequence[Event], *, epoch: int = 0, plan: Plan | None = None
    ) -> tuple[Record, ...]:
        """Write events in one transaction and tell the listeners; durable when this returns.

        `epoch` is the executor's; 0 for one who holds no lease (hooks of another process). With `plan` the run goes
        by that one from here on. RunRewound begins a new stream.
        Raises Fenced where another executor has taken over, Damaged where records are lost; nothing is written then.
        """
        if not events:
            return ()
        with self._appending:
            with self.writing() as connection:
                records = self._append(connection, run_id, events, epoch=epoch, plan=plan)
                failpoint("before_commit")
            failpoint("after_commit")
            self.feed.publish(records)
            failpoint("before_outbox_ack")
            return records

    def _append(
        self, connection: Connection, run_id: RunId, events: Sequence[Event], *, epoch: int, plan: Plan | None
    ) -> tuple[Record, ...]:
        end = entries.end_of(connection, run_id)
        entry, previous = end.entry, end.seal
        if epoch and entry.epoch != epoch:
            raise Fenced(f"run {run_id} was taken over by another executor")
        if end.seq != entry.head:
            raise missing(run_id, min(end.seq, entry.head) + 1)
        if plan is not None:
            entry = entry._replace(plan=entries.store_plan(connection, run_id, plan), project=plan.project.name)
        at = float(self.clock())
        records, rows = list[Record](), list[Row]()
        for event in events:
            entry = entry._replace(head=entry.head + 1, stream=entry.stream + isinstance(event, RunRewound))
            row = Row(run_id, entry.head, entry.stream, at, *encode(event), epoch, seal="")
            previous = seal(previous, row)
            rows.append(row._replace(seal=previous))
            records.append(Record(run_id, row.stream, row.seq, at, event))
        entries.write(connection, rows)
        entries.change(connection, entry)
        return tuple(records)

    def records(self, run_id: RunId, *, after: int = 0, limit: int | None = None) -> tuple[Record, ...]:
        """Read the records that follow `after`, in order.

        Raises RunNotFound, Damaged naming a record that is not what was written.
        """
        with self.reading() as connection:
            return tuple(entries.read(connection, entries.get(connection, run_id), after=after, limit=limit))

    def state(self, run_id: RunId, plan: Plan | None = None) -> RunState:
        """Fold the state of a run from all its records; a plan at hand need not be loaded if it was the first one."""
        with self.reading() as connection, undisturbed():
            entry = entries.get(connection, run_id)
            known = plan is not None and plan.digest == entry.origin
            origin = plan if plan is not None and known else entries.load_plan(connection, run_id, entry.origin)
            with closing(entries.read(connection, entry)) as records:
                return fold(initial_state(run_id, origin), records)

    def last(self, run_id: RunId) -> tuple[int, str]:
        """Give number and seal of the newest record; (0, 64 zeros) before the first."""
        table = schema.events
        query = select(table.c.seq, table.c.seal).where(table.c.run_id == run_id).order_by(table.c.seq.desc()).limit(1)
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
        return (0, START) if row is None else (row.seq, row.seal)

    # -- lease -----------------------------------------------------------------------------------------------

    def take_lease(self, run_id: RunId, *, period: float) -> int:
        """Take the lease of a run for `period` seconds and give the new epoch.

        Raises RunHeld naming the holder, RunNotFound where there is no such run.
        """
        with self.writing() as connection:
            entry = entries.lock(connection, run_id)
            taken = lease.take(connection, run_id, self._now(), known=entry.epoch, period=period)
            if isinstance(taken, int):
                entries.change(connection, entry._replace(epoch=taken))
        if isinstance(taken, Holder):
            raise RunHeld(f"run {run_id} is being executed by {taken}: watch it, or wait until it ends")
        return taken

    def beat(self, run_id: RunId, epoch: int) -> None:
        """Prolong the lease. Raises Fenced where another executor has taken over."""
        with self.writing() as connection:
            lease.beat(connection, run_id, epoch, self._now())

    def release_lease(self, run_id: RunId, epoch: int) -> None:
        """Give the lease back."""
        with self.writing() as connection:
            lease.release(connection, run_id, epoch)

    def holder(self, run_id: RunId) -> Holder | None:
        """Who executes the run now: None where nobody holds it, or the holder is dead or silent beyond its period."""
        with self.reading() as connection:
            entry = entries.find(connection, run_id)
            return None if entry is None else lease.live_holder(connection, run_id, self._now(), known=entry.epoch)

    def _now(self) -> Moment:
        return Moment(float(self.clock()), float(self._monotonic()))

    # -- connections -----------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """Open a transaction that nobody else can write into before it ends; for the modules of this room."""
        with told(UNUSABLE), self._engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """Open the tables to be read, in SQLite all of one moment; for the modules of this room."""
        with told(UNUSABLE), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")
            yield connection

    def give_back(self) -> None:
        """Give the space that nothing needs any more back to the disk."""
        with told(UNUSABLE):
            give_back(self._engine)
