"""The one door to the journal: append what happened, read it back verified, fold it.

Every append is one transaction: the lease's epoch is looked at, the next numbers are given and the records
written together, or nothing is. When `append` returns, the records survive a power cut.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from prefect_swarm.core.errors import Fenced, JournalError, RunHeld, RunNotFound
from prefect_swarm.core.events import Event, Record
from prefect_swarm.core.ids import RunId, plain_run_id
from prefect_swarm.core.plan import Plan
from prefect_swarm.core.reducer import fold
from prefect_swarm.core.state import RunState, initial_state
from prefect_swarm.journal import lease, schema
from prefect_swarm.journal.chain import START, Row, encode, missing, seal, unseal
from prefect_swarm.journal.database import give_back, open_database
from prefect_swarm.journal.failpoint import failpoint
from prefect_swarm.journal.feed import Feed
from prefect_swarm.journal.lease import Holder

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run as the journal lists it."""

    run_id: RunId
    project: str
    created: float


class Journal:
    """A journal of runs in a database; safe to use from many threads and processes."""

    def __init__(self, url: str, *, clock: Clock = time.time) -> None:
        """Open the journal at a SQLAlchemy URL. Raises JournalError where that fails."""
        self.url = url
        self.clock = clock
        self.feed = Feed()
        self._engine = open_database(url)
        self._appending = threading.RLock()

    @classmethod
    def at(cls, folder: Path, *, clock: Clock = time.time) -> "Journal":
        """Open the SQLite journal of a state folder, made with mode 0700 where it is missing."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        url = URL.create("sqlite", database=str(folder / "journal.db"))  # which quotes what a folder may be called
        return cls(url.render_as_string(), clock=clock)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    # -- runs ------------------------------------------------------------------------------------------------

    def create(self, run_id: RunId, plan: Plan) -> None:
        """Make a run known, with its plan.

        Raises JournalError where the run exists with another plan, UsageError where the id is no plain name.
        """
        plain_run_id(run_id)
        body = plan.model_dump_json().encode()
        with self._write() as connection:
            found = connection.scalar(select(schema.runs.c.plan).where(schema.runs.c.run_id == run_id))
            if found is None:
                _store(connection, plan.digest, body)
                row = {
                    "run_id": run_id,
                    "project": plan.project.name,
                    "plan": plan.digest,
                    "created": self.clock(),
                    "stream": 1,
                    "head": 0,
                }
                connection.execute(insert(schema.runs).values(row))
            elif found != plan.digest:
                raise JournalError(f"run {run_id} exists with another plan: start a new run, or resume this one")

    def runs(self) -> tuple[RunEntry, ...]:
        """All runs, the newest first."""
        with self._read() as connection:
            rows = connection.execute(select(schema.runs).order_by(schema.runs.c.created.desc()))
            return tuple(RunEntry(RunId(row.run_id), row.project, row.created) for row in rows)

    def has(self, run_id: RunId) -> bool:
        """Whether there is such a run."""
        with self._read() as connection:
            return connection.scalar(select(schema.runs.c.run_id).where(schema.runs.c.run_id == run_id)) is not None

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
        """Give the plan of a run. Raises RunNotFound."""
        with self._read() as connection:
            digest = connection.scalar(select(schema.runs.c.plan).where(schema.runs.c.run_id == run_id))
            if digest is None:
                raise RunNotFound(f"no run {run_id}")
            body = connection.scalar(select(schema.documents.c.body).where(schema.documents.c.digest == digest))
        if body is None or "sha256:" + hashlib.sha256(body).hexdigest() != digest:
            raise JournalError(f"the plan of run {run_id} is damaged; restore the journal from a backup")
        return Plan.model_validate_json(body)

    def bind(self, flow_run_id: str, run_id: RunId) -> None:
        """Remember that a Prefect flow run executes a run, so that its hooks find it from any process."""
        with self._write() as connection:
            connection.execute(delete(schema.flow_runs).where(schema.flow_runs.c.flow_run_id == flow_run_id))
            connection.execute(insert(schema.flow_runs).values(flow_run_id=flow_run_id, run_id=run_id))

    def run_of(self, flow_run_id: str) -> RunId | None:
        """Give the run that a Prefect flow run executes, or None."""
        query = select(schema.flow_runs.c.run_id).where(schema.flow_runs.c.flow_run_id == flow_run_id)
        with self._read() as connection:
            found = connection.scalar(query)
        return None if found is None else RunId(found)

    # -- events ----------------------------------------------------------------------------------------------

    def append(self, run_id: RunId, events: Sequence[Event], *, epoch: int = 0) -> tuple[Record, ...]:
        """Write events in one transaction and tell the listeners; durable when this returns.

        `epoch` is the executor's; 0 for one who holds no lease (hooks of another process).
        Raises Fenced where another executor has taken over, Damaged where records are lost; nothing is written then.
        """
        if not events:
            return ()
        with self._appending:
            with self._write() as connection:
                records = self._append(connection, run_id, events, epoch)
                failpoint("before_commit")
            failpoint("after_commit")
            self.feed.publish(records)
            failpoint("before_outbox_ack")
            return records

    def _append(self, connection: Connection, run_id: RunId, events: Sequence[Event], epoch: int) -> tuple[Record, ...]:
        run = _locked(connection, run_id)
        if epoch and lease.current(connection, run_id)[0] != epoch:
            raise Fenced(f"run {run_id} was taken over by another executor")
        last, checksum = _last(connection, run_id)
        if last != run.head:
            raise missing(run_id, min(last, run.head) + 1)
        at = self.clock()
        records, rows = list[Record](), list[Row]()
        for seq, event in enumerate(events, last + 1):
            row = seal(checksum, Row(run_id, seq, run.stream, at, *encode(event), epoch, checksum=""))
            checksum = row.checksum
            records.append(Record(run_id, row.stream, seq, at, event))
            rows.append(row)
        connection.execute(insert(schema.events), [row._asdict() for row in rows])
        connection.execute(update(schema.runs).where(schema.runs.c.run_id == run_id).values(head=rows[-1].seq))
        return tuple(records)

    def records(self, run_id: RunId, *, after: int = 0, limit: int | None = None) -> tuple[Record, ...]:
        """Read the records that follow `after`, in order. Raises Damaged naming one that is not what was written."""
        table = schema.events
        query = select(table).where(table.c.run_id == run_id, table.c.seq > after).order_by(table.c.seq).limit(limit)
        with self._read() as connection:
            head = connection.scalar(select(schema.runs.c.head).where(schema.runs.c.run_id == run_id)) or 0
            previous = START if after == 0 else _checksum(connection, run_id, after)
            rows = [Row(*row) for row in connection.execute(query)]
        records = tuple(unseal(run_id, rows, previous=previous, after=after))
        if len(records) < min(head - after, limit if limit is not None else head):
            raise missing(run_id, after + len(records) + 1)
        return records

    def state(self, run_id: RunId, plan: Plan | None = None) -> RunState:
        """Fold the state of a run from all its records."""
        return fold(initial_state(run_id, plan or self.plan(run_id)), self.records(run_id))

    def last(self, run_id: RunId) -> tuple[int, str]:
        """Give number and checksum of the newest record; (0, 64 zeros) before the first."""
        with self._read() as connection:
            return _last(connection, run_id)

    # -- lease ------------ ----------------------------------------------------------------------------------

    def take_lease(self, run_id: RunId, *, period: float) -> int:
        """Take the lease of a run for `period` seconds and give the new epoch.

        Raises RunHeld naming the holder, RunNotFound where there is no such run.
        """
        with self._write() as connection:
            _locked(connection, run_id)
            taken = lease.take(connection, run_id, now=self.clock(), period=period)
        if isinstance(taken, Holder):
            raise RunHeld(f"run {run_id} is being executed by {taken}: watch it, or wait until it ends")
        return taken

    def beat(self, run_id: RunId, epoch: int) -> None:
        """Prolong the lease. Raises Fenced where another executor has taken over."""
        with self._write() as connection:
            lease.beat(connection, run_id, epoch, now=self.clock())

    def release_lease(self, run_id: RunId, epoch: int) -> None:
        """Give the lease back."""
        with self._write() as connection:
            lease.release(connection, run_id, epoch)

    def holder(self, run_id: RunId) -> Holder | None:
        """Who executes the run now, None where nobody living does."""
        with self._read() as connection:
            found = lease.current(connection, run_id)[1]
        return None if found is None or found.dead else found

    # -- connections -----------------------------------------------------------------------------------------

    @contextmanager
    def _write(self) -> Generator[Connection]:
        """Open a transaction that nobody else can write into before it ends."""
        with _mapped(), self._engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def reading(self) -> AbstractContextManager[Connection]:
        """Open the tables to be read, for other modules of this room."""
        return self._read()

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction on the tables that nobody else can write into, for other modules of this room."""
        return self._write()

    def give_back(self) -> None:
        """Give the space that nothing needs any more back to the disk."""
        with _mapped():
            give_back(self._engine)

    @contextmanager
    def _read(self) -> Generator[Connection]:
        with _mapped(), self._engine.connect() as connection:
            yield connection


