"""What the tables hold of a run: its entry, its plans and its records, each verified when it is read."""

import hashlib
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from prefect_swarm.core.errors import Damaged, RunNotFound
from prefect_swarm.core.events import Record
from prefect_swarm.core.ids import RunId
from prefect_swarm.core.plan import Plan
from prefect_swarm.journal.chain import START, Row, missing, stamp, unseal
from prefect_swarm.journal.memory import undisturbed
from prefect_swarm.journal.schema import documents, events, plans, runs

AT_ONCE = 500
"""Records that are in memory at the same time while many are read."""


class Entry(NamedTuple):
    """A run as it is entered in the table; the fields are its columns."""

    run_id: str
    project: str
    origin: str
    plan: str
    created: float
    stream: int
    head: int
    epoch: int
    seal: str


class End(NamedTuple):
    """Where the next record of a run is to be written."""

    entry: Entry
    seq: int
    seal: str


def find(connection: Connection, run_id: RunId) -> Entry | None:
    """Give the entry of a run, None where there is none. Raises Damaged where it is not what was written."""
    row = connection.execute(select(runs).where(runs.c.run_id == run_id)).one_or_none()
    return None if row is None else _intact(row)


def get(connection: Connection, run_id: RunId) -> Entry:
    """Give the entry of a run. Raises RunNotFound."""
    entry = find(connection, run_id)
    if entry is None:
        raise RunNotFound(f"no run {run_id}")
    return entry


def lock(connection: Connection, run_id: RunId) -> Entry:
    """Give the entry of a run and let nobody else write into it before the transaction ends. Raises RunNotFound."""
    row = connection.execute(select(runs).where(runs.c.run_id == run_id).with_for_update()).one_or_none()
    if row is None:
        raise RunNotFound(f"no run {run_id}")
    return _intact(row)


def newest_first(connection: Connection) -> list[Entry]:
    """Give the entries of all runs, the newest first."""
    return [_intact(row) for row in connection.execute(select(runs).order_by(runs.c.created.desc()))]


def add(connection: Connection, entry: Entry) -> None:
    """Enter a run."""
    connection.execute(insert(runs).values(_sealed(entry)._asdict()))


def store_plan(connection: Connection, run_id: RunId, plan: Plan) -> str:
    """Keep a plan of a run and give its digest."""
    # Locked, so that nobody removes it as unused before the run that uses it is committed.
    found = select(documents.c.digest).where(documents.c.digest == plan.digest).with_for_update(read=True)
    if connection.scalar(found) is None:
        connection.execute(insert(documents).values(digest=plan.digest, body=plan.model_dump_json().encode()))
    used = (plans.c.run_id == run_id) & (plans.c.digest == plan.digest)
    if connection.scalar(select(plans.c.digest).where(used)) is None:
        connection.execute(insert(plans).values(run_id=run_id, digest=plan.digest))
    return plan.digest


def load_plan(connection: Connection, run_id: RunId, digest: str) -> Plan:
    """Give a plan of a run by its digest. Raises RunNotFound, Damaged where it is not what was stored."""
    body = connection.scalar(select(documents.c.body).where(documents.c.digest == digest))
    if body is None:
        get(connection, run_id)  # a run that was deleted a moment ago is not damaged
    if body is None or "sha256:" + hashlib.sha256(body).hexdigest() != digest:
        raise Damaged(f"the plan of run {run_id} is damaged; restore the journal from a backup")
    with undisturbed():
        return Plan.model_validate_json(body)


_TIP = select(func.max(events.c.seq)).where(events.c.run_id == runs.c.run_id).correlate(runs).scalar_subquery()
_END = (
    select(runs, events.c.seq.label("last"), events.c.seal.label("last_seal"))
    .select_from(runs.outerjoin(events, (events.c.run_id == runs.c.run_id) & (events.c.seq == _TIP)))
    .where(runs.c.run_id == bindparam("run"))
)

_INSERT = insert(events)
_CHANGE = update(runs).where(runs.c.run_id == bindparam("run"))


def end_of(connection: Connection, run_id: RunId) -> End:
    """Lock a run and tell where its records end. Raises RunNotFound, Damaged."""
    if connection.dialect.name != "sqlite":
        lock(connection, run_id)  # by itself: a join that had to wait for the lock would see the other tables too old
    row = connection.execute(_END, {"run": run_id}).one_or_none()
    if row is None:
        raise RunNotFound(f"no run {run_id}")
    *columns, seq, seal = row
    return End(_intact(columns), seq or 0, seal or START)


def write(connection: Connection, rows: Sequence[Row]) -> None:
    """Write new records."""
    connection.execute(_INSERT, [row._asdict() for row in rows])


def change(connection: Connection, entry: Entry) -> None:
    """Write the entry of a run anew."""
    connection.execute(_CHANGE, {"run": entry.run_id, **_sealed(entry)._asdict()})


def read(connection: Connection, entry: Entry, *, after: int = 0, limit: int | None = None) -> Generator[Record]:
    """Read records one by one, each verified. Raises Damaged naming one that is not what was written."""
    run_id = RunId(entry.run_id)
    previous = START if after == 0 else _seal_of(connection, run_id, after)
    query = select(events).where(events.c.run_id == run_id, events.c.seq > after).order_by(events.c.seq).limit(limit)
    seq = after
    with connection.execute(query, execution_options={"yield_per": AT_ONCE}) as rows:
        for record in unseal(run_id, rows, previous=previous, after=after):
            seq = record.seq
            yield record
    if seq < (entry.head if limit is None else min(entry.head, after + limit)):
        get(connection, run_id)  # as above
        raise missing(run_id, seq + 1)


def _seal_of(connection: Connection, run_id: RunId, seq: int) -> str:
    found = connection.scalar(select(events.c.seal).where(events.c.run_id == run_id, events.c.seq == seq))
    return START if found is None else found


def _intact(row: Sequence[Any]) -> Entry:
    entry = Entry._make(row)
    if _sealed(entry) != entry:
        raise Damaged(f"run {entry.run_id}: its entry is damaged; restore the journal from a backup")
    return entry


def _sealed(entry: Entry) -> Entry:
    return entry._replace(seal=stamp(entry[:-1]))
