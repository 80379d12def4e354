"""What a database's complaint means: the disk or the server refuses, or something else is wrong."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from prefect_swarm.core.errors import Damaged, JournalError, StorageFailed

_FULL = "the disk is full: make room, then go on with `swarm resume`"
_READ_ONLY = "it may only be read: allow writing again, then go on with `swarm resume`"
_BROKEN = "the disk fails: look at it, then go on with `swarm resume`"
_GONE = "the file cannot be opened: put it and its folder back, then go on with `swarm resume`"
_AWAY = "the server does not answer: start it, or mend the way to it, then go on with `swarm resume`"

_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _BROKEN,
    sqlite3.SQLITE_CANTOPEN: _GONE,
}
"""Primary result codes of SQLite by what they mean; a lock that is held for long is no trouble of the disk."""
_SQLSTATE = {
    "08": _AWAY,  # connection exception
    "25006": _READ_ONLY,  # read-only transaction: a standby
    "53": _FULL,  # insufficient resources
    "57P": _AWAY,  # shut down, crashed, starting up
    "58": _BROKEN,  # I/O error of the server
}
"""Beginnings of PostgreSQL's error codes by what they mean."""


@contextmanager
def told(doing: str) -> Generator[None]:
    """Tell errors of the database as ours: StorageFailed where disk or server refuse, else JournalError."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _ours(error, doing) from error
    except UnicodeDecodeError as error:  # SQLite's own message, which quotes what is damaged
        raise Damaged(f"{doing}: its tables are damaged ({error}); restore the journal from a backup") from error
    except OSError as error:
        raise StorageFailed(f"{doing}: {error}") from error


def _ours(error: Exception, doing: str) -> JournalError:
    said = str(error).splitlines()[0]
    meaning = _meaning(error)
    return JournalError(f"{doing}: {said}") if meaning is None else StorageFailed(f"{doing}: {meaning} ({said})")


def _meaning(error: Exception) -> str | None:
    """Say in which way storage refuses, None where it does not."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _SQLITE.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF)
    state: str | None = getattr(cause, "sqlstate", None)
    if state is not None:
        return next((meaning for begin, meaning in _SQLSTATE.items() if state.startswith(begin)), None)
    lost = isinstance(error, (OperationalError, InterfaceError)) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    return _AWAY if lost else None
