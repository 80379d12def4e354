"""What the tables hold of a run, and how it goes from them, all at once or not at all."""

import json
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, delete, func, select, union

from prefect_swarm.core.errors import Fenced, RunNotFound
from prefect_swarm.core.ids import RunId
from prefect_swarm.journal import lease, schema

NAMING = (schema.runs.c.plan, schema.runs.c.origin)
"""The columns of a run that name documents; a plan that it went by in between is named by its rewinding only."""


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
    alone = _named_by(connection, run_id) - _named_by_rewinding(connection, schema.runs.c.run_id != run_id)
    unused = documents.c.digest.in_(alone) & documents.c.digest.not_in(_named_now(schema.runs.c.run_id != run_id))
    plans = connection.scalar(select(func.sum(func.length(documents.c.body))).where(unused))
    bound = connection.scalars(select(flow_runs.c.flow_run_id).where(flow_runs.c.run_id == run_id)).all()
    started = select(events.c.data).where(mine, events.c.type == "run_started").order_by(events.c.seq.desc())
    return Tally(
        records, int(size or 0) + int(plans or 0), tuple(bound), _text(connection.scalar(started.limit(1)), "output")
    )


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
    mine = schema.runs.c.run_id == run_id
    if connection.scalar(select(schema.runs.c.run_id).where(mine).with_for_update()) is None:
        raise RunNotFound(f"no run {run_id}")
    if lease.current(connection, run_id)[0] != epoch:
        raise Fenced(f"run {run_id} was taken over by another executor")
    named = _named_by(connection, run_id)
    for table in (schema.events, schema.flow_runs, schema.leases, schema.runs):
        connection.execute(delete(table).where(_run_of(table) == run_id))
    _delete_unused(connection, schema.documents.c.digest.in_(named))


def delete_strays(connection: Connection) -> int:
    """Delete the rows that belong to no run; gives their number."""
    known = select(schema.runs.c.run_id).scalar_subquery()
    gone = _delete_unused(connection, schema.documents.c.digest.is_not(None))
    for table in (schema.events, schema.flow_runs, schema.leases):
        gone += connection.execute(delete(table).where(_run_of(table).not_in(known))).rowcount
    return gone


def _run_of(table: Table) -> ColumnElement[str]:
    return table.c.run_id


def _named_by(connection: Connection, run_id: RunId) -> set[str]:
    """The documents that a run names. Raises RunNotFound."""
    mine = schema.runs.c.run_id == run_id
    row = connection.execute(select(*NAMING).where(mine)).one_or_none()
    if row is None:
        raise RunNotFound(f"no run {run_id}")
    return {*row, *_named_by_rewinding(connection, mine)}


def _named_now(which: ColumnElement[bool]) -> ScalarSelect[str]:
    """The documents that the entries of some runs name."""
    named = union(*(select(column).where(which) for column in NAMING)).subquery()
    return select(named.c[0]).scalar_subquery()


def _named_by_rewinding(connection: Connection, which: ColumnElement[bool]) -> set[str]:
    """The plans that some runs were rewound to; only a run with more than one stream was."""
    runs, events = schema.runs, schema.events
    rewound = runs.join(events, (events.c.run_id == runs.c.run_id) & (events.c.type == "run_rewound"))
    query = select(events.c.data).select_from(rewound).where(which, runs.c.stream > 1)
    return {_text(data, "plan") for data in connection.scalars(query)}


def _delete_unused(connection: Connection, which: ColumnElement[bool]) -> int:
    """Delete documents that no run names; first they are locked, so that a run that is just being made is seen."""
    digest = schema.documents.c.digest
    everyone = schema.runs.c.run_id.is_not(None)
    found = select(digest).where(which, digest.not_in(_named_now(everyone))).with_for_update()
    locked = set(connection.scalars(found)) - _named_by_rewinding(connection, everyone)
    unused = digest.in_(locked) & digest.not_in(_named_now(everyone))
    return connection.execute(delete(schema.documents).where(unused)).rowcount


def _text(data: str | None, name: str) -> str:
    try:
        return str(json.loads(data or "{}").get(name, ""))
    except (ValueError, AttributeError):
        return ""
