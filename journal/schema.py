"""How the journal lies in a database: seven tables, the same in SQLite and PostgreSQL."""

from sqlalchemy import Column, Float, Integer, LargeBinary, MetaData, String, Table, Text

VERSION = 2
"""Grows with every change of the tables; `migration` knows the way from each earlier one, a later one is refused."""

metadata = MetaData()

meta = Table("swarm_meta", metadata, Column("key", String(40), primary_key=True), Column("value", Text, nullable=False))

documents = Table(
    "swarm_documents",
    metadata,
    Column("digest", String(80), primary_key=True),  # sha256:<hex> of the body
    Column("body", LargeBinary, nullable=False),
)

runs = Table(
    "swarm_runs",
    metadata,
    Column("run_id", String(80), primary_key=True),
    Column("project", Text, nullable=False),
    Column("origin", String(80), nullable=False),  # digest of the document that is the plan it began with
    Column("plan", String(80), nullable=False),  # and of the one that it goes by now
    Column("created", Float, nullable=False),
    Column("stream", Integer, nullable=False),
    Column("head", Integer, nullable=False),  # seq of the newest record, so that a lost tail is noticed
    Column("epoch", Integer, nullable=False),  # of the newest lease, 0 before the first; likewise
    Column("seal", String(64), nullable=False),  # over all other columns
)

plans = Table(
    "swarm_plans",
    metadata,
    Column("run_id", String(80), primary_key=True),
    Column("digest", String(80), primary_key=True),  # of the document of a plan that the run goes by, or once did
)

flow_runs = Table(
    "swarm_flow_runs",
    metadata,
    Column("flow_run_id", String(80), primary_key=True),
    Column("run_id", String(80), nullable=False),
)

events = Table(
    "swarm_events",
    metadata,
    Column("run_id", String(80), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("stream", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("type", String(40), nullable=False),
    Column("data", Text, nullable=False),
    Column("epoch", Integer, nullable=False),  # 0 where no executor wrote it
    Column("seal", String(64), nullable=False),  # over all of this record and the seal before it
)

leases = Table(
    "swarm_leases",
    metadata,
    Column("run_id", String(80), primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("holder", Text, nullable=False),  # JSON; empty when released
    Column("beat", Float, nullable=False),  # by the clock of the database's server, of this machine for SQLite
    Column("ticks", Float, nullable=False),  # by the holder's monotonic clock, which all of one boot share
    Column("period", Float, nullable=False),  # seconds without a beat after which the lease has run out
    Column("seal", String(64), nullable=False),  # over all other columns
)