@contextmanager
def _mapped() -> Generator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise JournalError(f"the journal cannot be used: {str(error).splitlines()[0]}") from error


def _store(connection: Connection, digest: str, body: bytes) -> None:
    # Locked, so that nobody removes it as unused before the run that uses it is committed.
    found = select(schema.documents.c.digest).where(schema.documents.c.digest == digest).with_for_update(read=True)
    known = connection.scalar(found)
    if known is None:
        connection.execute(insert(schema.documents).values(digest=digest, body=body))


def _locked(connection: Connection, run_id: RunId) -> sqlalchemy.Row[Any]:
    """Give a run's row, which nobody else changes before the transaction ends."""
    row = connection.execute(select(schema.runs).where(schema.runs.c.run_id == run_id).with_for_update()).one_or_none()
    if row is None:
        raise RunNotFound(f"no run {run_id}")
    return row


def _last(connection: Connection, run_id: RunId) -> tuple[int, str]:
    table = schema.events
    query = select(table.c.seq, table.c.checksum).where(table.c.run_id == run_id).order_by(table.c.seq.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return (0, START) if row is None else (row.seq, row.checksum)


def _checksum(connection: Connection, run_id: RunId, seq: int) -> str:
    table = schema.events
    found = connection.scalar(select(table.c.checksum).where(table.c.run_id == run_id, table.c.seq == seq))
    return START if found is None else found
