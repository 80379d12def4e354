"""What the tables hold of a run, and how it goes from them, all at once or not at all."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, delete, func, select

from prefect_swarm.core.errors import Fenced
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal import entries, schema


class Tally(NamedTuple):
    """What the tables hold of a run."""

    records: int
    size: int
    """Bytes of the records' data and of the documents that no other run uses."""
    flow_runs: tuple[str, ...]
    """Ids of the Prefect flow runs that executed it."""
    output: str
    """Where its agents worked; empty where it never began."""


class Stand(NamedTuple):
    """When a run was last heard of."""

    run_id: RunId
    created: float
    newest: float
    """Time of the newest record, or of its creation."""


def tally(connection: Connection, run_id: RunId) -> Tally:
    """Count what there is of a run; its records are not verified. Raises RunNotFound."""
    events, flow_runs, documents = schema.events, schema.flow_runs, schema.documents
    mine = events.c.run_id == run_id
    records, size = connection.execute(select(func.count(), func.sum(func.length(events.c.data))).where(mine)).one()
    unused = documents.c.digest.in_(_named_by(connection, run_id)) & documents.c.digest.not_in(_named_by_others(run_id))
    plans = connection.scalar(select(func.sum(func.length(documents.c.body))).where(unused))
    bound = connection.scalars(select(flow_runs.c.flow_run_id).where(flow_runs.c.run_id == run_id)).all()
    started = select(events.c.data).where(mine, events.c.type == "run_started").order_by(events.c.seq.desc())
    return Tally(records, int(size or 0) + int(plans or 0), tuple(bound), _output(connection.scalar(started.limit(1))))


def stands(connection: Connection) -> tuple[Stand, ...]:
    """When each run was last heard of, the newest run first."""
    runs, events = schema.runs, schema.events
    newest = runs.outerjoin(events, (events.c.run_id == runs.c.run_id) & (events.c.seq == runs.c.head))
    query = select(runs.c.run_id, runs.c.created, events.c.at).select_from(newest).order_by(runs.c.created.desc())
    return tuple(
        Stand(RunId(run_id), created, created if at is None else at)
        for run_id, created, at in connection.execute(query)
    )


def delete_run(connection: Connection, run_id: RunId, epoch: int) -> None:
    """Delete all rows of a run, its lease too. Raises RunNotFound, or Fenced where `epoch` is not the run's own."""
    if entries.lock(connection, run_id).epoch != epoch:
        raise Fenced(f"run {run_id} was taken over by another executor")
    named = _named_by(connection, run_id)
    for table in (schema.events, schema.flow_runs, schema.leases, schema.plans, schema.runs):
        connection.execute(delete(table).where(_run_of(table) == run_id))
    _delete_unused(connection, schema.documents.c.digest.in_(named))


def delete_strays(connection: Connection) -> int:
    """Delete the rows that belong to no run; gives their number."""
    known = select(schema.runs.c.run_id).scalar_subquery()
    gone = 0
    for table in (schema.events, schema.flow_runs, schema.leases, schema.plans):
        gone += connection.execute(delete(table).where(_run_of(table).not_in(known))).rowcount
    return gone + _delete_unused(connection, schema.documents.c.digest.is_not(None))


def _run_of(table: Table) -> ColumnElement[str]:
    return table.c.run_id


def _named_by(connection: Connection, run_id: RunId) -> Sequence[str]:
    return connection.scalars(select(schema.plans.c.digest).where(schema.plans.c.run_id == run_id)).all()


def _named_by_others(run_id: RunId | None) -> ScalarSelect[str]:
    return select(schema.plans.c.digest).where(schema.plans.c.run_id != (run_id or "")).scalar_subquery()


def _delete_unused(connection: Connection, which: ColumnElement[bool]) -> int:
    """Delete documents that no run names; two statements, so that a run that is just being made is seen."""
    digest = schema.documents.c.digest
    locked: Sequence[str] = connection.scalars(
        select(digest).where(which, digest.not_in(_named_by_others(None))).with_for_update()
    ).all()
    unused = digest.in_(locked) & digest.not_in(_named_by_others(None))
    return connection.execute(delete(schema.documents).where(unused)).rowcount


def _output(started: str | None) -> str:
    try:
        return str(json.loads(started or "{}").get("output", ""))
    except (ValueError, AttributeError):
        return ""
