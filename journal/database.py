"""How a journal's database is opened so that what it acknowledged survives a power cut."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import psutil
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, insert, inspect, select, text
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from prefect_swarm.core.errors import JournalError
from prefect_swarm.journal import schema
from prefect_swarm.journal.migration import migrate, version_of
from prefect_swarm.journal.trouble import told

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
    elif engine.dialect.driver == "psycopg":
        event.listen(engine, "do_connect", _connect_in_a_hurry)
    try:
        with told(f"the journal {engine.url.render_as_string()} cannot be opened"):
            _open(engine)
    except JournalError:
        engine.dispose()
        raise
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


def _open(engine: Engine) -> None:
    if not inspect(engine).has_table(schema.meta.name):
        with _alone(engine) as connection:
            _make_tables(connection)
    with engine.connect() as connection:
        found = version_of(connection)
    if found != schema.VERSION:
        with _alone(engine) as connection:
            migrate(connection)
    if engine.dialect.name == "sqlite" and engine.url.database not in {None, "", ":memory:"}:
        _hold_on_to_the_file(engine, Path(engine.url.database or "").absolute())


@contextmanager
def _alone(engine: Engine) -> Generator[Connection]:
    """Open a transaction for which others wait who want to make or change the tables at the same time."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            _wait_for_turn(connection)
        yield connection


def _wait_for_turn(connection: Connection) -> None:
    for _ in range(LOCKED_TRIES):
        if connection.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('swarm_meta'))")):
            return
        time.sleep(LOCKED_PAUSE)
    raise JournalError("the journal's tables are being changed by another process: try again in a while")


def _hold_on_to_the_file(engine: Engine, path: Path) -> None:
    """From now on open only the file that is there, and notice when it is another one or gone.

    SQLite itself would make a new file where the old one is gone, and go on writing into one that was deleted.
    """

    def connect(_dialect: Dialect, _entry: ConnectionPoolEntry, words: list[Any], named: dict[str, Any]) -> None:
        words[0], named["uri"] = f"file:{quote(str(path))}?mode=rw", True

    def remember(_connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        entry.info["files"] = _identity(path)

    def compare(_connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        if entry.info["files"] != _identity(path):
            raise DisconnectionError

    engine.dispose()
    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", remember)
    event.listen(engine, "checkout", compare)


def _identity(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """Say which files lie at the paths of the database and its write-ahead log."""
    return tuple(_file_at(one) for one in (path, path.with_name(f"{path.name}-wal")))


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _connect_in_a_hurry(
    _dialect: Dialect, _entry: ConnectionPoolEntry, words: list[Any], named: dict[str, Any]
) -> DBAPIConnection:
    from prefect_swarm.journal.postgres import CONNECTING, HurriedConnection  # noqa: PLC0415 - psycopg is an extra

    return cast("DBAPIConnection", HurriedConnection.connect(*words, **{**CONNECTING, **named}))


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
    cursor.execute("PRAGMA user_version")  # reads, whereby the write-ahead log is there
    cursor.close()


def _switch_to_wal(cursor: DBAPICursor) -> None:
    """Have the journal in WAL mode; several processes may do so to a new file at the same moment."""
    # SQLite does not wait for its busy timeout here: it answers `database is locked` at once.
    for tries in range(LOCKED_TRIES, 0, -1):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if tries == 1 or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(LOCKED_PAUSE)
        else:
            return


def _make_tables(connection: Connection) -> None:
    """Make the tables, unless another process did so while we waited for it."""
    schema.metadata.create_all(connection)
    if connection.scalar(select(schema.meta.c.value)) is None:
        connection.execute(insert(schema.meta).values(key="version", value=str(schema.VERSION)))


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
