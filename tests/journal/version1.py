"""What version 1 of the journal wrote: its tables and its seals, kept so that every later version is tried on them."""

import hashlib
import json
from collections.abc import Sequence

from sqlalchemy import create_engine, text

from prefect_swarm.core.events import Event
from prefect_swarm.core.plan import Plan
from prefect_swarm.journal.chain import encode

TABLES = """
CREATE TABLE swarm_meta ("key" VARCHAR(40) NOT NULL, value TEXT NOT NULL, PRIMARY KEY ("key"));
CREATE TABLE swarm_documents (digest VARCHAR(80) NOT NULL, body {blob} NOT NULL, PRIMARY KEY (digest));
CREATE TABLE swarm_runs (run_id VARCHAR(80) NOT NULL, project TEXT NOT NULL, "plan" VARCHAR(80) NOT NULL,
  created FLOAT NOT NULL, stream INTEGER NOT NULL, head INTEGER NOT NULL, PRIMARY KEY (run_id));
CREATE TABLE swarm_flow_runs (flow_run_id VARCHAR(80) NOT NULL, run_id VARCHAR(80) NOT NULL, PRIMARY KEY (flow_run_id));
CREATE TABLE swarm_events (run_id VARCHAR(80) NOT NULL, seq INTEGER NOT NULL, stream INTEGER NOT NULL,
  at FLOAT NOT NULL, type VARCHAR(40) NOT NULL, data TEXT NOT NULL, epoch INTEGER NOT NULL,
  checksum VARCHAR(64) NOT NULL, PRIMARY KEY (run_id, seq));
CREATE TABLE swarm_leases (run_id VARCHAR(80) NOT NULL, epoch INTEGER NOT NULL, holder TEXT NOT NULL,
  beat FLOAT NOT NULL, PRIMARY KEY (run_id));
INSERT INTO swarm_meta VALUES ('version', '1')
"""
DEAD = '{"host":"there","boot":"long ago","pid":7,"started":1.0}'


def write_journal(url: str, plan: Plan, runs: dict[str, Sequence[Event]], *, holder: str = DEAD) -> None:
    """Write a journal as version 1 did, with a lease for each run."""
    engine = create_engine(url)
    blob = "BLOB" if engine.dialect.name == "sqlite" else "BYTEA"
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        for statement in TABLES.format(blob=blob).split(";"):
            connection.execute(text(statement))
        body = {"digest": plan.digest, "body": plan.model_dump_json().encode()}
        connection.execute(text("INSERT INTO swarm_documents VALUES (:digest, :body)"), body)
        for run_id, happened in runs.items():
            entry = {"run": run_id, "project": plan.project.name, "plan": plan.digest, "head": len(happened)}
            connection.execute(text("INSERT INTO swarm_runs VALUES (:run, :project, :plan, 5.0, 1, :head)"), entry)
            lease = {"run": run_id, "holder": holder}
            connection.execute(text("INSERT INTO swarm_leases VALUES (:run, 3, :holder, 5.0)"), lease)
            for row in rows_of(run_id, happened):
                connection.execute(text("INSERT INTO swarm_events VALUES (:a, :b, :c, :d, :e, :f, :g, :h)"), row)
    engine.dispose()


def rows_of(run_id: str, happened: Sequence[Event]) -> list[dict[str, object]]:
    """Seal events as version 1 did."""
    previous, rows = "0" * 64, list[dict[str, object]]()
    for seq, event in enumerate(happened, 1):
        values = [run_id, seq, 1, 10.0 + seq / 3, *encode(event), 3]
        previous = hashlib.sha256(json.dumps([previous, *values]).encode()).hexdigest()
        rows.append(dict(zip("abcdefgh", [*values, previous], strict=True)))
    return rows
