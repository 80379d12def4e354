"""How a journal's database is opened so that what it acknowledged survives a power cut."""

import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import cast

import psutil
from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from prefect_swarm.core.errors import JournalError
from prefect_swarm.journal import schema

LOCKED_TRIES, LOCKED_PAUSE = 200, 0.05
"""How often, and after how many seconds, a locked new journal is tried again."""
STEP = 256
"""Free pages that are given back in one transaction, during which a writer waits for a tenth of a second at most."""
_NETWORK = {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph"}


def open_database(url: str) -> Engine:
    """Open the journal at a database URL, making its tables where there are none.

    Raises JournalError where it cannot be opened, has another version, or is SQLite on a network file system.
    """
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        _refuse_network(engine.url.database)
        event.listen(engine, "connect", _prepare_sqlite)
    try:
        if not inspect(engine).has_table(schema.meta.name):
            with engine.begin() as connection:
                _make_tables(connection)
        _check_version(engine)
    except JournalError:
        engine.dispose()
        raise
    except SQLAlchemyError as error:
        engine.dispose()
        message = f"the journal {engine.url.render_as_string()} cannot be opened: {_first_line(error)}"
        raise JournalError(message) from error
    return engine


def give_back(engine: Engine) -> None:
    """Give free pages back to the file system, a few at a time, so that nobody who writes has to wait for long."""
    if engine.dialect.name != "sqlite":
        return  # PostgreSQL does so by itself
    with engine.connect() as connection, suppress(sqlite3.OperationalError):  # busy: they are used again, or later
        bare = cast("sqlite3.Connection", connection.connection.driver_connection)
        free = _free_pages(bare)
        while free:
            bare.executescript(f"PRAGMA incremental_vacuum({STEP})")  # execute() would free a single page
            before, free = free, _free_pages(bare)
            if free >= before:
                return
        bare.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _free_pages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # isolation_level None: we say BEGIN ourselves, since Python's own begins too late to keep others from writing.
    connection.isolation_level = None  # type: ignore[attr-defined]
    # Text that is none any more is read as it is: its record's checksum then says which one is damaged.
    connection.text_factory = lambda found: found.decode("utf-8", "backslashreplace")  # type: ignore[attr-defined]
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # says nothing to a file that has tables
    _switch_to_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _switch_to_wal(cursor: DBAPICursor) -> None:
    """Have the journal in WAL mode; several processes may do so to a new file at the same moment."""
    # SQLite does not wait for its busy timeout here: it answers `database is locked` at once.
    for tries in range(LOCKED_TRIES, 0, -1):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if tries == 1:
                raise
            time.sleep(LOCKED_PAUSE)
        else:
            return


def _make_tables(connection: Connection) -> None:
    """Make the tables, unless another process does so at the same time; then wait until it has."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('swarm_meta'))"))
    schema.metadata.create_all(connection)
    if connection.scalar(select(schema.meta.c.value)) is None:
        connection.execute(insert(schema.meta).values(key="version", value=str(schema.VERSION)))


def _check_version(engine: Engine) -> None:
    with engine.connect() as connection:
        found = connection.scalar(select(schema.meta.c.value).where(schema.meta.c.key == "version"))
    if found != str(schema.VERSION):
        raise JournalError(
            f"the journal has version {found}, this program reads {schema.VERSION}: use the prefect-swarm "
            "that wrote it, or point SWARM_HOME to another folder"
        )


def _refuse_network(path: str | None) -> None:
    if not path or path == ":memory:":
        return
    folder = Path(path).resolve().parent
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    kind = max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""
    if kind in _NETWORK:
        raise JournalError(
            f"{path} lies on a network file system ({kind}), on which SQLite loses data: "
            "set SWARM_HOME to a local folder, or SWARM_JOURNAL to a PostgreSQL URL"
        )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
