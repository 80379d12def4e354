"""How a journal that an earlier version wrote becomes one of this version: step by step, each whole or not at all."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, text, update

from prefect_swarm.core.errors import JournalError
from prefect_swarm.journal.chain import START, Row, seal, stamp
from prefect_swarm.journal.lease import Holder, this_process
from prefect_swarm.journal.schema import VERSION, events, leases, meta, plans, runs

AT_ONCE = 1000
"""Records that are sealed anew at a time."""
EPOCHS = """UPDATE swarm_runs SET epoch = (SELECT l.epoch FROM swarm_leases l WHERE l.run_id = swarm_runs.run_id)
WHERE run_id IN (SELECT run_id FROM swarm_leases)"""
"""Each run knows the epoch of its newest lease from version 2 on."""
PERIOD = 15.0
"""The period of a lease that version 1 wrote, which did not say."""


def version_of(connection: Connection) -> int:
    """Give the version of the tables. Raises JournalError where that is a later one than ours, or none at all."""
    found = connection.scalar(select(meta.c.value).where(meta.c.key == "version"))
    if found is None or not found.isdecimal() or not 1 <= int(found) <= VERSION:
        raise JournalError(
            f"the journal has version {found}, this program reads {VERSION}: use the prefect-swarm "
            "that wrote it, or point SWARM_HOME to another folder"
        )
    return int(found)


def migrate(connection: Connection) -> None:
    """Bring the tables to our version, in a transaction that lets nobody else write.

    A copy of an SQLite file is kept beside it, as `journal.db.v1`. Raises JournalError where a run is being executed.
    """
    begun = version_of(connection)
    if begun == VERSION:
        return
    _refuse_living(connection)
    if connection.dialect.name == "sqlite":
        _keep_copy(Path(connection.engine.url.database or ""), begun)
    for version in range(begun, VERSION):
        STEPS[version](connection)
    connection.execute(update(meta).where(meta.c.key == "version").values(value=str(VERSION)))


def _refuse_living(connection: Connection) -> None:
    """An executor of the earlier version would find its tables changed in the middle of its work."""
    query = select(leases.c.run_id, leases.c.holder, leases.c.beat).where(leases.c.holder != "")
    for run_id, text_of_holder, beat in connection.execute(query):
        holder = Holder.model_validate(json.loads(text_of_holder))
        if _may_live(holder, beat):
            raise JournalError(
                f"the journal is of an earlier version, and run {run_id} is being executed by {holder}: "
                "let it end, or end it, then try again"
            )


def _may_live(holder: Holder, beat: float) -> bool:
    mine = this_process()
    if holder.boot != mine.boot:
        return holder.host != mine.host and abs(time.time() - beat) < 4 * PERIOD
    return not holder.model_copy(update={"space": mine.space}).dead


def _keep_copy(path: Path, version: int) -> None:
    """Copy the file page by page, damaged ones too; the copy has its name only when it is whole."""
    copy = path.with_name(f"{path.name}.v{version}")
    fresh = copy.with_name(f"{copy.name}.new")
    fresh.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(fresh)) as target:
        source.backup(target)
    fresh.replace(copy)


def _from_1(connection: Connection) -> None:
    """Cheaper seals, sealed entries and leases, the plan that a run began with, the period of a lease.

    Columns are renamed so that a process of version 1 that is still there fails rather than writes what we cannot read.
    """
    for statement in (
        "ALTER TABLE swarm_events RENAME COLUMN checksum TO seal",
        "ALTER TABLE swarm_runs RENAME COLUMN plan TO origin",
        "ALTER TABLE swarm_runs ADD COLUMN plan VARCHAR(80) NOT NULL DEFAULT ''",
        "ALTER TABLE swarm_runs ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE swarm_runs ADD COLUMN seal VARCHAR(64) NOT NULL DEFAULT ''",
        "ALTER TABLE swarm_leases ADD COLUMN ticks FLOAT NOT NULL DEFAULT 0",
        f"ALTER TABLE swarm_leases ADD COLUMN period FLOAT NOT NULL DEFAULT {PERIOD}",
        "ALTER TABLE swarm_leases ADD COLUMN seal VARCHAR(64) NOT NULL DEFAULT ''",
        "UPDATE swarm_runs SET plan = origin",
        EPOCHS,
    ):
        connection.execute(text(statement))
    plans.create(connection)
    connection.execute(insert(plans).from_select(["run_id", "digest"], select(runs.c.run_id, runs.c.origin)))
    for table in (runs, leases):
        for row in connection.execute(select(table)).all():
            sealed = stamp(row[:-1])
            connection.execute(update(table).where(table.c.run_id == row.run_id).values(seal=sealed))
    for run_id in connection.scalars(select(events.c.run_id).distinct()).all():
        _seal_anew(connection, run_id)


def _seal_anew(connection: Connection, run_id: str) -> None:
    """Seal the records of a run anew; one that was damaged keeps its seal, and so stays noticed."""
    old = new = START
    after = 0
    write = update(events).where(events.c.run_id == run_id, events.c.seq == bindparam("number"))
    query = select(events).where(events.c.run_id == run_id).order_by(events.c.seq).limit(AT_ONCE)
    while rows := [Row._make(row) for row in connection.execute(query.where(events.c.seq > after))]:
        seals = list[dict[str, Any]]()
        for row in rows:
            new = seal(new, row) if _seal_of_1(old, row) == row.seal else row.seal
            old = row.seal
            seals.append({"number": row.seq, "seal": new})
        connection.execute(write, seals)
        after = rows[-1].seq


def _seal_of_1(previous: str, row: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps([previous, *row[:-1]], default=repr).encode()).hexdigest()


STEPS: dict[int, Callable[[Connection], None]] = {1: _from_1}
"""The way from each version to the next."""
